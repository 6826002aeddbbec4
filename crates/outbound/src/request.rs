//! What is asked of another system.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

/// How long a call may take unless it says otherwise.
pub const DEADLINE: Duration = Duration::from_secs(10);
/// The longest answer that is read unless the call says otherwise: 8 MiB.
pub const ANSWER_BYTES_MAX: usize = 8 << 20;

/// Everything but the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request, built up call by call; what is wrong with it shows when it is sent, as unsent.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, HeaderValue)>,
    pub(crate) body: Bytes,
    pub(crate) deadline: Duration,
    pub(crate) answer_bytes_max: usize,
    pub(crate) problem: Option<String>,
}

impl Request {
    /// A request of `method` to `url`, a full `http` or `https` URL.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: Vec::new(),
            body: Bytes::new(),
            deadline: DEADLINE,
            answer_bytes_max: ANSWER_BYTES_MAX,
            problem: None,
        }
    }

    /// GET.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }

    /// POST.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(Method::POST, url)
    }

    /// PUT.
    pub fn put(url: impl Into<String>) -> Self {
        Self::new(Method::PUT, url)
    }

    /// DELETE.
    pub fn delete(url: impl Into<String>) -> Self {
        Self::new(Method::DELETE, url)
    }

    /// Adds a parameter to the query string, escaped.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.push(if self.url.contains('?') { '&' } else { '?' });
        self.url.push_str(&pair(name, value));
        self
    }

    /// Adds a header; its value never shows in logs.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) if HeaderName::try_from(name).is_ok() => {
                value.set_sensitive(true);
                self.headers.push((name.to_owned(), value));
            }
            _ => self.problem = Some(format!("the header {name} cannot be written")),
        }
        self
    }

    /// Basic authentication.
    pub fn basic(self, user: &str, password: &str) -> Self {
        let credentials = STANDARD.encode(format!("{user}:{password}"));
        self.header(AUTHORIZATION.as_str(), &format!("Basic {credentials}"))
    }

    /// A bearer token.
    pub fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    /// A body of JSON; asks for JSON.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body = bytes.into(),
            Err(error) => self.problem = Some(format!("the body cannot be written: {error}")),
        }
        self.header(CONTENT_TYPE.as_str(), "application/json").header(ACCEPT.as_str(), "application/json")
    }

    /// A body of form fields.
    pub fn form<N: AsRef<str>, V: AsRef<str>>(mut self, fields: &[(N, V)]) -> Self {
        let pairs: Vec<String> =
            fields.iter().map(|(name, value)| pair(name.as_ref(), value.as_ref())).collect();
        self.body = pairs.join("&").into();
        self.header(CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")
            .header(ACCEPT.as_str(), "application/json")
    }

    /// A body as it is.
    pub fn bytes(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header(CONTENT_TYPE.as_str(), content_type)
    }

    /// How long the whole call may take.
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The longest answer that is read.
    pub fn answer_bytes_max(mut self, bytes: usize) -> Self {
        self.answer_bytes_max = bytes;
        self
    }
}

fn pair(name: &str, value: &str) -> String {
    format!("{}={}", utf8_percent_encode(name, ESCAPED), utf8_percent_encode(value, ESCAPED))
}
