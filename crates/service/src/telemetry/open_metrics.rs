//! The OpenMetrics form of what is measured: the library writes the older text form, which has no exemplars.

use std::fmt::Write as _;

use rpc::exemplars;

/// What a scraper that understands it asks for, and what it is told that it gets.
pub(crate) const MEDIA_TYPE: &str = "application/openmetrics-text";
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The same figures, with an exemplar behind every bucket that has one.
pub(crate) fn of(prometheus_text: &str) -> String {
    let exemplars = exemplars::all();
    let mut text = String::with_capacity(prometheus_text.len() + 64 * exemplars.len());
    for line in prometheus_text.lines().filter(|line| !line.is_empty()) {
        // Writing to a string never fails.
        let _ = match line.strip_prefix("# ") {
            Some(about) => writeln!(text, "# {}", of_family(about)),
            None => match line.rsplit_once(' ').and_then(|(series, _)| exemplars.get(series)) {
                Some(exemplar) => {
                    writeln!(text, "{line} # {{trace_id=\"{}\"}} {}", exemplar.trace_id, exemplar.value)
                }
                None => writeln!(text, "{line}"),
            },
        };
    }
    text.push_str("# EOF\n");
    text
}

/// A family of counters is named without the suffix of its series.
fn of_family(about: &str) -> String {
    let mut words = about.splitn(3, ' ');
    let (kind, name, rest) = (words.next(), words.next(), words.next());
    let (kind, name, rest) = (kind.unwrap_or_default(), name.unwrap_or_default(), rest.unwrap_or_default());
    format!("{kind} {} {rest}", name.strip_suffix("_total").unwrap_or(name))
}
