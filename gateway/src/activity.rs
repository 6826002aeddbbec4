//! What one connection is doing, so that it ends when its client neither asks nor takes what it asked for.
//!
//! HTTP/2 needs this: its pings prove that a client lives, not that it wants anything.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::Version;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use crate::pieces::Pieces;

/// The requests of one connection. Clones share them.
#[derive(Clone)]
pub(crate) struct Activity(Arc<Mutex<Requests>>);

struct Requests {
    next: u64,
    /// Requests in work, and since when their answers are ready to be taken.
    running: HashMap<u64, Option<Instant>>,
    last_end: Instant,
    /// Since when a request's header is arriving.
    head_since: Option<Instant>,
}

/// How long each part of a connection's life may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) header: Duration,
    pub(crate) delivery: Duration,
    pub(crate) idle: Duration,
}

/// What is to be done with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is used.
    Keep,
    /// Nothing was asked for a while: an orderly end.
    Idle,
    /// A header does not end, or an answer is not taken: the end cannot wait for it.
    Stuck,
}

/// One request; it ends when this is dropped.
pub(crate) struct Ticket {
    id: u64,
    version: Version,
    activity: Activity,
}

impl Activity {
    pub(crate) fn new() -> Self {
        let requests =
            Requests { next: 0, running: HashMap::new(), last_end: Instant::now(), head_since: None };
        Self(Arc::new(Mutex::new(requests)))
    }

    /// Notes that a request begins.
    pub(crate) fn begin(&self, version: Version) -> Ticket {
        let mut requests = self.lock();
        let id = requests.next;
        requests.next += 1;
        requests.running.insert(id, None);
        requests.head_since = None;
        Ticket { id, version, activity: self.clone() }
    }

    /// Notes that bytes arrived; between requests they begin a header.
    pub(crate) fn note_read(&self) {
        let mut requests = self.lock();
        if requests.running.is_empty() {
            requests.head_since.get_or_insert_with(Instant::now);
        }
    }

    pub(crate) fn verdict(&self, patience: Patience) -> Verdict {
        let requests = self.lock();
        let slow_header = requests.head_since.is_some_and(|since| since.elapsed() > patience.header);
        let untaken = requests.running.values().flatten().any(|ready| ready.elapsed() > patience.delivery);
        let idle = requests.running.is_empty() && requests.last_end.elapsed() > patience.idle;
        match (slow_header || untaken, idle) {
            (true, _) => Verdict::Stuck,
            (false, true) => Verdict::Idle,
            (false, false) => Verdict::Keep,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Requests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket {
    /// Lets the request end when its answer is taken. Answers without a length are streams and take as long as they take.
    pub(crate) fn follow(self, response: Response) -> Response {
        if http_body::Body::size_hint(response.body()).exact().is_some() {
            self.activity.lock().running.insert(self.id, Some(Instant::now()));
        }
        match self.version {
            Version::HTTP_2 => {
                response.map(|body| Body::new(Followed { body: Pieces::of(body), _ticket: self }))
            }
            _ => response.map(|body| Body::new(Followed { body, _ticket: self })),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut requests = self.activity.lock();
        requests.running.remove(&self.id);
        requests.last_end = Instant::now();
    }
}

/// A body that keeps its request running until it is dropped.
struct Followed<B> {
    body: B,
    _ticket: Ticket,
}

impl<B: http_body::Body + Unpin> http_body::Body for Followed<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
