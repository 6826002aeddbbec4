//! Single values: JSON and parameter text to wire values.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::tables::{Encoding, Integer, Kind, Tables};
use crate::violation::{Reason, Result, Violation};
use crate::wire::{self, WireType};
use crate::{duration, field_mask, timestamp};

const LENIENT_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT_PADDING);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT_PADDING);

/// A value ready to be written after its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scalar<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Text(Cow<'a, str>),
    Bytes(Vec<u8>),
}

impl Scalar<'_> {
    /// What proto3 leaves out when a field has no presence.
    pub(crate) fn is_default(&self) -> bool {
        match self {
            Scalar::Varint(value) | Scalar::Fixed64(value) => *value == 0,
            Scalar::Fixed32(value) => *value == 0,
            Scalar::Text(text) => text.is_empty(),
            Scalar::Bytes(bytes) => bytes.is_empty(),
        }
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Scalar::Varint(value) => wire::put_varint(out, *value),
            Scalar::Fixed64(value) => out.extend_from_slice(&value.to_le_bytes()),
            Scalar::Fixed32(value) => out.extend_from_slice(&value.to_le_bytes()),
            Scalar::Text(text) => wire::put_bytes(out, text.as_bytes()),
            Scalar::Bytes(bytes) => wire::put_bytes(out, bytes),
        }
    }

    pub(crate) fn put_field(&self, out: &mut Vec<u8>, number: u32) {
        let wire_type = match self {
            Scalar::Varint(_) => WireType::Varint,
            Scalar::Fixed64(_) => WireType::Fixed64,
            Scalar::Fixed32(_) => WireType::Fixed32,
            Scalar::Text(_) | Scalar::Bytes(_) => WireType::Bytes,
        };
        wire::put_tag(out, number, wire_type);
        self.put(out);
    }

    /// True when a value on the wire says the same.
    pub(crate) fn equals(&self, value: wire::Value<'_>) -> bool {
        match (self, value) {
            (Scalar::Varint(ours), wire::Value::Varint(theirs)) => *ours == theirs,
            (Scalar::Fixed64(ours), wire::Value::Fixed64(theirs)) => *ours == theirs,
            (Scalar::Fixed32(ours), wire::Value::Fixed32(theirs)) => *ours == theirs,
            (Scalar::Text(ours), wire::Value::Bytes(theirs)) => ours.as_bytes() == theirs,
            (Scalar::Bytes(ours), wire::Value::Bytes(theirs)) => ours == theirs,
            _ => false,
        }
    }
}

/// Reads a JSON string, a query parameter, a path segment or a map key.
pub(crate) fn from_text<'a>(tables: &Tables, kind: Kind, text: Cow<'a, str>) -> Result<Scalar<'a>> {
    match kind {
        Kind::Text if text.as_bytes().contains(&0) => {
            Err(Violation::new(Reason::NulCharacter, "must not contain the character U+0000"))
        }
        Kind::Text => Ok(Scalar::Text(text)),
        Kind::Bool => match &*text {
            "true" => Ok(Scalar::Varint(1)),
            "false" => Ok(Scalar::Varint(0)),
            _ => Err(Violation::new(Reason::WrongType, "must be true or false")),
        },
        Kind::Integer(integer) => whole_number(integer, &text),
        Kind::Float => float(&text),
        Kind::Double => double(&text),
        Kind::Bytes => base64(&text).map(Scalar::Bytes),
        Kind::Enum(id) => {
            let values = tables.enumeration(id);
            let number = values.number(&text).ok_or_else(|| unknown_enum_value(tables, kind))?;
            Ok(Scalar::Varint(number as i64 as u64))
        }
        Kind::Timestamp => timestamp::parse(&text).map(Scalar::Bytes),
        Kind::Duration => duration::parse(&text).map(Scalar::Bytes),
        Kind::FieldMask => field_mask::parse(&text).map(Scalar::Bytes),
        Kind::Message(_) => Err(Violation::new(Reason::WrongType, "must be an object")),
    }
}

/// Reads a JSON number.
pub(crate) fn from_number(tables: &Tables, kind: Kind, text: &str) -> Result<Scalar<'static>> {
    match kind {
        Kind::Integer(integer) => whole_number(integer, text),
        Kind::Float => float(text),
        Kind::Double => double(text),
        Kind::Enum(id) => {
            let number = text.parse().ok().filter(|number| tables.enumeration(id).name(*number).is_some());
            let number: i32 = number.ok_or_else(|| unknown_enum_value(tables, kind))?;
            Ok(Scalar::Varint(number as i64 as u64))
        }
        _ => Err(wrong_type(kind)),
    }
}

