//! What every alert must have, and what it looks for.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::Result;

use super::{
    files,
    prometheus::{Alert, Prometheus},
    promql, unknown,
};

const SEVERITIES: [&str; 2] = ["critical", "warning"];
/// Selectors that find nothing as long as nothing happens, and why.
const SILENT_SELECTORS: [(&str, &str); 4] = [
    ("korob_carrier_connected", "nobody brings its events"),
    ("korob_certificate_expires_timestamp_seconds", "its one process proves to nobody who it is"),
    ("status=~\"5..\"", "no request of the demonstration fails"),
    ("status=\"401\"", "nobody guesses keys there"),
];

/// What is wrong with an alert.
pub fn problems(alert: &Alert, prometheus: &Prometheus, metrics: &BTreeSet<String>) -> Result<Vec<String>> {
    let name = &alert.name;
    let mut problems = Vec::new();
    if !SEVERITIES.contains(&alert.severity.as_str()) {
        problems.push(format!("{name}: the severity is {:?}", alert.severity));
    }
    for (field, text) in [("summary", &alert.summary), ("description", &alert.description)] {
        if text.is_empty() {
            problems.push(format!("{name}: there is no {field}"));
        }
    }
    problems.extend(unknown(&alert.expression, metrics).map(|metric| format!("{name}: no metric {metric}")));
    for selector in promql::selectors(&alert.expression) {
        let is_silent = SILENT_SELECTORS.iter().any(|(part, _)| selector.contains(part));
        if !is_silent && prometheus.query(&selector)? == 0 {
            problems.push(format!("{name}: nothing is found by {selector}"));
        }
    }
    Ok(problems)
}

/// Alerts of which no test shows that they fire, or that they do not.
pub fn untested(alerts: &[Alert], folder: &Path) -> Result<Vec<String>> {
    let mut tests = String::new();
    for file in files(folder, "yaml")? {
        tests.push_str(&fs::read_to_string(file)?);
    }
    // One expectation is a block that begins with its time.
    let expectations: Vec<&str> = tests.split("eval_time:").skip(1).collect();
    let mut problems = Vec::new();
    for Alert { name, .. } in alerts {
        let of_it = expectations.iter().filter(|expectation| {
            expectation.lines().any(|line| line.trim() == format!("alertname: {name}"))
        });
        let (quiet, firing): (Vec<&str>, Vec<&str>) =
            of_it.partition(|expectation| expectation.contains("exp_alerts: []"));
        if firing.is_empty() {
            problems.push(format!("{name}: no test shows that it fires"));
        }
        if quiet.is_empty() {
            problems.push(format!("{name}: no test shows when it does not fire"));
        }
    }
    Ok(problems)
}
