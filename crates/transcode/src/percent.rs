//! Percent-decoding of path segments and query parameters.

use std::borrow::Cow;

use crate::violation::{Reason, Result, Violation};

/// What `+` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plus {
    /// A plus, in paths.
    Plus,
    /// A space, in queries.
    Space,
}

/// Decodes `%41` and requires UTF-8.
pub(crate) fn decode(text: &str, plus: Plus) -> Result<Cow<'_, str>> {
    let special = |byte: &u8| *byte == b'%' || (*byte == b'+' && plus == Plus::Space);
    if !text.as_bytes().iter().any(special) {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let high = bytes.next().and_then(hexadecimal);
                let low = bytes.next().and_then(hexadecimal);
                let (Some(high), Some(low)) = (high, low) else {
                    return Err(Violation::new(Reason::Malformed, "has a broken percent escape"));
                };
                high << 4 | low
            }
            b'+' if plus == Plus::Space => b' ',
            other => other,
        });
    }
    let text = String::from_utf8(out).map_err(|_| Violation::new(Reason::InvalidUtf8, "must be UTF-8"))?;
    Ok(Cow::Owned(text))
}

fn hexadecimal(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

/// Encodes everything but unreserved characters, for a path segment.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
