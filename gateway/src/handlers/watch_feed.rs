//! `GET /v1/events/stream`: tells of changes as they happen, as server-sent events. A client that comes back with
//! `Last-Event-ID` misses nothing.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, stream};
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use prost::{Message as _, Name as _};
use proto::webhooks::v1::feed_service_client::FeedServiceClient;
use proto::webhooks::v1::{FeedEvent, PublicEvent, WatchFeedRequest, WatchFeedResponse};
use tokio::time::{Instant, timeout, timeout_at};
use tonic::{Status, Streaming};
use transcode::{Api, MessageId};

use super::{Result, call_of, header_problem};
use crate::keys::{Keys, SecretDigest};
use crate::known_caller::KnownCaller;
use crate::problem::Problem;
use crate::state::Gateway;

/// How long a client waits before it comes back, in milliseconds.
const RETRY_MS: u64 = 2_000;
/// How long the first answer may take.
const BEGIN_WITHIN: Duration = Duration::from_secs(10);
/// The longest a key is believed without asking again.
const LOOK_PERIOD: Duration = Duration::from_secs(4);
/// After a refusal for want of a place.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// How many streams each key has open.
#[derive(Default)]
pub(crate) struct EventStreams(Mutex<HashMap<String, usize>>);

/// One of them; it ends when this is dropped.
struct Place {
    streams: Gateway,
    key: String,
}

pub(super) async fn answer(gateway: &Gateway, patience: Duration, request: Request) -> Result<Response> {
    let call = call_of(&request, patience)?;
    let known = request.extensions().get::<Arc<KnownCaller>>().cloned().ok_or_else(Problem::internal)?;
    let mut wanted = wanted(request.uri().query().unwrap_or_default())?;
    if let Some(last) = last_event_id(request.headers())? {
        wanted.after = last;
    }
    let place = place(gateway, &known.name)?;

    let mut client = FeedServiceClient::new(gateway.channel("webhooks").bind(&call))
        .max_decoding_message_size(gateway.settings.limits.answer_bytes_max);
    let begun = timeout(BEGIN_WITHIN, client.watch_feed(wanted)).await;
    let begun = begun.unwrap_or_else(|_| Err(Status::deadline_exceeded("the stream did not begin in time")));
    let answers = begun.map_err(|status| Problem::from(&status))?.into_inner();

    let message = Api::suite().message(&PublicEvent::full_name()).ok_or_else(Problem::internal)?;
    let watch = Watch {
        gateway: gateway.clone(),
        answers,
        message,
        key: digest(request.headers()),
        asked: Instant::now(),
        deadline: call.deadline,
        _place: place,
    };
    let mut response = Response::new(Body::from_stream(pieces(watch)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that gather answers would hold events back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

fn wanted(query: &str) -> Result<WatchFeedRequest> {
    let message = Api::suite().message(&WatchFeedRequest::full_name()).ok_or_else(Problem::internal)?;
    let mut wire = Vec::new();
    Api::suite().read_query(message, query, &mut wire)?;
    WatchFeedRequest::decode(wire.as_slice()).map_err(|_| Problem::internal())
}

/// Where a client that comes back was; it is newer than what its URL says.
fn last_event_id(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let text = value.to_str().map_err(|_| header_problem("Last-Event-ID", "must be an id of this stream"))?;
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// The key that the layers have let in; nothing else gets here.
fn digest(headers: &HeaderMap) -> SecretDigest {
    let value = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    Keys::digest(value.get("Bearer ".len()..).unwrap_or_default())
}

fn place(gateway: &Gateway, key: &str) -> Result<Place> {
    let limits = &gateway.settings.limits;
    let mut open = gateway.event_streams.0.lock().unwrap_or_else(PoisonError::into_inner);
    let own = open.get(key).copied().unwrap_or(0);
    if own >= limits.event_streams_per_key_max {
        let detail = format!("the key has {own} streams open already");
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_STREAMS", detail);
        return Err(problem.retry_after(RETRY_AFTER));
    }
    if open.values().sum::<usize>() >= limits.event_streams_max {
        let detail = "too many streams are open; try again later";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED", detail);
        return Err(problem.retry_after(RETRY_AFTER));
    }
    open.insert(key.to_owned(), own + 1);
    Ok(Place { streams: gateway.clone(), key: key.to_owned() })
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.event_streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.key) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                open.remove(&self.key);
            }
        }
    }
}

/// A stream under way. Dropping it ends the call.
struct Watch {
    gateway: Gateway,
    answers: Streaming<WatchFeedResponse>,
    message: MessageId,
    key: SecretDigest,
    /// When the key was last known to be valid.
    asked: Instant,
    deadline: Instant,
    _place: Place,
}

impl Watch {
    /// What comes next, as text; none at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let look = (self.asked + LOOK_PERIOD).min(self.deadline);
            match timeout_at(look, self.answers.message()).await {
                Ok(Ok(Some(answer))) if self.still_may().await => return Some(self.text(&answer)),
                // The client comes back with the last id, and is told then if it cannot go on from there.
                Ok(_) => return None,
                Err(_later) if Instant::now() >= self.deadline || !self.still_may().await => return None,
                Err(_later) => {}
            }
        }
    }

    /// Whether the key is still valid and the gateway does not stop.
    async fn still_may(&mut self) -> bool {
        if self.gateway.draining.load(std::sync::atomic::Ordering::Relaxed) {
            return false;
        }
        if self.asked.elapsed() < LOOK_PERIOD {
            return true;
        }
        let found = self.gateway.keys.find(self.key, &self.gateway.channel("access")).await;
        self.asked = Instant::now();
        matches!(found, Ok(Some(_)))
    }

    fn text(&self, answer: &WatchFeedResponse) -> Bytes {
        let mut text = Vec::new();
        for FeedEvent { event, cursor } in &answer.events {
            let Some(event) = event else { continue };
            text.extend_from_slice(format!("id: {cursor}\nevent: {}\ndata: ", event.r#type).as_bytes());
            let written = Api::suite().write_json(self.message, &event.encode_to_vec(), &mut text);
            if written.is_err() {
                tracing::error!(event_id = event.event_id, "an event cannot be written");
            }
            text.extend_from_slice(b"\n\n");
        }
        if answer.events.is_empty() {
            // Says nothing and is where to go on from.
            text.extend_from_slice(format!("id: {}\n\n", answer.next_cursor).as_bytes());
        }
        text.into()
    }
}

fn pieces(watch: Watch) -> impl Stream<Item = io::Result<Bytes>> {
    let begin = Bytes::from(format!("retry: {RETRY_MS}\n\n"));
    stream::unfold((Some(begin), watch), async |(begin, mut watch)| {
        let piece = match begin {
            Some(begin) => begin,
            None => watch.next().await?,
        };
        Some((Ok(piece), (None, watch)))
    })
}
