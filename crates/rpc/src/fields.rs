//! Reads the fields of a request and collects everything that is wrong with them.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use types::{Currency, Money};

/// The longest free text, in characters.
pub const TEXT_LENGTH_MAX: usize = 4000;

/// Wrong fields that are told at once: an answer travels in headers, and what does not fit there breaks the call.
pub const VIOLATIONS_MAX: usize = 32;

/// One field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The path, such as `lines[2].quantity`.
    pub field: String,
    /// UPPER_SNAKE.
    pub reason: &'static str,
    /// What to do about it.
    pub message: String,
}

/// All that is wrong with a request; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid(Vec<Violation>);

impl Invalid {
    /// One wrong field.
    pub fn field(field: impl Into<String>, reason: &'static str, message: impl Into<String>) -> Self {
        Self(vec![Violation { field: field.into(), reason, message: message.into() }])
    }

    /// What is wrong.
    pub fn violations(&self) -> &[Violation] {
        &self.0
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, violation) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {}", violation.field, violation.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}

/// Parses field by field; every method notes what is wrong and answers `None`, and [`Fields::finish`] tells it all.
#[derive(Debug, Default)]
pub struct Fields(Vec<Violation>);

impl Fields {
    /// Nothing is wrong yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that `field` is wrong; of very many only the first [`VIOLATIONS_MAX`] are told.
    pub fn refuse(&mut self, field: impl Into<String>, reason: &'static str, message: impl Into<String>) {
        if self.0.len() < VIOLATIONS_MAX {
            self.0.push(Violation { field: field.into(), reason, message: message.into() });
        }
    }

    /// Notes that `field` is wrong unless `holds`.
    pub fn check(&mut self, holds: bool, field: &str, reason: &'static str, message: &str) {
        if !holds {
            self.refuse(field, reason, message);
        }
    }

    /// A required id, SKU, currency: anything that reads from text.
    pub fn parse<T>(&mut self, field: &str, text: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        if text.is_empty() {
            self.refuse(field, "REQUIRED", "is required");
            return None;
        }
        text.parse().map_err(|error: T::Err| self.refuse(field, "MALFORMED", error.to_string())).ok()
    }

    /// An optional one: empty text is `None`.
    pub fn parse_optional<T>(&mut self, field: &str, text: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        if text.is_empty() { None } else { self.parse(field, text) }
    }

    /// A number that converts, such as a quantity.
    pub fn convert<N, T>(&mut self, field: &str, number: N) -> Option<T>
    where
        T: TryFrom<N>,
        T::Error: fmt::Display,
    {
        T::try_from(number).map_err(|error| self.refuse(field, "OUT_OF_RANGE", error.to_string())).ok()
    }

    /// Free text of at most `length_max` characters without control characters other than line breaks and tabs.
    pub fn text(&mut self, field: &str, text: &str, length_max: usize) -> String {
        if text.chars().count() > length_max {
            self.refuse(field, "TOO_LONG", format!("at most {length_max} characters"));
        }
        if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')) {
            self.refuse(field, "CONTROL_CHARACTER", "control characters are not allowed");
        }
        text.to_owned()
    }

    /// Free text that must not be blank.
    pub fn required_text(&mut self, field: &str, text: &str, length_max: usize) -> String {
        if text.trim().is_empty() {
            self.refuse(field, "REQUIRED", "is required");
        }
        self.text(field, text, length_max)
    }

    /// A required message field.
    pub fn present<T>(&mut self, field: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.refuse(field, "REQUIRED", "is required");
        }
        value
    }

    /// An idempotency key: 1 to 128 visible ASCII characters.
    pub fn idempotency_key(&mut self, key: &str) -> String {
        if key.is_empty() {
            self.refuse(
                "idempotency_key",
                "REQUIRED",
                "is required; over REST send the header Idempotency-Key",
            );
        } else if key.len() > 128 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.refuse("idempotency_key", "MALFORMED", "1 to 128 visible ASCII characters");
        }
        key.to_owned()
    }

    /// The paths of a required update mask, each one of `known`.
    pub fn update_mask<'k>(
        &mut self,
        mask: Option<&prost_types::FieldMask>,
        known: &[&'k str],
    ) -> Vec<&'k str> {
        let paths = mask.map(|mask| mask.paths.as_slice()).unwrap_or_default();
        self.check(!paths.is_empty(), "update_mask", "REQUIRED", "name the fields to change");
        let mut masked = Vec::new();
        for path in paths {
            match known.iter().find(|field| *field == path) {
                Some(field) if masked.contains(field) => {}
                Some(field) => masked.push(*field),
                None => {
                    self.refuse("update_mask", "UNKNOWN_FIELD", format!("one of {}", known.join(", ")));
                    return masked;
                }
            }
        }
        masked
    }

    /// A list of 1 to `max` entries.
    pub fn list_length(&mut self, field: &str, length: usize, max: usize) {
        if length == 0 {
            self.refuse(field, "REQUIRED", "at least one entry is required");
        } else if length > max {
            self.refuse(field, "TOO_MANY", format!("at most {max} entries"));
        }
    }

    /// A required sum of money.
    pub fn money(&mut self, field: &str, money: Option<&proto::r#type::v1::Money>) -> Option<Money> {
        let Some(money) = money else {
            self.refuse(field, "REQUIRED", "is required");
            return None;
        };
        let currency: Option<Currency> = self.parse(&format!("{field}.currency_code"), &money.currency_code);
        let parsed = Money::parse(&money.amount, currency?);
        parsed.map_err(|error| self.refuse(format!("{field}.amount"), "MALFORMED", error.to_string())).ok()
    }

    /// An optional sum of money.
    pub fn money_optional(&mut self, field: &str, money: Option<&proto::r#type::v1::Money>) -> Option<Money> {
        money.and_then(|money| self.money(field, Some(money)))
    }

    /// An optional time.
    pub fn time_optional(
        &mut self,
        field: &str,
        time: Option<prost_types::Timestamp>,
    ) -> Option<DateTime<Utc>> {
        let time = time?;
        let nanos = u32::try_from(time.nanos).ok();
        let parsed = nanos.and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos));
        // PostgreSQL and RFC 3339 both end somewhere; years 1 to 9999 are what both have.
        let parsed = parsed.filter(|time| (1..=9999).contains(&chrono::Datelike::year(time)));
        if parsed.is_none() {
            self.refuse(field, "OUT_OF_RANGE", "a time between the years 1 and 9999");
        }
        parsed
    }

    /// Fails with everything that was wrong.
    pub fn finish(self) -> Result<(), Invalid> {
        if self.0.is_empty() { Ok(()) } else { Err(Invalid(self.0)) }
    }

    /// The value together with the verdict: `None` counts as wrong only when something was noted.
    pub fn finish_with<T>(self, value: Option<T>) -> Result<T, Invalid> {
        match (self.0.is_empty(), value) {
            (true, Some(value)) => Ok(value),
            (true, None) => Err(Invalid::field("", "INVALID", "the request is not complete")),
            (false, _) => Err(Invalid(self.0)),
        }
    }
}
