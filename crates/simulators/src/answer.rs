//! What a simulated system answers: plain data, so that it can be kept and answered again.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderName, HeaderValue};
use serde_json::Value;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

/// Marks a response that never goes out: the line is cut instead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineCut;

impl Answer {
    pub fn json(status: u16, body: &Value) -> Self {
        Self::with_type(status, "application/json; charset=utf-8", body.to_string())
    }

    pub fn html(status: u16, body: String) -> Self {
        Self::with_type(status, "text/html; charset=utf-8", body)
    }

    pub fn pdf(body: Vec<u8>) -> Self {
        Self::with_type(200, "application/pdf", body)
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// Sends a browser on.
    pub fn redirect(url: &str) -> Self {
        Self::empty(303).header("location", url)
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same, broken off in the middle of its body.
    pub fn broken_off(mut self) -> Self {
        self.body = self.body.slice(..self.body.len() / 2);
        self
    }

    fn with_type(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status, headers: vec![("content-type", content_type.to_owned())], body: body.into() }
    }

    pub fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(HeaderName::from_static(name), value);
            }
        }
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// No answer at all.
pub(crate) fn cut() -> Response {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(LineCut);
    response
}
