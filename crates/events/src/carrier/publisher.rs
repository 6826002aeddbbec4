//! Publishes a service's log to the broker: by position, many on their way at once, remembered when they are acknowledged.
//!
//! One process of a service should publish. When two do, the broker keeps each event once, and subscribers drop what they know.

use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use futures_util::{FutureExt, StreamExt};
use metrics::{Counter, Gauge};
use proto::events::v1::{Event, ReadEventsResponse};
use rpc::trace::TraceContext;
use store::Store;
use tokio::time::MissedTickBehavior;
use tracing::{Instrument, Span};

use super::publication::{last_older_than, remember, remembered};
use super::{Carrier, envelope};
use crate::failures::{Failures, PAUSE_AFTER_ERROR};
use crate::log;

/// Events that are on their way at once; a page more when the last page was large.
const IN_FLIGHT_MAX: usize = 512;
const PAGE_LENGTH: usize = 256;
/// What was published and not remembered is published again after a crash.
const REMEMBER_PERIOD: Duration = Duration::from_secs(1);

/// Publishes what `store` tells, until dropped.
pub async fn publish(store: Store, carrier: Carrier) {
    let database = store.service().to_owned();
    let publisher = Publisher {
        position: metrics::gauge!("korob_events_published_position", "database" => database.clone()),
        published: metrics::counter!("korob_events_published_total", "database" => database.clone()),
        not_carried: metrics::counter!("korob_events_not_carried_total", "database" => database),
        store,
        carrier,
    };
    publisher.published.increment(0);
    publisher.not_carried.increment(0);
    publisher.publish_for_ever().await;
}

struct Publisher {
    store: Store,
    carrier: Carrier,
    position: Gauge,
    published: Counter,
    not_carried: Counter,
}

type Acknowledged = BoxFuture<'static, anyhow::Result<i64>>;

impl Publisher {
    async fn publish_for_ever(&self) {
        let mut failures = Failures::default();
        loop {
            match self.publish_while_possible().await {
                Ok(()) => failures.end(),
                Err(error) => {
                    failures.count();
                    let (service, error) = (self.store.service(), format!("{error:#}"));
                    if failures.are_lasting() {
                        tracing::warn!(service, error, "events are not published; subscribers read the log");
                    } else {
                        tracing::debug!(service, error, "events are not published");
                    }
                    tokio::time::sleep(PAUSE_AFTER_ERROR).await;
                }
            }
        }
    }

    /// Until the broker was connected to anew, or something failed.
    async fn publish_while_possible(&self) -> anyhow::Result<()> {
        let mut connected = self.carrier.connected().await;
        let stream = self.carrier.stream().await?;
        let mut acknowledged = self.first_position(&stream).await?;
        tracing::info!(service = self.store.service(), after = acknowledged, "events are published");
        let mut on_their_way: FuturesOrdered<Acknowledged> = FuturesOrdered::new();
        // Kept over the rounds of the loop: a question to the database must not be dropped half-way.
        let mut page = read_after(self.store.clone(), acknowledged).boxed();
        let mut remembering = tokio::time::interval(REMEMBER_PERIOD);
        remembering.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut remembered = None;
        loop {
            tokio::select! {
                Some(position) = on_their_way.next() => {
                    acknowledged = position?;
                    self.published.increment(1);
                    self.position.set(acknowledged as f64);
                }
                read = &mut page, if on_their_way.len() < IN_FLIGHT_MAX => {
                    let read = read?;
                    for event in read.events {
                        on_their_way.push_back(self.send(&read.epoch, event));
                    }
                    page = read_after(self.store.clone(), read.read_position).boxed();
                }
                _ = remembering.tick(), if remembered != Some(acknowledged) => {
                    remember(&self.store, &self.carrier.settings.stream, acknowledged).await?;
                    remembered = Some(acknowledged);
                }
                _ = connected.changed() => return Ok(()),
            }
        }
    }

