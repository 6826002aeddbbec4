//! Which form of an answer a client prefers (RFC 9110, 12.5.1).

use http::HeaderMap;
use http::header::ACCEPT;

use crate::languages::{WHOLE, thousandths};

/// Whether `Accept` names JSON, and names it before HTML. Browsers never do; who wishes for anything gets the page.
pub(crate) fn prefers_json(headers: &HeaderMap) -> bool {
    let json = weight(headers, "application/json");
    json > 0 && json > weight(headers, "text/html")
}

/// What a media type weighs when it is named, in thousandths; nothing when it is not.
fn weight(headers: &HeaderMap, media_type: &str) -> u16 {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let weights = values.flat_map(|value| value.split(',')).filter_map(|part| {
        let mut parts = part.split(';');
        let named = parts.next()?.trim().eq_ignore_ascii_case(media_type);
        named.then(|| parts.find_map(|part| thousandths(part.trim())).unwrap_or(WHOLE))
    });
    weights.max().unwrap_or(0)
}
