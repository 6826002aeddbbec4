//! Reads request bodies within their limits.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;

use crate::handlers::Result;
use crate::problem::Problem;
use crate::settings::Limits;

/// Reads a whole JSON body.
pub(crate) async fn read(body: Body, headers: &HeaderMap, limits: &Limits) -> Result<Bytes> {
    read_up_to(body, headers, limits.body_bytes_max, limits).await
}

/// Reads a whole body: not larger than `bytes_max`, whatever `Content-Length` says, and not slower than the limit.
pub(crate) async fn read_up_to(
    body: Body,
    headers: &HeaderMap,
    bytes_max: usize,
    limits: &Limits,
) -> Result<Bytes> {
    refuse_encoded(headers)?;
    refuse_announced(headers, bytes_max as u64)?;
    let collected = tokio::time::timeout(limits.body_timeout(), collect(body, bytes_max));
    collected.await.map_err(|_| too_slow())?
}

/// Refuses bodies that are not JSON by their own account.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<()> {
    let named = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (media_type, parameters) = named.split_once(';').unwrap_or((named, ""));
    let charset = parameters.trim().to_ascii_lowercase();
    let readable = matches!(charset.as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"");
    if media_type.trim().eq_ignore_ascii_case("application/json") && readable {
        return Ok(());
    }
    let detail = "the body must be application/json in UTF-8";
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", detail))
}

/// Refuses compressed bodies: a small one may be a large one.
pub(crate) fn refuse_encoded(headers: &HeaderMap) -> Result<()> {
    let encoding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
    match encoding.as_deref() {
        None | Some(b"" | b"identity") => Ok(()),
        Some(_) => {
            let detail = "compressed bodies are not accepted";
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_ENCODING", detail))
        }
    }
}

/// Refuses what says itself that it is too large, before any of it is read.
pub(crate) fn refuse_announced(headers: &HeaderMap, bytes_max: u64) -> Result<()> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > bytes_max) { Err(too_large(bytes_max)) } else { Ok(()) }
}

pub(crate) fn too_large(bytes_max: u64) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "BODY_TOO_LARGE",
        format!("the body may have {bytes_max} bytes"),
    )
}

pub(crate) fn too_slow() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "BODY_TOO_SLOW", "the body did not arrive in time")
}

/// A body that broke off: nobody is likely to read this.
pub(crate) fn broken() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "BODY_BROKEN", "the body broke off")
}

async fn collect(mut body: Body, bytes_max: usize) -> Result<Bytes> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| broken())?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > bytes_max {
            return Err(too_large(bytes_max as u64));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}
