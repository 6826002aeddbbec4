//! What operators have looked at already: the history of access has their decisions.

use std::collections::HashMap;

use serde_json::Value;

use crate::books::Books;
use crate::check::Severity;
use crate::finding::{Decided, Finding};
use crate::unreadable::Unreadable;

/// Where decisions are.
const DATABASE: &str = "access";
/// The newest one of each; there are as many as people have written.
const SQL: &str =
    "SELECT DISTINCT ON (resource_id) resource_id, actor, change_time::text, changes::text FROM audit_log
                   WHERE action = 'access.record_decision' ORDER BY resource_id, sequence DESC";

/// Makes notices of findings that somebody has decided about as they are: with other values they are violations again.
pub(crate) async fn apply(books: &Books, findings: &mut [Finding]) -> Result<(), Unreadable> {
    if findings.is_empty() {
        return Ok(());
    }
    let mut decisions = HashMap::new();
    for row in books.few(DATABASE, SQL).await? {
        let (subject, by, time, changes): (String, String, String, String) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        let changes: Value = serde_json::from_str(&changes).unwrap_or_default();
        decisions.insert(subject, (Decided { by, time, note: value(&changes, "note") }, changes));
    }
    for finding in findings {
        let Some((decided, values)) = decisions.get(&format!("{} {}", finding.check, finding.subject()))
        else {
            continue;
        };
        if value(values, "expected") == finding.expected && value(values, "found") == finding.found {
            finding.decided = Some(decided.clone());
            finding.severity = Severity::Notice;
        }
    }
    Ok(())
}

/// What a row of history says of a field.
fn value(changes: &Value, field: &str) -> String {
    let change = changes.as_array().into_iter().flatten().find(|change| change["field"] == field);
    change.and_then(|change| change["new"].as_str()).unwrap_or_default().to_owned()
}
