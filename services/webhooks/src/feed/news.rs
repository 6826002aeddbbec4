//! Says that something was told in a log, to readers who wait: one question a log, however many wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{join_all, select_all};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::kinds;
use crate::streams::{Stream, Streams};

/// How long one question waits.
const WAIT: Duration = Duration::from_secs(10);
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);
/// What is told within a moment is read together.
const GATHER: Duration = Duration::from_millis(100);

/// The newest position of each log, as far as somebody wants to know. Cheap to clone.
#[derive(Clone)]
pub(crate) struct News(Arc<Vec<Channel>>);

struct Channel {
    newest: watch::Sender<i64>,
    waiting: AtomicUsize,
    wanted: Notify,
}

impl News {
    pub(crate) fn new(streams: &Streams) -> Self {
        let channel =
            || Channel { newest: watch::Sender::new(0), waiting: AtomicUsize::new(0), wanted: Notify::new() };
        Self(Arc::new(streams.all().iter().map(|_| channel()).collect()))
    }

    /// Begins to listen to `streams`; what is told from here on ends the wait.
    pub(crate) fn listen(&self, streams: &[usize]) -> Listener {
        let receivers = streams.iter().map(|stream| {
            let channel = &self.0[*stream];
            channel.waiting.fetch_add(1, Ordering::Relaxed);
            channel.wanted.notify_one();
            channel.newest.subscribe()
        });
        Listener { receivers: receivers.collect(), streams: streams.to_vec(), news: self.clone() }
    }

    /// Asks the logs until `stop`, those that somebody listens to.
    pub(crate) async fn run(self, streams: Streams, stop: CancellationToken) {
        let asking = streams.all().iter().enumerate().map(|(at, stream)| self.follow(at, stream));
        let _ = stop.run_until_cancelled(join_all(asking)).await;
    }

    async fn follow(&self, at: usize, stream: &Stream) {
        let channel = &self.0[at];
        let types = kinds::all().iter().filter(|kind| kind.stream == stream.name);
        let types: Vec<String> = types.map(|kind| kind.type_name.clone()).collect();
        let mut position = None;
        loop {
            if channel.waiting.load(Ordering::Relaxed) == 0 {
                channel.wanted.notified().await;
                // Whoever began to listen has not read yet: what is there now is no news.
                position = None;
                continue;
            }
            let asked = match position {
                None => stream.end().await.map(|end| end.position),
                Some(known) => stream.read(known, types.clone(), WAIT).await.map(|page| page.read_position),
            };
            match asked {
                Ok(newest) => {
                    if position != Some(newest) {
                        position = Some(newest);
                        channel.newest.send_replace(newest);
                    }
                }
                Err(error) => {
                    tracing::debug!(code = ?error.code(), stream = stream.name, "a log does not answer");
                    position = None;
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            }
        }
    }
}

/// Somebody who waits.
pub(crate) struct Listener {
    receivers: Vec<watch::Receiver<i64>>,
    streams: Vec<usize>,
    news: News,
}

impl Listener {
    /// Waits until something was told, and a moment longer, for what comes with it.
    pub(crate) async fn heard(&mut self) {
        let changes = self.receivers.iter_mut().map(|receiver| Box::pin(receiver.changed()));
        let _ = select_all(changes).await;
        tokio::time::sleep(GATHER).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        for stream in &self.streams {
            self.news.0[*stream].waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
