//! The definition of a characteristic: which values it takes, and how they are understood.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rpc::Invalid;
use serde_json::{Value, json};

use crate::model::{Fact, folded};

/// A definition.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Characteristic {
    pub(crate) details: CharacteristicDetails,
    pub(crate) version: i64,
    pub(crate) create_time: DateTime<Utc>,
}

/// What a caller may set; the code and the type once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CharacteristicDetails {
    pub(crate) code: String,
    /// By language.
    pub(crate) names: BTreeMap<String, String>,
    pub(crate) kind: ValueKind,
    pub(crate) unit: String,
    pub(crate) choices: Vec<Choice>,
    pub(crate) filterable: bool,
    pub(crate) variant_axis: bool,
    pub(crate) archived: bool,
}

/// What values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueKind {
    Number,
    Text,
    Boolean,
    Choice,
}

/// One of the values of a choice.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Choice {
    pub(crate) code: String,
    pub(crate) names: BTreeMap<String, String>,
}

/// A value that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypedValue {
    /// As it is stored: the shortest decimal, `true` or `false`, the code of a choice, the text.
    pub(crate) text: String,
    /// Of a number.
    pub(crate) millionths: Option<i64>,
}

impl ValueKind {
    pub(crate) const ALL: [Self; 4] = [Self::Number, Self::Text, Self::Boolean, Self::Choice];

    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Text => "string",
            Self::Boolean => "boolean",
            Self::Choice => "choice",
        }
    }
}

/// In the order in which a feed prefers them.
const LANGUAGES: [&str; 3] = ["ru", "uk", "en"];

impl CharacteristicDetails {
    pub(crate) const FIELDS: [&str; 6] =
        ["names", "unit", "choices", "filterable", "variant_axis", "archived"];

    pub(crate) fn facts(&self) -> Vec<Fact> {
        vec![
            ("code", json!(self.code)),
            ("names", json!(self.names)),
            ("type", json!(self.kind.code())),
            ("unit", json!(self.unit)),
            ("choices", choices_as_json(&self.choices)),
            ("filterable", json!(self.filterable)),
            ("variant_axis", json!(self.variant_axis)),
            ("archived", json!(self.archived)),
        ]
    }

    /// What it is called in a feed.
    pub(crate) fn title(&self) -> &str {
        title(&self.names).unwrap_or(&self.code)
    }

    /// What a stored value is called in a feed.
    pub(crate) fn shown<'a>(&'a self, value: &'a str) -> &'a str {
        let choice = self.choices.iter().find(|choice| choice.code == value);
        choice.and_then(|choice| title(&choice.names)).unwrap_or(value)
    }

    /// Whether a feed or a file means it by this name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        name == self.code || is_named(&self.names, name)
    }

    /// A value as the contract writes it.
    pub(crate) fn read(&self, value: &str) -> Result<TypedValue, String> {
        let plain = |text: &str| TypedValue { text: text.to_owned(), millionths: None };
        match self.kind {
            ValueKind::Text => Ok(plain(value)),
            ValueKind::Number => {
                let problem = "a number such as 2.4, at most 12 digits before and 6 after the point";
                let millionths = millionths(value).ok_or(problem)?;
                Ok(TypedValue { text: decimal(millionths), millionths: Some(millionths) })
            }
            ValueKind::Boolean => match value {
                "true" | "false" => Ok(plain(value)),
                _ => Err("true or false".to_owned()),
            },
            ValueKind::Choice => match self.choices.iter().find(|choice| choice.code == value) {
                Some(choice) => Ok(plain(&choice.code)),
                None => {
                    let codes: Vec<&str> = self.choices.iter().map(|choice| choice.code.as_str()).collect();
                    Err(format!("one of {}", codes.join(", ")))
                }
            },
        }
    }

    /// A value as people write it in files: with the unit, a comma, a name in any language.
    pub(crate) fn understand(&self, value: &str) -> Result<TypedValue, String> {
        match self.kind {
            ValueKind::Text => self.read(value),
            ValueKind::Number => {
                let number = value.strip_suffix(self.unit.as_str()).unwrap_or(value).trim();
                self.read(&number.replace(',', "."))
            }
            ValueKind::Boolean => self.read(match folded(value).as_str() {
                "1" | "да" | "так" | "yes" | "есть" | "true" => "true",
                "0" | "нет" | "ни" | "no" | "немае" | "false" => "false",
                _ => value,
            }),
            ValueKind::Choice => {
                let named =
                    self.choices.iter().find(|choice| choice.code == value || is_named(&choice.names, value));
                self.read(named.map_or(value, |choice| choice.code.as_str()))
            }
        }
    }

    /// Refuses to make another characteristic of it, and to lose a choice that variants may have.
    pub(crate) fn refuse_incompatible(&self, new: &Self) -> Result<(), Invalid> {
        let kept = |choice: &Choice| new.choices.iter().any(|other| other.code == choice.code);
        match self.choices.iter().find(|choice| !kept(choice)) {
            Some(lost) => {
                let problem = format!("the choice {} stays: variants may have it", lost.code);
                Err(Invalid::field("characteristic.choices", "IMMUTABLE", problem))
            }
            None => Ok(()),
        }
    }
}

impl Characteristic {
    /// A new definition.
    pub(crate) fn new(details: CharacteristicDetails, now: DateTime<Utc>) -> Self {
        Self { details, version: 1, create_time: now }
    }
}

/// How choices are stored and told.
pub(crate) fn choices_as_json(choices: &[Choice]) -> Value {
    choices.iter().map(|choice| json!({"code": choice.code, "names": choice.names})).collect()
}

fn title(names: &BTreeMap<String, String>) -> Option<&str> {
    LANGUAGES.iter().find_map(|language| names.get(*language)).map(String::as_str)
}

fn is_named(names: &BTreeMap<String, String>, name: &str) -> bool {
    let name = folded(name);
    names.values().any(|own| folded(own) == name)
}

/// A decimal in millionths.
pub(crate) fn millionths(text: &str) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || whole.len() > 12 || fraction.len() > 6 {
        return None;
    }
    let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
    let millionths = whole.parse::<i64>().ok()? * 1_000_000 + fraction;
    Some(if negative { -millionths } else { millionths })
}

/// The shortest decimal.
fn decimal(millionths: i64) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let (whole, fraction) = (millionths.unsigned_abs() / 1_000_000, millionths.unsigned_abs() % 1_000_000);
    match fraction {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction:06}").trim_end_matches('0').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (text, expected, shortest) in [
            ("2.4", 2_400_000, "2.4"),
            ("2.40", 2_400_000, "2.4"),
            ("-0.000001", -1, "-0.000001"),
            ("007", 7_000_000, "7"),
            ("0", 0, "0"),
            ("-0", 0, "0"),
            ("999999999999.999999", 999_999_999_999_999_999, "999999999999.999999"),
        ] {
            assert_eq!(millionths(text), Some(expected), "{text}");
            assert_eq!(decimal(expected), shortest);
        }
        for text in ["", "-", ".5", "5.", "1e3", "1,5", "2.4 GHz", "1.0000001", "1000000000000", "NaN"] {
            assert_eq!(millionths(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(number in -999_999_999_999_999_999_i64..999_999_999_999_999_999) {
            prop_assert_eq!(millionths(&decimal(number)), Some(number));
        }
    }
}
