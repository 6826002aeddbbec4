//! `google.protobuf.Timestamp` and its RFC 3339 text.

use std::io::Write as _;

use crate::violation::{Reason, Result, Violation};
use crate::wire::{self, Fields, Malformed, Value, WireType};

/// 0001-01-01T00:00:00Z.
const SECONDS_MIN: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const SECONDS_MAX: i64 = 253_402_300_799;
const SECONDS_PER_DAY: i64 = 86_400;

/// Reads RFC 3339 with any offset into the body of a Timestamp message.
pub(crate) fn parse(text: &str) -> Result<Vec<u8>> {
    let (seconds, nanos) = instant(text.as_bytes()).ok_or_else(|| {
        Violation::new(Reason::Malformed, "must be an RFC 3339 time such as \"2025-01-31T10:00:00Z\"")
    })?;
    if !(SECONDS_MIN..=SECONDS_MAX).contains(&seconds) {
        return Err(Violation::new(Reason::OutOfRange, "must be in the years 1 to 9999"));
    }
    Ok(seconds_and_nanos(seconds, nanos))
}

/// Writes the body of a Timestamp message as quoted text in UTC with 0, 3, 6 or 9 digits of a second.
pub(crate) fn write(message: &[u8], out: &mut Vec<u8>) -> std::result::Result<(), Malformed> {
    let (seconds, nanos) = read_seconds_and_nanos(message)?;
    if !(SECONDS_MIN..=SECONDS_MAX).contains(&seconds) || !(0..1_000_000_000).contains(&nanos) {
        return Err(Malformed);
    }
    let (year, month, day) = date_of(seconds.div_euclid(SECONDS_PER_DAY));
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let written = write!(out, "\"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    written.map_err(|_| Malformed)?;
    write_fraction(nanos, out);
    out.extend_from_slice(b"Z\"");
    Ok(())
}

/// The body that Timestamp and Duration share.
pub(crate) fn seconds_and_nanos(seconds: i64, nanos: i32) -> Vec<u8> {
    let mut out = Vec::with_capacity(16);
    if seconds != 0 {
        wire::put_tag(&mut out, 1, WireType::Varint);
        wire::put_varint(&mut out, seconds as u64);
    }
    if nanos != 0 {
        wire::put_tag(&mut out, 2, WireType::Varint);
        wire::put_varint(&mut out, i64::from(nanos) as u64);
    }
    out
}

pub(crate) fn read_seconds_and_nanos(message: &[u8]) -> std::result::Result<(i64, i32), Malformed> {
    let (mut seconds, mut nanos) = (0, 0);
    let mut fields = Fields::of(message);
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Varint(value)) => seconds = value as i64,
            (2, Value::Varint(value)) => nanos = value as i32,
            (1 | 2, _) => return Err(Malformed),
            _ => {}
        }
    }
    Ok((seconds, nanos))
}

/// Writes `.123`, `.123456` or `.123456789`; nothing for zero.
pub(crate) fn write_fraction(nanos: i32, out: &mut Vec<u8>) {
    let text = format!(".{nanos:09}");
    let digits = match nanos {
        0 => return,
        nanos if nanos % 1_000_000 == 0 => 3,
        nanos if nanos % 1_000 == 0 => 6,
        _ => 9,
    };
    out.extend_from_slice(&text.as_bytes()[..=digits]);
}

/// Reads the digits after a decimal point: 1 to 9 of them.
pub(crate) fn nanos_of_fraction(digits: &[u8]) -> Option<i32> {
    if digits.is_empty() || digits.len() > 9 {
        return None;
    }
    let value = number(digits)?;
    i32::try_from(value * 10_i64.pow(9 - digits.len() as u32)).ok()
}

fn instant(text: &[u8]) -> Option<(i64, i32)> {
    let (head, rest) = text.split_at_checked(19)?;
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    if separators.iter().any(|(at, byte)| head[*at] != *byte) || !matches!(head[10], b'T' | b't') {
        return None;
    }
    let (year, month, day) = (number(&head[..4])?, number(&head[5..7])?, number(&head[8..10])?);
    let (hour, minute, second) = (number(&head[11..13])?, number(&head[14..16])?, number(&head[17..19])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction_length = match rest.first() {
        Some(b'.') => 1 + rest[1..].iter().take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    };
    let (fraction, offset) = rest.split_at(fraction_length);
    let nanos = if fraction.is_empty() { 0 } else { nanos_of_fraction(&fraction[1..])? };
    let seconds = days_of(year, month, day)? * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
    Some((seconds - offset_seconds(offset)?, nanos))
}

fn offset_seconds(offset: &[u8]) -> Option<i64> {
    match offset {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = hours * 3600 + minutes * 60;
            Some(if *sign == b'+' { seconds } else { -seconds })
        }
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0_i64, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, by eras of 400 years that begin in March.
fn days_of(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > length {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// The inverse of [`days_of`].
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}
