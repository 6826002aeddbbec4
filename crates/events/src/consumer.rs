//! The loop of one subscription: take a page, apply it with its cursor, park what fails, try the parked again.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use proto::events::v1::Event;
use rpc::{Call, Caller, Channel};
use store::{Store, Tx};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use crate::carrier::Carrier;
use crate::cursor::Cursor;
use crate::failures::{Failures, PAUSE_AFTER_ERROR};
use crate::reader::{Place, Reader};
use crate::source::{Next, Source};
use crate::subscription::{Applied, Handler, Subscription};
use crate::{page, parked};

const WAIT: Duration = Duration::from_secs(10);
const PARKED_PERIOD: Duration = Duration::from_secs(1);
/// A cursor past this many events of other types is stored even though nothing was applied.
const IDLE_ADVANCE: i64 = 10_000;

/// Applies events until `stop`. `channel` leads to the producer.
pub async fn run(store: Store, channel: Channel, subscription: Subscription, stop: CancellationToken) {
    run_over(None, store, channel, subscription, stop).await;
}

/// The same with events that `carrier` brings, if there is one.
pub async fn run_over(
    carrier: Option<Carrier>,
    store: Store,
    channel: Channel,
    subscription: Subscription,
    stop: CancellationToken,
) {
    let source = Source::of(&subscription, carrier);
    let log = Reader { store: store.clone(), channel, subscription: subscription.clone() };
    let consumer = Consumer { store, log, subscription };
    let pages = consumer.apply_pages(source);
    let retries = consumer.retry_parked();
    tokio::select! {
        () = stop.cancelled() => {}
        () = pages => {}
        () = retries => {}
    }
}

struct Consumer {
    store: Store,
    log: Reader,
    subscription: Subscription,
}

/// What became of a page.
enum Page {
    Applied,
    /// Another process has moved the cursor.
    Overtaken,
}

