//! The header `If-Match`: a change of what was read, and of nothing newer (RFC 9110, 13.1.1).

use http::header::IF_MATCH;
use http::{HeaderMap, StatusCode};
use transcode::Route;

use super::{Result, header_problem};
use crate::problem::Problem;

/// The reason of the services that nothing was done because the etag is old.
const ETAG_MISMATCH: &str = "ETAG_MISMATCH";

/// The one etag without its quotes. `*` asks for nothing: what is not there is not changed anyway. What only reads heeds no
/// condition; what changes and knows no etag refuses it, for it could not keep it.
pub(super) fn etag(route: &Route, headers: &HeaderMap) -> Result<Option<String>> {
    let mut values = headers.get_all(IF_MATCH).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" || !route.has_body() {
        return Ok(None);
    }
    if !route.has_etag() {
        return Err(header_problem("If-Match", "what this method changes has no etag"));
    }
    let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let etag = quoted.filter(|etag| !etag.is_empty() && !etag.contains('"') && values.next().is_none());
    let etag =
        etag.ok_or_else(|| header_problem("If-Match", "must be one ETag as it was answered, such as \"7\""))?;
    Ok(Some(etag.to_owned()))
}

/// A condition in a header fails with a status of its own.
pub(super) fn refused(mut problem: Problem) -> Problem {
    if problem.reason == ETAG_MISMATCH {
        problem.status = StatusCode::PRECONDITION_FAILED;
    }
    problem
}
