//! How the gateway refuses: RFC 9457 problems with the reason that the service gave.

mod codes;
mod from_status;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use transcode::Violation;

pub(crate) use codes::status_of;
pub use codes::{CODES, CodeRow};

/// A refusal on its way out. The request id is added where the response leaves.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// A stable UPPER_SNAKE code.
    pub reason: String,
    /// A sentence for people.
    pub detail: String,
    /// The fields that are wrong.
    pub errors: Vec<FieldError>,
    /// Facts that belong to the reason.
    pub metadata: BTreeMap<String, String>,
    /// When it makes sense to ask again.
    pub retry_after: Option<Duration>,
}

/// One field that is wrong.
#[derive(Debug, Clone, Serialize)]
pub struct FieldError {
    /// In JSON spelling, such as `lines[2].quantity`; empty for the whole body.
    pub field: String,
    /// A stable UPPER_SNAKE code.
    pub reason: String,
    /// What to do about it.
    pub message: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (field, message) = (&self.field, &self.message);
        if field.is_empty() { write!(f, "{message}") } else { write!(f, "{field}: {message}") }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    reason: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, reason: &str, detail: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.to_owned(),
            detail: detail.into(),
            errors: Vec::new(),
            metadata: BTreeMap::new(),
            retry_after: None,
        }
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL",
            "something failed inside; the request id tells where",
        )
    }

    /// Whether it says that there is too much to do, and nothing of the request itself.
    pub(crate) fn is_overload(&self) -> bool {
        matches!(self.reason.as_str(), "OVERLOADED" | "BUSY")
    }

    #[must_use]
    pub(crate) fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        self.metadata.insert(key.to_owned(), value.to_owned());
        self
    }

    /// The document as JSON text.
    pub(crate) fn text(&self, request_id: &str) -> Vec<u8> {
        let document = Document {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            reason: &self.reason,
            request_id,
            errors: &self.errors,
            metadata: &self.metadata,
        };
        serde_json::to_vec(&document).unwrap_or_default()
    }

    /// The response with its body. Headers that layers have set stay.
    pub(crate) fn render(&self, response: Response, request_id: &str) -> Response {
        let (mut parts, _) = response.into_parts();
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        Response::from_parts(parts, Body::from(self.text(request_id)))
    }
}

/// Whole seconds, rounded up: a client that waits this long is never early.
pub(crate) fn whole_seconds(delay: Duration) -> u64 {
    delay.as_secs() + u64::from(delay.subsec_nanos() > 0)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(delay) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(whole_seconds(delay)));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Violation> for Problem {
    fn from(violation: Violation) -> Self {
        let reason = violation.reason.as_str();
        let detail =
            if violation.field.is_empty() { violation.message.clone() } else { violation.to_string() };
        let mut problem = Self::new(StatusCode::BAD_REQUEST, reason, detail);
        let Violation { field, message, .. } = violation;
        problem.errors.push(FieldError { field, reason: reason.to_owned(), message });
        problem
    }
}
