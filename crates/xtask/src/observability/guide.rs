//! What the guide for operators must say of metrics and alerts.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result};

use super::prometheus::Alert;
use crate::workspace;

const GUIDE: &str = "docs/operations.md";
/// Where runbooks lead.
const RUNBOOKS: &str = "docs/operations.md#";
/// What the guide's table lists.
const OURS: [&str; 2] = ["korob_", "process_"];

/// Those of suites that are told more than the one that is watched: with `events.carrier = "nats"` (tests of crates/events and
/// tests/scenarios/carrier.rs have it), or with `tls.dir`.
pub const ELSEWHERE: [&str; 10] = [
    "korob_carrier_connected",
    "korob_certificate_expires_timestamp_seconds",
    "korob_certificate_reload_failures_total",
    "korob_events_from_log",
    "korob_events_gap_fetches_total",
    "korob_events_not_carried_total",
    "korob_events_not_genuine_total",
    "korob_events_published_position",
    "korob_events_published_total",
    "korob_tls_refused_total",
];

/// Alerts without an entry, metrics without a line, and lines of metrics that there are not.
pub fn problems(alerts: &[Alert], metrics: &BTreeSet<String>) -> Result<Vec<String>> {
    let text = fs::read_to_string(workspace::root().join(GUIDE)).with_context(|| format!("read {GUIDE}"))?;
    let anchors: BTreeSet<String> = text.lines().filter_map(anchor).collect();
    let mut problems = Vec::new();
    for alert in alerts {
        let entry = alert.runbook.strip_prefix(RUNBOOKS);
        match entry {
            Some(entry) if entry == alert.name.to_lowercase() && anchors.contains(entry) => {}
            _ => problems.push(format!("{}: {GUIDE} has no entry for {:?}", alert.name, alert.runbook)),
        }
    }
    let names: BTreeSet<&str> = alerts.iter().map(|alert| alert.name.as_str()).collect();
    let entries = text.lines().filter_map(|line| line.strip_prefix("### "));
    let stale = entries.filter(|entry| entry.starts_with("Korob") && !names.contains(entry));
    problems.extend(stale.map(|entry| format!("{GUIDE}: there is no alert {entry}")));

    let families: BTreeSet<&str> =
        metrics.iter().map(|name| family(name)).filter(|name| is_ours(name)).chain(ELSEWHERE).collect();
    let listed: BTreeSet<&str> = text.lines().filter_map(listed).collect();
    problems.extend(families.difference(&listed).map(|name| format!("{GUIDE}: nothing is said of {name}")));
    problems.extend(listed.difference(&families).map(|name| format!("{GUIDE}: there is no metric {name}")));
    Ok(problems)
}

/// As headings are linked to.
fn anchor(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    Some(kept.collect::<String>().to_lowercase().replace(' ', "-"))
}

/// The metric of a line of the table: "| `name` | …".
fn listed(line: &str) -> Option<&str> {
    let name = line.strip_prefix("| `")?.split('`').next()?;
    is_ours(name).then_some(name)
}

fn is_ours(name: &str) -> bool {
    OURS.iter().any(|prefix| name.starts_with(prefix))
}

/// A histogram has one line for its three series.
fn family(name: &str) -> &str {
    ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}
