//! Narrows a list by what variants say of themselves: `clock=2.4..3.0`, `colour=red|blue`, `wifi=true`.

use rpc::Fields;

use super::characteristic::millionths;
use crate::model::{Definitions, ValueKind};

/// Filters of one request.
const FILTERS_MAX: usize = 10;
/// Stands between the options of a filter where SQL takes them as one text; no value has it.
const BETWEEN_OPTIONS: &str = "\u{1F}";

/// Values that are wanted, as the columns that a statement takes; a variant must pass all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ValueFilters {
    pub(crate) codes: Vec<String>,
    /// Inclusive, of numbers.
    pub(crate) lowest: Vec<Option<i64>>,
    /// Inclusive, of numbers.
    pub(crate) highest: Vec<Option<i64>>,
    /// Of what is no number, one text each.
    pub(crate) options: Vec<Option<String>>,
}

impl ValueFilters {
    pub(crate) fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// Reads filters; a characteristic that is not filterable is refused by name.
    pub(crate) fn parse(
        fields: &mut Fields,
        field: &str,
        texts: &[String],
        definitions: &Definitions,
    ) -> Self {
        let mut filters = Self::default();
        if texts.len() > FILTERS_MAX {
            fields.refuse(field, "TOO_MANY", format!("at most {FILTERS_MAX} entries"));
            return filters;
        }
        for (at, text) in texts.iter().enumerate() {
            let field = format!("{field}[{at}]");
            let Some((code, wanted)) = text.split_once('=') else {
                fields.refuse(field, "MALFORMED", "such as clock=2.4..3.0 or colour=red|blue");
                continue;
            };
            let Some(definition) = definitions.get(code).filter(|definition| definition.filterable) else {
                fields.refuse(
                    field,
                    "NOT_FILTERABLE",
                    format!("there is no filterable characteristic {code}"),
                );
                continue;
            };
            if definition.kind == ValueKind::Number {
                match range(wanted) {
                    Some((lowest, highest)) => filters.push(code, Some(lowest), Some(highest), None),
                    None => fields.refuse(
                        field,
                        "MALFORMED",
                        "a range such as 2.4..3.0, 2.4.. or ..3.0, or a number",
                    ),
                }
                continue;
            }
            let options: Result<Vec<String>, String> =
                wanted.split('|').map(|option| Ok(definition.read(option.trim())?.text)).collect();
            match options {
                Ok(options) => filters.push(code, None, None, Some(options.join(BETWEEN_OPTIONS))),
                Err(problem) => fields.refuse(field, "MALFORMED", problem),
            }
        }
        filters
    }

    fn push(&mut self, code: &str, lowest: Option<i64>, highest: Option<i64>, options: Option<String>) {
        self.codes.push(code.to_owned());
        self.lowest.push(lowest);
        self.highest.push(highest);
        self.options.push(options);
    }
}

/// Both ends of a range; either may be left out, not both.
fn range(text: &str) -> Option<(i64, i64)> {
    let Some((low, high)) = text.split_once("..") else {
        return millionths(text.trim()).map(|number| (number, number));
    };
    let end =
        |text: &str, open: i64| if text.trim().is_empty() { Some(open) } else { millionths(text.trim()) };
    let (lowest, highest) = (end(low, i64::MIN)?, end(high, i64::MAX)?);
    let bounded = lowest != i64::MIN || highest != i64::MAX;
    (bounded && lowest <= highest).then_some((lowest, highest))
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges_are_read() {
        let million = 1_000_000;
        for (text, expected) in [
            ("2.4..3.0", Some((2_400_000, 3 * million))),
            ("2..", Some((2 * million, i64::MAX))),
            ("..3", Some((i64::MIN, 3 * million))),
            ("-1 .. 1", Some((-million, million))),
            ("5", Some((5 * million, 5 * million))),
            ("..", None),
            ("3..2", None),
            ("a..b", None),
            ("", None),
            ("1..2..3", None),
        ] {
            assert_eq!(range(text), expected, "{text}");
        }
    }
}
