//! A request to a simulated system, taken apart once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use serde_json::Value;

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub method: Method,
    /// The path below the system's prefix, by segments, decoded.
    pub path: Vec<String>,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Asked {
    pub fn new(method: Method, uri: &Uri, headers: HeaderMap, body: Bytes) -> Self {
        let segments = uri.path().split('/').filter(|segment| !segment.is_empty()).skip(1);
        let path = segments.map(decoded).collect();
        Self { method, path, query: pairs(uri.query().unwrap_or_default().as_bytes()), headers, body }
    }

    /// The method and the path, to be matched.
    pub fn route(&self) -> (&str, Vec<&str>) {
        (self.method.as_str(), self.path.iter().map(String::as_str).collect())
    }

    /// A segment of the path.
    pub fn segment(&self, at: usize) -> &str {
        self.path.get(at).map(String::as_str).unwrap_or_default()
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization").strip_prefix("Bearer ")
    }

    /// User and password of HTTP Basic.
    pub fn basic(&self) -> Option<(String, String)> {
        let encoded = self.header("authorization").strip_prefix("Basic ")?;
        let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        let (user, password) = text.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }

    /// The body as JSON; nothing when it is none.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as a form.
    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }

    /// Where this server is for whoever asked.
    pub fn base_url(&self) -> String {
        match self.header("host") {
            "" => "http://localhost".to_owned(),
            host => format!("http://{host}"),
        }
    }
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// A segment without percent signs. A plus stays one: it means a space in forms only.
fn decoded(segment: &str) -> String {
    let kept = segment.replace('+', "%2B");
    let joined = form_urlencoded::parse(kept.as_bytes()).next();
    match joined {
        Some((name, _)) if !segment.contains(['=', '&']) => name.into_owned(),
        _ => segment.to_owned(),
    }
}
