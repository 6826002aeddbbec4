//! What is to be done about all findings: each call once, and the questions.

use std::collections::BTreeMap;

use check::Finding;
use serde::Serialize;

use super::facts::Facts;
use super::remedy::{Choice, Logs, Remedy};
use super::step::Step;

/// All of it.
#[derive(Debug, Default)]
pub struct Plan {
    /// In the order in which they are made.
    pub repairs: Vec<Repair>,
    pub questions: Vec<Question>,
}

/// One call, and what it is made for.
#[derive(Debug)]
pub struct Repair {
    pub step: Step,
    pub why: Vec<Why>,
}

/// A finding, and what about it.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Why {
    pub check: &'static str,
    pub subject: String,
    pub why: String,
}

/// What a person is asked.
#[derive(Debug)]
pub struct Question {
    pub finding: Finding,
    pub why: String,
    pub choices: Vec<Choice>,
}

impl Plan {
    /// Asks the services about each of them.
    pub async fn of(findings: Vec<&Finding>, facts: &Facts, logs: &Logs) -> anyhow::Result<Self> {
        let (mut repairs, mut questions) = (BTreeMap::<Step, Vec<Why>>::new(), Vec::new());
        for finding in &findings {
            let remedy = match same_level(finding, &findings) {
                Some(level) => Remedy::of(level, facts, logs).await,
                None => Remedy::of(finding, facts, logs).await,
            };
            match remedy.map_err(|status| crate::commands::explain(&status))? {
                Remedy::Calls { steps, why } => {
                    for step in steps {
                        let (check, subject, why) = (finding.check, finding.subject(), why.clone());
                        repairs.entry(step).or_default().push(Why { check, subject, why });
                    }
                }
                Remedy::Question { why, choices } => {
                    questions.push(Question { finding: Finding::clone(finding), why, choices });
                }
            }
        }
        let repairs = repairs.into_iter().map(|(step, why)| Repair { step, why }).collect();
        Ok(Self { repairs, questions })
    }
}

/// Layers are compared with the level: where that is wrong itself, it is what is to be repaired.
fn same_level<'a>(finding: &Finding, findings: &[&'a Finding]) -> Option<&'a Finding> {
    let of_layers = finding.check == "stock-layers";
    let wrong = |other: &&&Finding| other.check == "stock-on-hand" && other.ids == finding.ids;
    findings.iter().find(|other| of_layers && wrong(other)).copied()
}