    /// What the broker has and what is remembered may both be less than what was published: the broker may have lost it, and
    /// this process may have died before it remembered. So the lesser counts; a broker that has nothing gets what it would
    /// still keep.
    async fn first_position(&self, stream: &Stream) -> anyhow::Result<i64> {
        let remembered = remembered(&self.store, &self.carrier.settings.stream).await?;
        let log = log::read(&self.store, 0, &[], 1).await?;
        let end = crate::last_position(&self.store).await?;
        let first = last_older_than(&self.store, self.carrier.max_age()).await?;
        let subjects = self.carrier.subjects_of(self.store.service());
        let last = match stream.get_last_raw_message_by_subject(&subjects).await {
            Ok(message) => envelope::place(&message.headers),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => return Ok(first),
            Err(error) => return Err(error).context("the last event that the broker has"),
        };
        let Some((position, epoch)) = last else { return Ok(remembered.min(end)) };
        if epoch != log.epoch {
            // The log was restored, and what is remembered with it. Since then it has another name, and goes on.
            return Ok(remembered.min(end));
        }
        anyhow::ensure!(
            position <= end,
            "the log ends at {end} and the broker has an event {position} of it: it was restored to an earlier moment"
        );
        Ok(remembered.min(position).max(first))
    }

    /// Sends an event. What cannot be carried is left out: subscribers find it in the log.
    fn send(&self, epoch: &str, event: Event) -> Acknowledged {
        let (position, service) = (event.position, self.store.service().to_owned());
        let subject = envelope::subject(&self.carrier.settings.subject_prefix, &service, &event);
        let Some(headers) = envelope::headers(&service, epoch, &event, &self.carrier.seal) else {
            self.leave_out(&event, "something in it cannot stand in a header");
            return Box::pin(async move { Ok(position) });
        };
        let (jetstream, not_carried) = (self.carrier.jetstream.clone(), self.not_carried.clone());
        let span = span(&subject, &event);
        let message = PublishMessage::build().payload(event.body).headers(headers);
        // A task of its own would lose the order of sending; here the first poll of each sends, in order.
        let sent = async move {
            let acknowledged = match jetstream.send_publish(subject, message).await {
                Ok(sent) => sent.await.map(drop),
                Err(error) => Err(error),
            };
            match acknowledged {
                Ok(()) => Ok(position),
                Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {
                    tracing::warn!(
                        service,
                        position,
                        "an event is larger than the broker takes; it is read from the log"
                    );
                    not_carried.increment(1);
                    Ok(position)
                }
                Err(error) => Err(anyhow::Error::new(error).context(format!("event {position}"))),
            }
        };
        Box::pin(sent.instrument(span))
    }

    fn leave_out(&self, event: &Event, reason: &str) {
        let (service, position) = (self.store.service(), event.position);
        tracing::warn!(service, position, reason, "an event is not carried; it is read from the log");
        self.not_carried.increment(1);
    }
}

/// The next page after `position`, whenever there is one.
async fn read_after(store: Store, position: i64) -> anyhow::Result<ReadEventsResponse> {
    let mut appended = store.appended();
    loop {
        appended.borrow_and_update();
        let page = log::read(&store, position, &[], PAGE_LENGTH).await?;
        anyhow::ensure!(
            page.read_position >= position,
            "the log ends at {} and was published up to {position}: it was restored to an earlier moment",
            page.read_position
        );
        if !page.events.is_empty() {
            return Ok(page);
        }
        // Ends early only when the store is gone, which outlives this.
        let _ = tokio::time::timeout(log::POLL_PERIOD, appended.changed()).await;
    }
}

/// A span in the trace of whoever told the event.
fn span(subject: &str, event: &Event) -> Span {
    let Some(trace) = event.traceparent.parse::<TraceContext>().ok().filter(|trace| trace.is_sampled())
    else {
        return Span::none();
    };
    let span = tracing::debug_span!(
        parent: None, "publish", otel.name = format!("publish {subject}"), otel.kind = "producer", messaging.system = "nats",
        messaging.operation.name = "publish", messaging.destination.name = subject, messaging.message.id = event.event_id,
    );
    trace.adopt(&span);
    span
}
