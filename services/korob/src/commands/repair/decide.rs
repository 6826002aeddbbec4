//! Carries out what a person has decided, and writes it down.

use anyhow::Context;
use check::Finding;

use super::facts::Facts;
use super::remedy::{Logs, Remedy};
use super::step::Step;
use crate::arguments::Decision;

/// What is always possible: it stays as it is, because somebody says so.
pub const KEEP: &str = "keep";

/// Does what was chosen about the findings that the decision names. With `keep` only the decision is written down, and what
/// was found counts as decided for as long as it is found with the same values.
pub async fn carry_out(
    decision: &Decision,
    note: Option<&str>,
    findings: &[Finding],
    facts: &Facts,
    logs: &Logs,
) -> anyhow::Result<()> {
    let named = |finding: &&Finding| {
        finding.check == decision.check && finding.ids.values().any(|id| *id == decision.id)
    };
    let mut found = findings.iter().filter(named).peekable();
    anyhow::ensure!(
        found.peek().is_some(),
        "--decide: {} finds nothing about {}; the ids are those that `korob check` prints",
        decision.check,
        decision.id
    );
    for finding in found {
        let explain = |status| crate::commands::explain(&status);
        if decision.choice == KEEP {
            let note = note.context("--decide …=keep needs --note: why it stays as it is")?;
            record(finding, note).make(facts).await.map_err(explain)?;
            continue;
        }
        let choices = match Remedy::of(finding, facts, logs).await.map_err(explain)? {
            Remedy::Question { choices, .. } => choices,
            Remedy::Calls { .. } => {
                anyhow::bail!(
                    "--decide: {} is repaired without asking; leave --decide out",
                    finding.subject()
                )
            }
        };
        let chosen = choices.iter().find(|choice| choice.name == decision.choice);
        let names = choices.iter().map(|choice| choice.name).chain([KEEP]).collect::<Vec<_>>().join(", ");
        let chosen =
            chosen.with_context(|| format!("--decide …={}: choose one of {names}", decision.choice))?;
        if let Some(step) = &chosen.step {
            step.make(facts).await.map_err(explain)?;
            eprintln!("done: {step}");
        }
        if let Some(note) = note {
            record(finding, note).make(facts).await.map_err(explain)?;
        }
    }
    Ok(())
}

fn record(finding: &Finding, note: &str) -> Step {
    Step::Record {
        check: finding.check.to_owned(),
        subject: finding.subject(),
        expected: finding.expected.clone(),
        found: finding.found.clone(),
        note: note.to_owned(),
    }
}
