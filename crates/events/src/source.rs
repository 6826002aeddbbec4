//! Where the next page of a subscription comes from: the producer's log, or a broker whose gaps the log fills.

use std::time::Duration;

use metrics::{Counter, Gauge};
use proto::events::v1::{Event, ReadEventsResponse};
use tokio::time::Instant;

use crate::carrier::{Carrier, Delivered, Deliveries, Delivery};
use crate::log::PAGE_BYTES_MAX;
use crate::reader::{PAGE_LENGTH, Place, Reader};
use crate::subscription::Subscription;

/// How long the log waits for something to be told.
const WAIT: Duration = Duration::from_secs(10);
/// A broker that has brought nothing new for so long may have nothing, or may have lost it: the log is asked.
const QUIET_MAX: Duration = Duration::from_secs(2);
/// Messages that are looked at for one page, most of them of other types.
const MESSAGES_MAX: usize = 1000;

/// Where pages come from.
pub(crate) enum Source {
    /// The producer's log.
    Log,
    /// What a broker brings.
    Carried(Box<Carried>),
}

/// What to do next.
pub(crate) enum Next {
    /// Apply this.
    Page(ReadEventsResponse),
    /// Look at the stored cursor first: another process may have moved it.
    Reload,
}

impl Source {
    /// The log, or what `carrier` brings of it.
    pub(crate) fn of(subscription: &Subscription, carrier: Option<Carrier>) -> Self {
        match carrier {
            None => Self::Log,
            Some(carrier) => Self::Carried(Box::new(Carried::begin(subscription, carrier))),
        }
    }

    /// What follows `place`. Whatever came before was applied, or is asked for again.
    pub(crate) async fn next(&mut self, place: &Place, log: &Reader) -> anyhow::Result<Next> {
        match self {
            Self::Log => log.read(place, WAIT).await.map(Next::Page),
            Self::Carried(carried) => carried.next(place, log).await,
        }
    }

    /// Another process has applied what this one was given.
    pub(crate) fn overtaken(&mut self) {
        if let Self::Carried(carried) = self {
            carried.turn_to(Attention::Broker);
        }
    }
}

/// What is listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attention {
    /// Everything that the broker brings follows on what is known.
    Broker,
    /// The log is asked once, at once, as something may be missing.
    Doubt(Cause),
    /// The log is listened to as without a broker, until the broker has caught up.
    Log,
}

/// Why something may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// Nothing is known yet.
    Start,
    /// The broker was quiet.
    Quiet,
    /// What it has brought does not follow on what is known.
    Gap,
}

/// What a broker brings, beside the log.
pub(crate) struct Carried {
    deliveries: Deliveries,
    attention: Attention,
    /// Was brought, and is not used yet.
    held: Option<Delivered>,
    /// The last one that was used or dropped and not acknowledged yet.
    done: Option<Delivered>,
    /// A log that is surely not the producer's of today.
    stale: Option<String>,
    fetches: Counter,
    listens_to_log: Gauge,
}

impl Carried {
    fn begin(subscription: &Subscription, carrier: Carrier) -> Self {
        let consumer = subscription.consumer;
        let fetches = metrics::counter!("korob_events_gap_fetches_total", "consumer" => consumer);
        fetches.increment(0);
        metrics::counter!("korob_events_not_genuine_total", "consumer" => consumer).increment(0);
        let mut carried = Self {
            deliveries: Deliveries::begin(carrier, consumer, subscription.producer),
            attention: Attention::Doubt(Cause::Start),
            held: None,
            done: None,
            stale: None,
            fetches,
            listens_to_log: metrics::gauge!("korob_events_from_log", "consumer" => consumer),
        };
        carried.turn_to(Attention::Doubt(Cause::Start));
        carried
    }

    fn turn_to(&mut self, attention: Attention) {
        self.attention = attention;
        self.listens_to_log.set(if attention == Attention::Broker { 0.0 } else { 1.0 });
    }

    async fn next(&mut self, place: &Place, log: &Reader) -> anyhow::Result<Next> {
        // What was given before is applied by now. If that failed, the log has it.
        if let Some(done) = self.done.take() {
            done.acknowledge().await;
        }
        match self.attention {
            Attention::Broker => Ok(self.brought(place, log).await),
            Attention::Doubt(cause) => self.asked(cause, place, log).await.map(Next::Page),
            Attention::Log => self.listened(place, log).await.map(Next::Page),
        }
    }

    /// What the broker brings and follows without a gap.
    async fn brought(&mut self, place: &Place, log: &Reader) -> Next {
        let quiet = Instant::now() + QUIET_MAX;
        loop {
            let delivered = match self.held.take() {
                Some(held) => held,
                None => match tokio::time::timeout_at(quiet, self.deliveries.next()).await {
                    Ok(Delivery::Message(delivered)) => *delivered,
                    Ok(Delivery::Interrupted) => {
                        self.turn_to(Attention::Log);
                        return Next::Reload;
                    }
                    Err(_elapsed) => {
                        self.attention = Attention::Doubt(Cause::Quiet);
                        return Next::Reload;
                    }
                },
            };
            match self.fit(&delivered, place) {
                Fit::Known => self.done = Some(delivered),
                Fit::Follows => return Next::Page(self.page(delivered, place, &log.subscription.types)),
                Fit::Unclear => {
                    self.held = Some(delivered);
                    self.attention = Attention::Doubt(Cause::Gap);
                    return Next::Reload;
                }
            }
        }
    }

