//! What an expression of Prometheus names. Whether it can be read at all, Prometheus says.

use std::collections::BTreeSet;

/// Words of the language that are neither functions nor metrics.
const WORDS: [&str; 9] = ["and", "or", "unless", "bool", "offset", "start", "end", "inf", "nan"];
/// Words that have a list of labels behind them.
const BEFORE_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// The metrics that an expression names.
pub fn metrics(expression: &str) -> BTreeSet<String> {
    selectors(expression).into_iter().map(|selector| name_of(&selector).to_owned()).collect()
}

/// The metrics with their braces, without ranges and offsets.
pub fn selectors(expression: &str) -> Vec<String> {
    let text: Vec<char> = expression.chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let letter = text[at];
        if letter == '"' {
            at = after_quoted(&text, at);
        } else if letter == '[' {
            at = after(&text, at, ']');
        } else if letter.is_ascii_digit() {
            at = after_word(&text, at);
        } else if is_of_word(letter) {
            let end = after_word(&text, at);
            let word: String = text[at..end].iter().collect();
            let next = after_spaces(&text, end);
            let follows = text.get(next).copied();
            at = end;
            if BEFORE_LABELS.contains(&word.as_str()) {
                at = if follows == Some('(') { after(&text, next, ')') } else { end };
            } else if follows == Some('{') {
                at = after_braces(&text, next);
                found.push(
                    text[next..at].iter().fold(word, |selector, letter| selector + &letter.to_string()),
                );
            } else if follows != Some('(') && !WORDS.contains(&word.to_lowercase().as_str()) {
                // An aggregation may have its labels before what it aggregates.
                let upcoming: String = text[next..after_word(&text, next)].iter().collect();
                if !BEFORE_LABELS[..2].contains(&upcoming.as_str()) || word.contains('_') {
                    found.push(word);
                }
            }
        } else {
            at += 1;
        }
    }
    found
}

/// The name of a selector.
fn name_of(selector: &str) -> &str {
    selector.split('{').next().unwrap_or(selector)
}

fn is_of_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == ':'
}

fn after_word(text: &[char], from: usize) -> usize {
    text[from..].iter().position(|letter| !is_of_word(*letter)).map_or(text.len(), |length| from + length)
}

fn after_spaces(text: &[char], from: usize) -> usize {
    text[from..].iter().position(|letter| !letter.is_whitespace()).map_or(text.len(), |length| from + length)
}

fn after(text: &[char], from: usize, end: char) -> usize {
    text[from..].iter().position(|letter| *letter == end).map_or(text.len(), |length| from + length + 1)
}

/// Behind the quoted text that begins at `from`.
fn after_quoted(text: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while at < text.len() && text[at] != '"' {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// Behind the braces that open at `from`; texts in them may have braces, too.
fn after_braces(text: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while at < text.len() && text[at] != '}' {
        at = if text[at] == '"' { after_quoted(text, at) } else { at + 1 };
    }
    (at + 1).min(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_told_from_functions_labels_and_texts() {
        let named = |text| metrics(text).into_iter().collect::<Vec<_>>();
        assert_eq!(named("sum by (a_label) (rate(korob_a_total{x=\"korob_b{\"}[5m]))"), ["korob_a_total"]);
        assert_eq!(named("topk(10, sum(korob_a) by (at)) > 0.5 or vector(0)"), ["korob_a"]);
        assert_eq!(named("a * on (b, c) group_left (d) e{f=\"g\"} unless h offset 1d"), ["a", "e", "h"]);
        assert_eq!(named("a == bool 1 and 1e3 > b"), ["a", "b"]);
        assert_eq!(named("sum without (x) (a_b / c)"), ["a_b", "c"]);
    }

    #[test]
    fn selectors_keep_their_labels() {
        let text = "rate(a{x=~\"1|2\",y=\"}\"}[5m] offset 1h) / b";
        assert_eq!(selectors(text), ["a{x=~\"1|2\",y=\"}\"}", "b"]);
    }
}
