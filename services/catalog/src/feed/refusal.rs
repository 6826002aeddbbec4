//! A row that was refused, and why.

use proto::catalog::v1 as pb;
use rpc::Invalid;

/// Why a row is not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Where the offer or category begins, 1-based.
    pub(crate) line: u64,
    pub(crate) offer_id: String,
    /// The element or attribute.
    pub(crate) field: String,
    /// UPPER_SNAKE.
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

/// The longest offer id a refusal repeats, in characters.
const OFFER_ID_SHOWN_MAX: usize = 128;

impl Refusal {
    /// A row that begins at `line` and is refused because of `field`.
    pub(crate) fn new(line: u64, field: &str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { line, offer_id: String::new(), field: field.to_owned(), reason, message: message.into() }
    }

    /// The same, of the offer with this id.
    #[must_use]
    pub(crate) fn of_offer(mut self, id: &str) -> Self {
        self.offer_id = id.chars().filter(|letter| !letter.is_control()).take(OFFER_ID_SHOWN_MAX).collect();
        self
    }

    /// The first thing that is wrong with a row.
    pub(crate) fn first_of(invalid: &Invalid, line: u64) -> Self {
        match invalid.violations().first() {
            Some(wrong) => Self::new(line, &wrong.field, wrong.reason, wrong.message.clone()),
            None => Self::new(line, "", "INVALID", "the row is not complete"),
        }
    }

    pub(crate) fn into_wire(self) -> pb::RowError {
        pb::RowError {
            line: i64::try_from(self.line).unwrap_or(i64::MAX),
            offer_id: self.offer_id,
            field: self.field,
            reason: self.reason.to_owned(),
            message: self.message,
        }
    }
}