/// Says which JSON type the kind wants.
pub(crate) fn wrong_type(kind: Kind) -> Violation {
    let wanted = match kind {
        Kind::Bool => "true or false",
        Kind::Integer(_) => "a whole number",
        Kind::Float | Kind::Double => "a number",
        Kind::Text => "a string",
        Kind::Bytes => "a base64 string",
        Kind::Enum(_) => "the name of an enum value",
        Kind::Message(_) => "an object",
        Kind::Timestamp => "an RFC 3339 time such as \"2025-01-31T10:00:00Z\"",
        Kind::Duration => "a duration such as \"3.5s\"",
        Kind::FieldMask => "a comma-separated list of fields",
    };
    Violation::new(Reason::WrongType, format_args!("must be {wanted}"))
}

fn unknown_enum_value(tables: &Tables, kind: Kind) -> Violation {
    const NAMES_SHOWN_MAX: usize = 20;
    let Kind::Enum(id) = kind else { return wrong_type(kind) };
    let names = tables.enumeration(id).values.iter().map(|(name, _)| &**name);
    let names = names.take(NAMES_SHOWN_MAX).collect::<Vec<_>>().join(", ");
    Violation::new(Reason::UnknownEnumValue, format_args!("must be one of {names}"))
}

/// Reads a whole number exactly: no float is involved. A fraction of zeros is accepted, because some languages write
/// `2.0` for two; an exponent is not.
fn whole_number(integer: Integer, text: &str) -> Result<Scalar<'static>> {
    let digits = match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
        _ => text,
    };
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    let huge = text.contains(['e', 'E']) && text.parse::<f64>().is_ok_and(f64::is_infinite);
    if huge {
        return Err(out_of_range(integer));
    }
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Violation::new(Reason::NotAnInteger, "must be a whole number without an exponent"));
    }
    let value: i128 = digits.parse().map_err(|_| out_of_range(integer))?;
    let (min, max) = range(integer);
    if value < min || value > max {
        return Err(out_of_range(integer));
    }
    Ok(match (integer.encoding, integer.wide) {
        // Casts keep the low 64 bits: two's complement for negative values, all bits for large unsigned ones.
        (Encoding::Varint, _) => Scalar::Varint(value as u64),
        (Encoding::ZigZag, _) => {
            let value = value as i64;
            Scalar::Varint(((value << 1) ^ (value >> 63)) as u64)
        }
        (Encoding::Fixed, true) => Scalar::Fixed64(value as u64),
        (Encoding::Fixed, false) => Scalar::Fixed32(value as u32),
    })
}

fn range(integer: Integer) -> (i128, i128) {
    match (integer.signed, integer.wide) {
        (true, true) => (i64::MIN.into(), i64::MAX.into()),
        (true, false) => (i32::MIN.into(), i32::MAX.into()),
        (false, true) => (0, u64::MAX.into()),
        (false, false) => (0, u32::MAX.into()),
    }
}

fn out_of_range(integer: Integer) -> Violation {
    let (min, max) = range(integer);
    Violation::new(Reason::OutOfRange, format_args!("must be from {min} to {max}"))
}

fn float(text: &str) -> Result<Scalar<'static>> {
    let value: f32 = finite(text)?.parse().map_err(|_| wrong_type(Kind::Float))?;
    if value.is_infinite() {
        return Err(Violation::new(Reason::OutOfRange, "does not fit a 32-bit number"));
    }
    Ok(Scalar::Fixed32(value.to_bits()))
}

fn double(text: &str) -> Result<Scalar<'static>> {
    let value: f64 = finite(text)?.parse().map_err(|_| wrong_type(Kind::Double))?;
    if value.is_infinite() {
        return Err(Violation::new(Reason::OutOfRange, "does not fit a 64-bit number"));
    }
    Ok(Scalar::Fixed64(value.to_bits()))
}

/// Refuses what Rust reads as a number and JSON does not: `nan`, `inf`, `+1`, `.5`.
fn finite(text: &str) -> Result<&str> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let plausible = unsigned.starts_with(|first: char| first.is_ascii_digit())
        && unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    if plausible { Ok(text) } else { Err(wrong_type(Kind::Double)) }
}

fn base64(text: &str) -> Result<Vec<u8>> {
    let engine = if text.contains(['-', '_']) { &BASE64_URL } else { &BASE64 };
    engine.decode(text).map_err(|_| Violation::new(Reason::Malformed, "must be base64"))
}

/// Writes bytes as JSON shows them.
pub(crate) fn base64_text(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
