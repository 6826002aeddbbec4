//! The page itself, for a parcel and for none.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use proto::delivery::v1::{Tracker, TrackingStatus};
use sha2::{Digest as _, Sha256};

use super::{Language, ShopClock};
use crate::docs::escaped;

const STYLE: &str = include_str!("page.css");

static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let digest = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    // Base64 is always a valid header; without the policy nothing would run or load at all.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// What the page may do, as its Content-Security-Policy: have its own style, and nothing else.
pub(crate) fn policy() -> HeaderValue {
    POLICY.clone()
}

/// A page to show.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) html: String,
    pub(crate) language: Language,
}

impl Page {
    /// Where a parcel is, and how it came there.
    pub(crate) fn of_parcel(tracker: &Tracker, clock: ShopClock) -> Self {
        let language = clock.language;
        let (words, status) = (language.words(), tracker.status());
        let mut facts = fact(words.carrier, &marked(language.carrier(&tracker.carrier)));
        if !tracker.tracking_number.is_empty() {
            facts.push_str(&fact(words.number, &marked(&tracker.tracking_number)));
        }
        if let Some(end) = tracker.storage_end_time.as_ref().filter(|_| !is_final(status)) {
            facts.push_str(&fact(words.kept_until, &clock.html((end.seconds, end.nanos))));
        }
        let body = format!(
            "<h1>{}</h1>\n<p class=\"status\">{}</p>\n<dl>\n{facts}</dl>\n{}<p class=\"zone\">{}: {}</p>\n",
            escaped(words.title),
            escaped(language.status(status)),
            way(tracker, clock),
            escaped(words.time_zone),
            escaped(clock.zone.name()),
        );
        Self::with(language, words.title, &body)
    }

    /// There is no such parcel. Says the same whatever is wrong with the link.
    pub(crate) fn not_found(language: Language) -> Self {
        Self::of_refusal(language, language.words().not_found)
    }

    /// Somebody asks too often.
    pub(crate) fn too_many(language: Language) -> Self {
        Self::of_refusal(language, language.words().too_many)
    }

    /// The parcel cannot be shown now.
    pub(crate) fn away(language: Language) -> Self {
        Self::of_refusal(language, language.words().away)
    }

    fn of_refusal(language: Language, (title, sentence): (&str, &str)) -> Self {
        let body = format!("<h1>{}</h1>\n<p>{}</p>\n", escaped(title), escaped(sentence));
        Self::with(language, title, &body)
    }

    fn with(language: Language, title: &str, body: &str) -> Self {
        let (tag, title) = (language.tag(), escaped(title));
        let html = format!(
            "<!DOCTYPE html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"robots\" content=\"noindex, nofollow\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
        );
        Self { html, language }
    }
}

/// The steps, the latest first; nothing before the first.
fn way(tracker: &Tracker, clock: ShopClock) -> String {
    let language = clock.language;
    let steps = tracker.steps.iter().rev().map(|step| {
        let time = step.occur_time.as_ref().map(|time| clock.html((time.seconds, time.nanos)));
        format!("<li>{} {}</li>\n", escaped(language.status(step.status())), time.unwrap_or_default())
    });
    let steps: String = steps.collect();
    if steps.is_empty() {
        return String::new();
    }
    format!("<h2>{}</h2>\n<ol>\n{steps}</ol>\n", escaped(language.words().way))
}

/// Whether nothing happens to a parcel any more, so that nobody keeps it for the buyer.
fn is_final(status: TrackingStatus) -> bool {
    matches!(status, TrackingStatus::Delivered | TrackingStatus::ReturnToSender | TrackingStatus::Cancelled)
}

/// A fact with its name; `html` is shown as it is.
fn fact(name: &str, html: &str) -> String {
    format!("<dt>{}</dt><dd>{html}</dd>\n", escaped(name))
}

/// Text from outside: it can neither become markup nor turn the letters around it.
fn marked(text: &str) -> String {
    format!("<bdi>{}</bdi>", escaped(text))
}
