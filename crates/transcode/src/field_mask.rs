//! `google.protobuf.FieldMask` and its text: lowerCamelCase paths with commas.

use crate::violation::{Reason, Result, Violation};
use crate::wire::{self, Fields, Malformed, Value, WireType};

/// Reads `shop.displayName,locale` (or the snake_case spelling) into the body of a FieldMask message.
pub(crate) fn parse(text: &str) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() + 8);
    if text.is_empty() {
        return Ok(out);
    }
    for path in text.split(',') {
        let plausible = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.');
        if !plausible || path.split('.').any(str::is_empty) {
            return Err(Violation::new(
                Reason::Malformed,
                "must be a comma-separated list of fields such as \"name,countryCode\"",
            ));
        }
        wire::put_tag(&mut out, 1, WireType::Bytes);
        wire::put_bytes(&mut out, snake_case(path).as_bytes());
    }
    Ok(out)
}

/// Writes the body of a FieldMask message as quoted text.
pub(crate) fn write(message: &[u8], out: &mut Vec<u8>) -> std::result::Result<(), Malformed> {
    out.push(b'"');
    let mut fields = Fields::of(message);
    let mut first = true;
    while let Some((number, value)) = fields.next()? {
        let (1, Value::Bytes(path)) = (number, value) else { continue };
        let path = std::str::from_utf8(path).map_err(|_| Malformed)?;
        if !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.') {
            return Err(Malformed);
        }
        if !first {
            out.push(b',');
        }
        first = false;
        out.extend_from_slice(lower_camel_case(path).as_bytes());
    }
    out.push(b'"');
    Ok(())
}

/// `lines[2].unit_price` → `lines[2].unitPrice`: a field path as JSON spells it.
pub fn lower_camel_case(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut raise = false;
    for character in path.chars() {
        match character {
            '_' => raise = true,
            lower if raise => {
                out.push(lower.to_ascii_uppercase());
                raise = false;
            }
            other => out.push(other),
        }
    }
    out
}

/// `unitPrice` → `unit_price`.
pub fn snake_case(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 4);
    for (at, character) in path.char_indices() {
        if character.is_ascii_uppercase() && at > 0 && !out.ends_with('.') {
            out.push('_');
        }
        out.push(character.to_ascii_lowercase());
    }
    out
}
