//! The languages that a browser says its reader prefers (RFC 9110, 12.5.4).

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// What services read of a wish; browsers say less.
const LENGTH_MAX: usize = 200;
const TAG_LENGTH_MAX: usize = 35;
/// The weight of what is named without one, in thousandths.
pub(crate) const WHOLE: u16 = 1000;

/// The languages of `Accept-Language`, the dearest first, such as `uk-UA, uk, en`. What is not wished for, not readable or
/// any language at all is left out, for a header that nobody typed refuses nothing; `None` when nothing is left.
pub(crate) fn preferred(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    let mut wished: Vec<(u16, &str)> =
        values.flat_map(|value| value.split(',')).filter_map(weighed).collect();
    wished.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    let mut languages = String::new();
    for (_, tag) in wished {
        if languages.len() + ", ".len() + tag.len() > LENGTH_MAX {
            break;
        }
        if !languages.is_empty() {
            languages.push_str(", ");
        }
        languages.push_str(tag);
    }
    (!languages.is_empty()).then_some(languages)
}

/// A language with its weight; none when it weighs nothing.
fn weighed(part: &str) -> Option<(u16, &str)> {
    let (tag, weight) = match part.split_once(';') {
        Some((tag, weight)) => (tag.trim(), thousandths(weight)?),
        None => (part.trim(), WHOLE),
    };
    let is_subtag = |subtag: &str| {
        (1..=8).contains(&subtag.len()) && subtag.bytes().all(|letter| letter.is_ascii_alphanumeric())
    };
    (weight > 0 && tag.len() <= TAG_LENGTH_MAX && tag.split('-').all(is_subtag)).then_some((weight, tag))
}

/// `q=0.8` is 800: a zero or a one with at most three digits behind the point.
pub(crate) fn thousandths(weight: &str) -> Option<u16> {
    let (name, number) = weight.split_once('=')?;
    let (whole, digits) = number.trim().split_once('.').unwrap_or((number.trim(), ""));
    let readable = digits.len() <= 3 && digits.bytes().all(|digit| digit.is_ascii_digit());
    let fraction: u16 = format!("{digits:0<3}").parse().ok().filter(|_| readable)?;
    match whole {
        _ if !name.trim().eq_ignore_ascii_case("q") => None,
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(WHOLE),
        _ => None,
    }
}