impl Consumer {
    async fn apply_pages(&self, mut source: Source) {
        let (mut place, mut failures) = (None, Failures::default());
        let consumer = self.subscription.consumer;
        metrics::counter!("korob_events_applied_total", "consumer" => consumer).increment(0);
        metrics::counter!("korob_events_parked_total", "consumer" => consumer).increment(0);
        let stopped = metrics::gauge!("korob_events_stopped", "consumer" => consumer);
        stopped.set(0.0);
        loop {
            match self.apply_next_page(&mut place, &mut source).await {
                Ok(()) => {
                    failures.end();
                    stopped.set(0.0);
                }
                Err(error) => {
                    failures.count();
                    let error = format!("{error:#}");
                    if failures.are_lasting() {
                        stopped.set(1.0);
                        tracing::warn!(consumer, error, "events wait");
                    } else {
                        tracing::debug!(consumer, error, "events wait");
                    }
                    place = None;
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            }
        }
    }

    async fn apply_next_page(&self, known: &mut Option<Place>, source: &mut Source) -> anyhow::Result<()> {
        let mut place = match known.take() {
            Some(place) => place,
            None => Place::at(Cursor::load(&self.store, &self.subscription).await?),
        };
        let page = loop {
            match source.next(&place, &self.log).await? {
                Next::Page(page) => break page,
                Next::Reload => {
                    let stored = Cursor::load(&self.store, &self.subscription).await?;
                    if stored != place.cursor {
                        place = Place::at(stored);
                    }
                }
            }
        };
        failpoint::hit!("events.page.read", self.subscription.consumer, anyhow::anyhow!("a failpoint"));
        let skipped = i64::from(failpoint::planted!("events.cursor_skips"));
        let cursor = &place.cursor;
        let next = Cursor { epoch: page.epoch.clone(), position: page.read_position + skipped };
        if page.events.is_empty() && next.position - cursor.position < IDLE_ADVANCE {
            // Not stored: after a restart the same span is looked at again and found empty again.
            *known = Some(place.past(&page));
            return Ok(());
        }
        let reached = match self.apply(cursor, &next, &page.events).await {
            Ok(Page::Applied) => Some(next),
            Ok(Page::Overtaken) => None,
            Err(error) => {
                self.store.ping().await?;
                tracing::info!(
                    consumer = self.subscription.consumer,
                    error = format!("{error:#}"),
                    "a page is applied singly"
                );
                self.apply_singly(cursor.clone(), &next, &page.events).await?
            }
        };
        if reached.is_none() {
            source.overtaken();
        }
        *known = reached.map(Place::at);
        Ok(())
    }

    /// All events and the cursor in one transaction.
    async fn apply(&self, cursor: &Cursor, next: &Cursor, events: &[Event]) -> anyhow::Result<Page> {
        let call = Call::begin(Caller::service(self.store.service()), WAIT);
        let page = self
            .store
            .transaction(&call, async |tx: &mut Tx| {
                if self.subscription.is_read_model {
                    tx.comes_again();
                }
                // First, so that two processes cannot apply the same events: the second waits and finds it moved.
                let Some(blocked) = cursor.advance(tx, &self.subscription, next, events).await? else {
                    return Ok(Page::Overtaken);
                };
                failpoint::hit!(
                    "events.cursor.moved",
                    self.subscription.consumer,
                    Failure(anyhow::anyhow!("a failpoint"))
                );
                let (waiting, free): (Vec<&Event>, Vec<&Event>) =
                    events.iter().partition(|event| blocked.contains(&event.aggregate_id));
                for event in waiting {
                    parked::park(tx, &self.subscription, event, "").await?;
                }
                self.handle(tx, &free).await?;
                Ok::<_, Failure>(Page::Applied)
            })
            .await
            .map_err(|failure| failure.0)?;
        failpoint::hit!("events.page.applied", self.subscription.consumer, anyhow::anyhow!("a failpoint"));
        if let (Page::Applied, Some(last)) = (&page, events.last()) {
            self.observe(last, events.len());
        }
        Ok(page)
    }

    /// Each event in a transaction of its own; what fails is parked.
    async fn apply_singly(
        &self,
        mut cursor: Cursor,
        last: &Cursor,
        events: &[Event],
    ) -> anyhow::Result<Option<Cursor>> {
        for (at, event) in events.iter().enumerate() {
            let position = if at + 1 == events.len() { last.position } else { event.position };
            let next = Cursor { epoch: last.epoch.clone(), position };
            let page = match self.apply(&cursor, &next, std::slice::from_ref(event)).await {
                Ok(page) => page,
                Err(error) => {
                    self.store.ping().await?;
                    self.park(&cursor, &next, event, &error).await?
                }
            };
            if matches!(page, Page::Overtaken) {
                return Ok(None);
            }
            cursor = next;
        }
        Ok(Some(cursor))
    }

    async fn park(
        &self,
        cursor: &Cursor,
        next: &Cursor,
        event: &Event,
        error: &anyhow::Error,
    ) -> anyhow::Result<Page> {
        tracing::error!(
            consumer = self.subscription.consumer,
            event_id = event.event_id,
            error = format!("{error:#}"),
            "an event could not be applied and is parked"
        );
        metrics::counter!("korob_events_parked_total", "consumer" => self.subscription.consumer).increment(1);
        let call = Call::begin(Caller::service(self.store.service()), WAIT);
        let reason = format!("{error:#}");
        let page = self.store.transaction(&call, async |tx: &mut Tx| {
            if cursor.advance(tx, &self.subscription, next, &[]).await?.is_none() {
                return Ok::<_, Failure>(Page::Overtaken);
            }
            parked::park(tx, &self.subscription, event, &reason).await?;
            Ok(Page::Applied)
        });
        page.await.map_err(|failure| failure.0)
    }

    async fn retry_parked(&self) {
        loop {
            tokio::time::sleep(PARKED_PERIOD).await;
            if let Err(error) = self.retry_all_due().await {
                tracing::warn!(
                    consumer = self.subscription.consumer,
                    error = format!("{error:#}"),
                    "parked events wait"
                );
            }
        }
    }

    /// The first of each aggregate, and what it held up as long as that can be applied, too.
    async fn retry_all_due(&self) -> anyhow::Result<()> {
        while self.retry_due().await? > 0 {}
        Ok(())
    }

    /// Answers how many could be applied.
    async fn retry_due(&self) -> anyhow::Result<usize> {
        let mut applied = 0;
        for (event, tries) in parked::due(&self.store, &self.subscription).await? {
            let call = Call::begin(Caller::service(self.store.service()), WAIT);
            let outcome = self.store.transaction(&call, async |tx: &mut Tx| {
                let taken = parked::take(tx, &self.subscription, &event).await?;
                if taken {
                    self.handle(tx, &[&event]).await?;
                }
                Ok::<_, Failure>(taken)
            });
            match outcome.await {
                Ok(taken) => applied += usize::from(taken),
                Err(Failure(error)) => {
                    self.store.ping().await?;
                    let reason = format!("{error:#}");
                    let noted = self.store.transaction(&call, async |tx: &mut Tx| {
                        parked::note_failure(tx, &self.subscription, &event, tries + 1, &reason).await?;
                        Ok::<_, Failure>(())
                    });
                    noted.await.map_err(|failure| failure.0)?;
                }
            }
        }
        Ok(applied)
    }

    async fn handle(&self, tx: &mut Tx, events: &[&Event]) -> Result<(), Failure> {
        if let Some(preparation) = &self.subscription.preparation
            && !events.is_empty()
        {
            shielded(preparation(tx, events)).await?;
        }
        match &self.subscription.handler {
            Handler::Each(handler) => {
                for event in events {
                    let (call, span) = self.begin(event);
                    tx.serve(call);
                    shielded(handler(tx, event).instrument(span)).await?;
                }
                Ok(())
            }
            Handler::Together(_) if events.is_empty() => Ok(()),
            Handler::Together(handler) => {
                // One in the trace of each; they last until all is done.
                let _spans: Vec<Span> = events.iter().map(|event| self.begin(event).1).collect();
                shielded(handler(tx, events)).await
            }
        }
    }

    /// The call that an event's effects belong to, and its span in the trace of its cause.
    fn begin(&self, event: &Event) -> (Call, Span) {
        let mut call = Call::begin(Caller::service_for(self.store.service(), &event.actor), WAIT);
        call.causation = Some(event.event_id.clone());
        if let Ok(trace) = event.traceparent.parse() {
            call.trace = trace;
        }
        let span = tracing::info_span!(
            "event", otel.name = self.subscription.consumer, otel.kind = "consumer", event_type = event.r#type,
            trace_id = %call.trace.trace_id(),
        );
        call.trace.adopt(&span);
        (call, span)
    }

    fn observe(&self, last: &Event, count: usize) {
        let consumer = self.subscription.consumer;
        metrics::counter!("korob_events_applied_total", "consumer" => consumer).increment(count as u64);
        metrics::gauge!("korob_events_position", "consumer" => consumer).set(last.position as f64);
        let lag = page::age(&self.store, last);
        metrics::histogram!("korob_events_lag_seconds", "consumer" => consumer).record(lag.as_secs_f64());
    }
}

/// A panic is a failure like others: the transaction is rolled back, the event is parked, the subscription goes on.
async fn shielded(applied: impl Future<Output = Applied>) -> Result<(), Failure> {
    match AssertUnwindSafe(applied).catch_unwind().await {
        Ok(applied) => applied.map_err(Failure),
        Err(_panic) => Err(Failure(anyhow::anyhow!("the handler panicked"))),
    }
}

/// An error on its way out of a transaction.
struct Failure(anyhow::Error);

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self(error.into())
    }
}