    /// A page of `first` and what else has come already and follows it.
    fn page(&mut self, first: Delivered, place: &Place, types: &[String]) -> ReadEventsResponse {
        let mut page = nothing_after(place);
        let (mut next, mut messages, mut bytes) = (Some(first), 0, 0);
        while let Some(mut delivered) = next {
            messages += 1;
            if let Some((event, _)) = delivered.event.take() {
                page.read_position = event.position;
                bytes += event.body.len();
                if types.is_empty() || types.contains(&event.r#type) {
                    page.events.push(event);
                }
            }
            self.done = Some(delivered);
            if page.events.len() >= PAGE_LENGTH as usize
                || messages >= MESSAGES_MAX
                || bytes >= PAGE_BYTES_MAX
            {
                break;
            }
            next = self.following(page.read_position, &place.epoch);
        }
        page
    }

    /// The event after `position`, if it is there already.
    fn following(&mut self, position: i64, epoch: &str) -> Option<Delivered> {
        match self.deliveries.try_next()? {
            Delivery::Message(delivered) => {
                let event = delivered.event.as_ref();
                if event.is_some_and(|(event, its)| event.position == position + 1 && its == epoch) {
                    return Some(*delivered);
                }
                self.held = Some(*delivered);
            }
            Delivery::Interrupted => self.turn_to(Attention::Log),
        }
        None
    }

    /// What the log says at once.
    async fn asked(
        &mut self,
        cause: Cause,
        place: &Place,
        log: &Reader,
    ) -> anyhow::Result<ReadEventsResponse> {
        // Another process may have filled the gap.
        let filled = self.held.as_ref().is_some_and(|held| self.fit(held, place) != Fit::Unclear);
        if cause == Cause::Gap && filled {
            self.turn_to(Attention::Broker);
            return Ok(nothing_after(place));
        }
        let read = log.read(place, Duration::ZERO).await;
        if read.is_err() && cause != Cause::Start {
            // What the broker brings and follows without a gap is right whether or not the log can be asked.
            self.turn_to(Attention::Broker);
        }
        let page = read?;
        match cause {
            Cause::Start => self.turn_to(Attention::Log),
            // It should have been brought by now.
            Cause::Quiet if !page.events.is_empty() => {
                self.fetches.increment(1);
                self.turn_to(Attention::Log);
            }
            Cause::Quiet => self.turn_to(Attention::Broker),
            Cause::Gap => {
                self.fetches.increment(1);
                self.drop_what_is_not_in(&page);
                self.turn_to(Attention::Broker);
            }
        }
        Ok(page)
    }

    /// What the log has, after waiting for it; or nothing, as the broker has caught up.
    async fn listened(&mut self, place: &Place, log: &Reader) -> anyhow::Result<ReadEventsResponse> {
        tokio::select! {
            biased;
            () = self.caught_up(place) => {
                self.turn_to(Attention::Broker);
                Ok(nothing_after(place))
            }
            page = log.read(place, WAIT) => page,
        }
    }

    /// Until the broker brings the last event that is known, or a later one. May be dropped half-way.
    async fn caught_up(&mut self, place: &Place) {
        loop {
            if self.held.is_none() {
                match self.deliveries.next().await {
                    Delivery::Message(delivered) => self.held = Some(*delivered),
                    // What it brings next may have a gap, which will be seen.
                    Delivery::Interrupted => continue,
                }
            }
            let Some(held) = &self.held else { continue };
            match &held.event {
                Some((event, epoch)) if *epoch == place.epoch && event.position >= place.looked_at => return,
                _ => self.done = self.held.take(),
            }
        }
    }

    fn fit(&self, delivered: &Delivered, place: &Place) -> Fit {
        let Some((event, epoch)) = &delivered.event else { return Fit::Known };
        if self.stale.as_ref() == Some(epoch) {
            return Fit::Known;
        }
        match *epoch == place.epoch {
            false => Fit::Unclear,
            true if event.position <= place.looked_at => Fit::Known,
            true if event.position == place.looked_at + 1 => Fit::Follows,
            true => Fit::Unclear,
        }
    }

    /// The log is of today and has nothing more: what it does not have was told by another one, before it was restored.
    fn drop_what_is_not_in(&mut self, page: &ReadEventsResponse) {
        let Some((Event { position, .. }, epoch)) = self.held.as_ref().and_then(|held| held.event.as_ref())
        else {
            return;
        };
        if *epoch != page.epoch {
            self.stale = Some(epoch.clone());
        } else if !page.events.is_empty() || page.read_position >= *position {
            return;
        }
        self.done = self.held.take();
    }
}

/// How a delivery stands to what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// It was applied, or was never told.
    Known,
    /// It is the next one.
    Follows,
    /// Something is missing before it, or it is of another log.
    Unclear,
}

/// A page that changes nothing.
fn nothing_after(place: &Place) -> ReadEventsResponse {
    ReadEventsResponse {
        events: Vec::new(),
        read_position: place.looked_at,
        epoch: place.epoch.clone(),
        // Nobody reads from there.
        trimmed_position: 0,
    }
}
