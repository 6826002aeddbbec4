//! Commits concurrent requests together.
//!
//! One worker takes whatever waits, runs it as one batch, and then takes what came meanwhile. Requests that are about to
//! come, because their tasks are ready to run, come along: a batch costs much and one more request in it little. A lone
//! request is not delayed; under load the batches grow by themselves. Requests that were answered together come again
//! together, but not at once: a worker that took the first of them would split them for good, and pay for two batches,
//! then for four. So it waits for those that the recent batches let it expect, a little for the last of them and longer
//! for the most of them; and expects less as soon as they do not come. Meanwhile the transaction of the batch begins.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::Instrument;

use crate::error::Error;
use crate::pool::Store;
use crate::transaction::Begun;

/// Requests that may wait; more are refused at once.
pub const QUEUE_LENGTH_MAX: usize = 2048;
/// Requests of one batch.
pub const BATCH_SIZE_MAX: usize = 128;

/// A batch begins when none has come while everything else that is ready has run this many times.
const LULLS: usize = 8;
/// How often a batch that waits for more looks for them.
const GLANCE: Duration = Duration::from_millis(1);
/// No batch waits longer than this for the last that it expects …
const LINGER_MAX: Duration = Duration::from_millis(8);
/// … and than this when most of them are missing: what goes alone once would go alone from then on.
const REUNION_MAX: Duration = Duration::from_millis(16);

/// Gathers requests of one kind into batches. Cheap to clone; the worker ends when the last clone is dropped.
pub struct Batcher<I, O, E> {
    name: &'static str,
    queue: mpsc::Sender<Waiting<I, O, E>>,
}

struct Waiting<I, O, E> {
    input: I,
    answer: oneshot::Sender<Result<O, E>>,
}

impl<I, O, E> Clone for Batcher<I, O, E> {
    fn clone(&self) -> Self {
        Self { name: self.name, queue: self.queue.clone() }
    }
}

