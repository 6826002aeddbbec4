//! What is wrong with a request: where, a stable reason, and a sentence that never repeats the value.

use std::fmt;

/// Why a request could not be read. The upper-snake form is part of the API and never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The text is not JSON.
    InvalidJson,
    /// The bytes are not UTF-8.
    InvalidUtf8,
    /// A `\u` escape names half of a surrogate pair.
    LoneSurrogate,
    /// Something follows the JSON value.
    TrailingText,
    /// Objects and arrays are nested deeper than [`crate::DEPTH_MAX`].
    TooDeep,
    /// All arrays and maps together have more than [`crate::ELEMENTS_MAX`] elements.
    TooManyElements,
    /// The method takes no body.
    UnexpectedBody,
    /// The message has no such field.
    UnknownField,
    /// The method has no such query parameter.
    UnknownParameter,
    /// The field, the map key or the parameter occurs twice, also in two spellings.
    DuplicateField,
    /// Two members of a oneof are given.
    OneofConflict,
    /// Another JSON type is expected.
    WrongType,
    /// The enum has no such value.
    UnknownEnumValue,
    /// A whole number is expected.
    NotAnInteger,
    /// The number does not fit the field's type.
    OutOfRange,
    /// The text contains U+0000, which the databases cannot keep.
    NulCharacter,
    /// The text does not have the field's format.
    Malformed,
    /// The body names another resource than the path.
    PathMismatch,
    /// The body carries another idempotency key than the header.
    IdempotencyKeyMismatch,
    /// The body carries another etag than the header.
    IfMatchMismatch,
}

impl Reason {
    /// The published form, such as `UNKNOWN_FIELD`.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::InvalidJson => "INVALID_JSON",
            Reason::InvalidUtf8 => "INVALID_UTF8",
            Reason::LoneSurrogate => "LONE_SURROGATE",
            Reason::TrailingText => "TRAILING_TEXT",
            Reason::TooDeep => "TOO_DEEP",
            Reason::TooManyElements => "TOO_MANY_ELEMENTS",
            Reason::UnexpectedBody => "UNEXPECTED_BODY",
            Reason::UnknownField => "UNKNOWN_FIELD",
            Reason::UnknownParameter => "UNKNOWN_PARAMETER",
            Reason::DuplicateField => "DUPLICATE_FIELD",
            Reason::OneofConflict => "ONEOF_CONFLICT",
            Reason::WrongType => "WRONG_TYPE",
            Reason::UnknownEnumValue => "UNKNOWN_ENUM_VALUE",
            Reason::NotAnInteger => "NOT_AN_INTEGER",
            Reason::OutOfRange => "OUT_OF_RANGE",
            Reason::NulCharacter => "NUL_CHARACTER",
            Reason::Malformed => "MALFORMED",
            Reason::PathMismatch => "PATH_MISMATCH",
            Reason::IdempotencyKeyMismatch => "IDEMPOTENCY_KEY_MISMATCH",
            Reason::IfMatchMismatch => "IF_MATCH_MISMATCH",
        }
    }
}

/// One refused part of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Violation {
    /// Where, in JSON spelling, such as `lines[2].quantity`; empty for the whole body.
    pub field: String,
    /// Why.
    pub reason: Reason,
    /// A sentence for people.
    pub message: String,
}

pub(crate) type Result<T> = std::result::Result<T, Violation>;

impl Violation {
    /// A violation of the whole body.
    pub fn new(reason: Reason, message: impl fmt::Display) -> Self {
        Self { field: String::new(), reason, message: message.to_string() }
    }

    /// Puts the violation under a field, as the reader leaves it.
    pub fn under(mut self, name: &str) -> Self {
        let separator = if self.field.is_empty() || self.field.starts_with('[') { "" } else { "." };
        self.field.insert_str(0, separator);
        self.field.insert_str(0, &shortened(name));
        self
    }

    /// Puts the violation under an array element, as the reader leaves it.
    pub(crate) fn at(mut self, index: usize) -> Self {
        let separator = if self.field.is_empty() { "" } else { "." };
        self.field.insert_str(0, &format!("[{index}]{separator}"));
        self
    }
}

/// Names come from the client: long ones are cut, control characters do not reach a log or a header.
fn shortened(name: &str) -> String {
    const NAME_CHARACTERS_MAX: usize = 64;
    name.chars().take(NAME_CHARACTERS_MAX).filter(|character| !character.is_control()).collect()
}
