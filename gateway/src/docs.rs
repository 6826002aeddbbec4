//! The documentation of the API as one page that needs nothing else: no network, no fonts, and to be read no scripts.
//!
//! It is made of the same description that `/openapi.json` serves, so what stands there stands here. A script of a few
//! lines adds the search; the page's policy lets nothing run or load but what is inside it, named by its digest.

mod example;
mod html;
mod operation;
mod reasons;
mod request;
mod schema;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

pub(crate) use html::escaped;
use html::prose;

pub use reasons::TABLE as REASONS_TEXT;

const STYLE: &str = include_str!("docs/page.css");
const SCRIPT: &str = include_str!("docs/page.js");
const INTRODUCTION: &str = include_str!("docs/introduction.html");

/// A page and what it may do.
pub(crate) struct Page {
    pub(crate) html: Bytes,
    /// Its Content-Security-Policy.
    pub(crate) policy: HeaderValue,
}

impl Page {
    /// The documentation of what `document`, an OpenAPI description, describes.
    pub(crate) fn of(document: &Value) -> Self {
        let digest = |text: &str| STANDARD.encode(Sha256::digest(text));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
            digest(STYLE),
            digest(SCRIPT),
        );
        // Base64 is always a valid header; without the policy nothing would run or load at all.
        let policy = HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"));
        Self { html: html(document).into(), policy }
    }
}

fn html(document: &Value) -> String {
    let info = &document["info"];
    let (title, version) = (escaped(text(info, "title")), escaped(text(info, "version")));
    let areas = operation::areas(document);
    let (mut menu, mut body) = (String::new(), String::new());
    for area in &areas {
        menu.push_str(&area.menu());
        body.push_str(&area.sections(document));
    }
    let (reasons, schemas) = (reasons::section(), schema::sections(document));
    let about = prose(text(info, "description"));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} API {version}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <header><a href=\"#top\" class=\"brand\">{title}</a> <span class=\"version\">API {version}</span>\
         <a href=\"/openapi.json\">openapi.json</a></header>\n<nav aria-label=\"Operations\">\n<ul class=\"first\">\
         <li><a href=\"#top\">How to call</a></li><li><a href=\"#reasons\">Reasons</a></li>\
         <li><a href=\"#schemas\">Schemas</a></li></ul>\n{menu}</nav>\n<main id=\"top\">\n\
         <h1>{title} API</h1>\n<p class=\"lead\">{about}</p>\n{INTRODUCTION}\n{body}{reasons}{schemas}</main>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// A text of an object; empty when there is none.
fn text<'v>(object: &'v Value, key: &str) -> &'v str {
    object[key].as_str().unwrap_or_default()
}

/// The name of the schema that a reference leads to.
fn referred(schema: &Value) -> Option<&str> {
    text(schema, "$ref").strip_prefix("#/components/schemas/")
}