impl<I, O, E> Batcher<I, O, E>
where
    I: Send + 'static,
    O: Send + 'static,
    E: From<Error> + Send + 'static,
{
    /// Starts the worker. `run` gets a batch and answers each input, in order. It runs to its end even when the
    /// requesters have gone.
    pub fn start<F, Fut>(name: &'static str, run: F) -> Self
    where
        F: Fn(Vec<I>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<Result<O, E>>> + Send + 'static,
    {
        Self::launch(name, || ready(()), move |(), batch| run(batch))
    }

    /// The same for batches that are done in a transaction of `store`: it begins while their requests gather. When it could
    /// not begin, `run` is told why.
    pub fn start_in<F, Fut>(name: &'static str, store: Store, run: F) -> Self
    where
        F: Fn(crate::Result<Begun>, Vec<I>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<Result<O, E>>> + Send + 'static,
    {
        let prepare = move || {
            let store = store.clone();
            async move { store.begin_ahead().await }
        };
        Self::launch(name, prepare, run)
    }

    fn launch<P, Preparation, B, F, Fut>(name: &'static str, prepare: B, run: F) -> Self
    where
        P: Send + 'static,
        B: Fn() -> Preparation + Send + 'static,
        Preparation: Future<Output = P> + Send + 'static,
        F: Fn(P, Vec<I>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<Result<O, E>>> + Send + 'static,
    {
        let (queue, waiting) = mpsc::channel(QUEUE_LENGTH_MAX);
        tokio::spawn(work(name, waiting, prepare, Arc::new(run)));
        Self { name, queue }
    }

    /// Has `input` done with the next batch.
    pub async fn submit(&self, input: I) -> Result<O, E> {
        self.submit_as(self.name, input).await
    }

    /// The same for a worker that does more than one thing: traces call this one `what`.
    pub async fn submit_as(&self, what: &'static str, input: I) -> Result<O, E> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Waiting { input, answer }).map_err(|_| Error::QueueFull)?;
        // Dropped unanswered only when the batch panicked: the outcome is unknown.
        let span = tracing::debug_span!(
            "batch",
            otel.name = %format_args!("batch {what}"),
            otel.kind = "client",
            db.system.name = "postgresql"
        );
        let answered = answered.instrument(span).await;
        answered.unwrap_or_else(|_| Err(Error::Unreachable("the batch was not finished".into()).into()))
    }
}

/// What the recent batches were like.
#[derive(Default)]
struct Recent {
    /// The largest; every later batch forgets an eighth of it, and a half when it waited in vain.
    size: usize,
    /// The last one's time.
    took: Duration,
}

impl Recent {
    /// How long a batch that has `size` requests so far waits for more.
    fn patience(&self, size: usize) -> Duration {
        if size * 2 < self.size {
            return REUNION_MAX;
        }
        // For a few it must cost less than the batch that it may save.
        if size * 4 < self.size * 3 { (self.took / 2).min(LINGER_MAX) } else { Duration::ZERO }
    }

    fn note(&mut self, size: usize, took: Duration, in_vain: bool) {
        let remembered = if in_vain { self.size / 2 } else { self.size * 7 / 8 };
        self.size = size.max(remembered);
        self.took = took;
    }
}

/// Takes what waits, as far as there is room. Answers whether there was anything.
fn take<W>(batch: &mut Vec<W>, waiting: &mut mpsc::Receiver<W>) -> bool {
    let (before, room) = (batch.len(), BATCH_SIZE_MAX - batch.len());
    batch.extend(std::iter::from_fn(|| waiting.try_recv().ok()).take(room));
    batch.len() > before
}

/// Lets the tasks that are ready run, as long as that brings requests.
async fn gather<W>(batch: &mut Vec<W>, waiting: &mut mpsc::Receiver<W>) {
    let mut quiet = 0;
    while quiet < LULLS && batch.len() < BATCH_SIZE_MAX {
        tokio::task::yield_now().await;
        quiet = if take(batch, waiting) { 0 } else { quiet + 1 };
    }
}

/// The same until those have come who are expected, or for as long as they are waited for.
async fn gather_expected<W>(batch: &mut Vec<W>, waiting: &mut mpsc::Receiver<W>, recent: &Recent) {
    let came = Instant::now();
    gather(batch, waiting).await;
    while came.elapsed() < recent.patience(batch.len()) {
        tokio::time::sleep(GLANCE).await;
        gather(batch, waiting).await;
    }
}

async fn work<I, O, E, P, Preparation, B, F, Fut>(
    name: &'static str,
    mut waiting: mpsc::Receiver<Waiting<I, O, E>>,
    prepare: B,
    run: Arc<F>,
) where
    I: Send + 'static,
    O: Send + 'static,
    E: Send + 'static,
    P: Send + 'static,
    B: Fn() -> Preparation + Send + 'static,
    Preparation: Future<Output = P> + Send + 'static,
    F: Fn(P, Vec<I>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Vec<Result<O, E>>> + Send + 'static,
{
    let mut batch = Vec::with_capacity(BATCH_SIZE_MAX);
    let mut recent = Recent::default();
    while waiting.recv_many(&mut batch, BATCH_SIZE_MAX).await > 0 {
        let (prepared, ()) = join(prepare(), gather_expected(&mut batch, &mut waiting, &recent)).await;
        let in_vain = !recent.patience(batch.len()).is_zero();
        take(&mut batch, &mut waiting);
        let (begun, size) = (Instant::now(), batch.len());
        metrics::histogram!("korob_batch_size", "batcher" => name).record(batch.len() as f64);
        let (inputs, answers): (Vec<I>, Vec<_>) = batch.drain(..).map(|one| (one.input, one.answer)).unzip();
        // A task of its own: a panic loses one batch, not the worker.
        let run = run.clone();
        let results =
            tokio::spawn(async move { run(prepared, inputs).await }).await.unwrap_or_else(|_panic| {
                tracing::error!(batcher = name, "a batch panicked");
                Vec::new()
            });
        recent.note(size, begun.elapsed(), in_vain);
        failpoint::hit!("store.batch.answer", name);
        for (answer, result) in answers.into_iter().zip(results) {
            // The requester may have gone; what was done stays done.
            let _ = answer.send(result);
        }
    }
}
