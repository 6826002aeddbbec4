//! `google.protobuf.Duration` and its text, such as `3.5s`.

use std::io::Write as _;

use crate::timestamp::{nanos_of_fraction, read_seconds_and_nanos, seconds_and_nanos, write_fraction};
use crate::violation::{Reason, Result, Violation};
use crate::wire::Malformed;

/// About 10,000 years, the most the type allows.
const SECONDS_MAX: i64 = 315_576_000_000;

/// Reads text into the body of a Duration message.
pub(crate) fn parse(text: &str) -> Result<Vec<u8>> {
    let (seconds, nanos) = parts(text)
        .ok_or_else(|| Violation::new(Reason::Malformed, "must be a duration such as \"3.5s\""))?;
    if seconds.abs() > SECONDS_MAX {
        return Err(Violation::new(
            Reason::OutOfRange,
            format_args!("must be at most {SECONDS_MAX} seconds"),
        ));
    }
    Ok(seconds_and_nanos(seconds, nanos))
}

/// Writes the body of a Duration message as quoted text.
pub(crate) fn write(message: &[u8], out: &mut Vec<u8>) -> std::result::Result<(), Malformed> {
    let (seconds, nanos) = read_seconds_and_nanos(message)?;
    let signs_differ = (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0);
    if signs_differ || seconds.unsigned_abs() > SECONDS_MAX as u64 || nanos.unsigned_abs() > 999_999_999 {
        return Err(Malformed);
    }
    let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
    write!(out, "\"{sign}{}", seconds.unsigned_abs()).map_err(|_| Malformed)?;
    write_fraction(nanos.abs(), out);
    out.extend_from_slice(b"s\"");
    Ok(())
}

fn parts(text: &str) -> Option<(i64, i32)> {
    let number = text.strip_suffix('s')?;
    let (sign, number) = match number.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, number),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    Some((sign * seconds, sign as i32 * nanos_of_fraction(fraction.as_bytes())?))
}
