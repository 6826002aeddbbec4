//! `korob repair`: what `korob check` finds, brought right by the services' own verbs; what only a person can decide is asked.

mod apply;
mod decide;
mod facts;
mod plan;
mod remedy;
mod show;
mod step;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use check::{Examination, Finding, Report};

use crate::arguments::{Repair, Wait};
use crate::commands::check::{Places, examine};
use crate::configuration::Configuration;
use facts::Facts;
use plan::Plan;
use step::Step;

const NOT_CLEAN: u8 = 1;

/// After each round everything is looked at again: a repair may show what it was hidden by.
const ROUNDS_MAX: usize = 20;
/// A call that failed may find its service busy with what another repair has begun.
const TRIES_MAX: usize = 3;
/// What a repair has begun arrives elsewhere a moment later.
const SETTLING: Duration = Duration::from_secs(5);

/// Exit status 0: nothing is wrong, or only what somebody has decided about; 1: something is left; an error: it could not be
/// looked at.
pub async fn run(configuration: Configuration, asked: Repair) -> anyhow::Result<ExitCode> {
    let facts = Facts::new(super::running_suite(&configuration)?);
    let places = Places::find(&configuration).await?;
    let outcome = repair(&asked, &places, &facts).await;
    places.close().await?;
    outcome
}

async fn repair(asked: &Repair, places: &Places, facts: &Facts) -> anyhow::Result<ExitCode> {
    let wait = match asked.wait {
        Wait::None => None,
        Wait::For(wait) => Some(wait),
    };
    known_names(asked)?;
    let mut report = look(asked, places, wait).await?;
    let logs = check::logs(&places.urls()).await?;
    if let Some(decision) = &asked.decide {
        decide::carry_out(decision, asked.note.as_deref(), &report.findings, facts, &logs).await?;
        report = look(asked, places, Some(SETTLING)).await?;
    }
    let mut plan = Plan::of(chosen(asked, &report), facts, &logs).await?;
    if asked.dry_run || asked.decide.is_some() {
        // A decision is about one thing; the rest is for a call of its own.
        show::plan(&plan, &report, asked.json)?;
        return Ok(verdict(&report));
    }

    let mut tries: BTreeMap<Step, usize> = BTreeMap::new();
    for _ in 0..ROUNDS_MAX {
        let made = |step: &Step| tries.get(step).copied().unwrap_or(0);
        let repairs: Vec<_> = plan.repairs.iter().filter(|repair| made(&repair.step) < TRIES_MAX).collect();
        if repairs.is_empty() {
            break;
        }
        for (step, outcome) in apply::all(&repairs, facts).await {
            // What was done and is found again is not helped by doing it once more.
            let more = if outcome.is_ok() { TRIES_MAX } else { 1 };
            *tries.entry(step).or_default() += more;
        }
        report = look(asked, places, Some(SETTLING)).await?;
        plan = Plan::of(chosen(asked, &report), facts, &logs).await?;
    }
    show::rest(&plan, &report, asked.json)?;
    Ok(verdict(&report))
}

async fn look(asked: &Repair, places: &Places, wait: Option<Duration>) -> anyhow::Result<Report> {
    let examination =
        Examination { databases: places.urls(), history: None, simulators: asked.simulators.clone(), wait };
    Ok(examine(&examination).await?)
}

/// A name that nobody has would choose nothing, and say that all is well.
fn known_names(asked: &Repair) -> anyhow::Result<()> {
    for name in &asked.only {
        let known = check::all().any(|check| check.name == name);
        anyhow::ensure!(known, "--only {name}: there is no such check; `korob check --list` names them");
    }
    Ok(())
}

/// The findings that are to be repaired: of these checks, about these ids.
fn chosen<'a>(asked: &Repair, report: &'a Report) -> Vec<&'a Finding> {
    let of_check =
        |finding: &&Finding| asked.only.is_empty() || asked.only.iter().any(|name| name == finding.check);
    let about =
        |finding: &&Finding| asked.ids.is_empty() || finding.ids.values().any(|id| asked.ids.contains(id));
    report
        .findings
        .iter()
        .filter(of_check)
        .filter(about)
        .filter(|finding| finding.decided.is_none())
        .collect()
}

fn verdict(report: &Report) -> ExitCode {
    if report.violations() == 0 { ExitCode::SUCCESS } else { ExitCode::from(NOT_CLEAN) }
}
