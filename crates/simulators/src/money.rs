//! Sums in whole minor units, and the ways vendors write them.

/// Digits behind the point in a currency's sums.
pub(crate) fn exponent(currency: &str) -> u32 {
    match currency {
        "JPY" | "KRW" | "VND" | "CLP" | "ISK" | "XOF" | "XAF" | "PYG" | "UGX" | "RWF" => 0,
        "KWD" | "BHD" | "OMR" | "JOD" | "TND" | "IQD" | "LYD" => 3,
        _ => 2,
    }
}

/// Whether it looks like a currency at all.
pub(crate) fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Larger sums are mistakes, and products of such sums would not fit.
const MINOR_MAX: i64 = 10_000_000_000_000;

/// Whether somebody may pay as much.
pub(crate) fn is_sum(minor: &i64) -> bool {
    (1..=MINOR_MAX).contains(minor)
}

/// A price times thousandths of a piece; nothing when nobody could pay it.
pub(crate) fn times(minor: i64, thousandths: i64) -> Option<i64> {
    let exact = i128::from(minor) * i128::from(thousandths);
    i64::try_from(exact / 1_000).ok().filter(|minor| *minor <= MINOR_MAX)
}

/// `"100.00"` as minor units; nothing for signs, spaces, more digits than the currency has, or a sum that is too large.
pub(crate) fn parse(text: &str, currency: &str) -> Option<i64> {
    let exponent = exponent(currency);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > exponent as usize {
        return None;
    }
    if text.ends_with('.') {
        return None;
    }
    let padded = format!("{whole}{fraction:0<width$}", width = exponent as usize);
    padded.parse().ok().filter(|minor| *minor <= MINOR_MAX)
}

/// Minor units as `"100.00"`.
pub(crate) fn format(minor: i64, currency: &str) -> String {
    let exponent = exponent(currency);
    let unit = 10_i64.pow(exponent);
    let sign = if minor < 0 { "-" } else { "" };
    match exponent {
        0 => minor.to_string(),
        _ => format!(
            "{sign}{}.{:0>width$}",
            (minor / unit).abs(),
            (minor % unit).abs(),
            width = exponent as usize
        ),
    }
}
