//! Every reason of a refusal, with its code and status.
//!
//! The table is kept in a file of its own; a test reads the sources of the suite and says when it is not current.

use super::html::escaped;
use crate::problem::status_of;

/// One line per reason, code and where it comes from, separated by tabs.
pub const TABLE: &str = include_str!("reasons.tsv");

pub(super) fn section() -> String {
    let rows: String = TABLE.lines().filter_map(row).collect();
    format!(
        "<section class=\"area\"><h2 id=\"reasons\">Reasons</h2>\n<p>A reason never changes its meaning; new ones are \
         added. Unknown ones are to be treated by their status.</p>\n<table class=\"reasons\"><thead><tr>\
         <th>Reason</th><th>gRPC</th><th>HTTP</th><th>From</th></tr></thead><tbody>{rows}</tbody></table></section>\n"
    )
}

fn row(line: &str) -> Option<String> {
    let mut columns = line.split('\t');
    let (reason, code, from) = (columns.next()?, columns.next()?, columns.next()?);
    // What the gateway refuses itself has a status and no code.
    let (grpc, http) = match code.parse::<u16>() {
        Ok(status) => ("–", status),
        Err(_) => (code, status_of(reason, code)?.as_u16()),
    };
    Some(format!(
        "<tr data-search=\"{}\"><th scope=\"row\">{}</th><td>{}</td><td>{http}</td><td>{}</td></tr>",
        escaped(&reason.to_lowercase()),
        escaped(reason),
        escaped(grpc),
        escaped(from)
    ))
}
