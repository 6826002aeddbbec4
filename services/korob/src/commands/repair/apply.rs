//! Makes the calls one after the other, and says how each went.

use indicatif::{ProgressBar, ProgressStyle};
use tonic::Status;

use super::facts::Facts;
use super::plan::Repair;
use super::step::Step;

/// One that fails keeps none of the others back: what is left is found again. Answers how each went.
pub async fn all(repairs: &[&Repair], facts: &Facts) -> Vec<(Step, Result<(), Status>)> {
    let mut outcomes = Vec::with_capacity(repairs.len());
    let bar = ProgressBar::new(repairs.len() as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    for (at, repair) in repairs.iter().enumerate() {
        let done = repair.step.make(facts).await;
        let place = format!("[{}/{}]", at + 1, repairs.len());
        bar.suspend(|| match &done {
            Ok(()) => eprintln!("{place} done: {}", repair.step),
            Err(status) => {
                eprintln!("{place} FAILED: {}: {:#}", repair.step, crate::commands::explain(status))
            }
        });
        bar.inc(1);
        outcomes.push((repair.step.clone(), done));
    }
    bar.finish_and_clear();
    outcomes
}
