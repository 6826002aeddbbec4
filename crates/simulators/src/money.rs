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

/// `"100.00"` as minor units; nothing for signs, spaces or more digits than the currency has.
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
    padded.parse().ok()
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
