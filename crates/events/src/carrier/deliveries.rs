//! What the broker brings to one subscription: a durable consumer, kept alive in the background.

use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy};
use async_nats::jetstream::message::Acker;
use futures_util::StreamExt;
use proto::events::v1::Event;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::{Carrier, envelope};
use crate::failures::PAUSE_AFTER_ERROR;

/// Messages that wait to be looked at.
const WAITING_MAX: usize = 256;
/// Messages that the broker is asked for at once.
const ASKED_FOR: usize = 200;
const ASK_PERIOD: Duration = Duration::from_secs(10);
const HEARTBEAT: Duration = Duration::from_secs(2);
/// What is not acknowledged for so long is brought again.
const ACKNOWLEDGE_PATIENCE: Duration = Duration::from_secs(60);
const ACK_SEND_PATIENCE: Duration = Duration::from_millis(100);

/// What happens at the broker.
pub(crate) enum Delivery {
    /// It has brought something.
    Message(Box<Delivered>),
    /// It is away, or has forgotten the consumer: what was told meanwhile may never be brought.
    Interrupted,
}

/// One message.
pub(crate) struct Delivered {
    /// The event and the epoch of its log; `None` for what nobody of this installation has told.
    pub(crate) event: Option<(Event, String)>,
    acker: Acker,
}

impl Delivered {
    /// Tells the broker that this one and all before it need not be brought again. It may not hear of it.
    pub(crate) async fn acknowledge(&self) {
        let _ = tokio::time::timeout(ACK_SEND_PATIENCE, self.acker.ack()).await;
    }
}

/// The deliveries of one subscription, until dropped.
pub(crate) struct Deliveries {
    receiver: mpsc::Receiver<Delivery>,
    task: AbortHandle,
}

impl Deliveries {
    /// Begins to be brought everything that `producer` tells, whatever its type: so a missing position is a missing event.
    pub(crate) fn begin(carrier: Carrier, consumer: &'static str, producer: &'static str) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let task = tokio::spawn(Delivering { carrier, consumer, producer, sender }.run()).abort_handle();
        Self { receiver, task }
    }

    /// The next one; may be dropped half-way.
    pub(crate) async fn next(&mut self) -> Delivery {
        match self.receiver.recv().await {
            Some(delivery) => delivery,
            // The task has panicked: the log goes on alone.
            None => std::future::pending().await,
        }
    }

    /// The next one if it is there already.
    pub(crate) fn try_next(&mut self) -> Option<Delivery> {
        self.receiver.try_recv().ok()
    }
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Delivering {
    carrier: Carrier,
    consumer: &'static str,
    producer: &'static str,
    sender: mpsc::Sender<Delivery>,
}

impl Delivering {
    async fn run(self) {
        loop {
            if let Err(error) = self.deliver().await {
                let error = format!("{error:#}");
                tracing::debug!(consumer = self.consumer, error, "the broker brings nothing");
            }
            if self.sender.send(Delivery::Interrupted).await.is_err() {
                return;
            }
            tokio::time::sleep(PAUSE_AFTER_ERROR).await;
        }
    }

    /// Until the connection was lost and found, or something failed.
    async fn deliver(&self) -> anyhow::Result<()> {
        let mut connected = self.carrier.connected().await;
        let consumer = self.durable().await?;
        let messages = consumer
            .stream()
            .max_messages_per_batch(ASKED_FOR)
            .expires(ASK_PERIOD)
            .heartbeat(HEARTBEAT)
            .messages();
        let mut messages = messages.await.context("ask for messages")?;
        loop {
            let message = tokio::select! {
                message = messages.next() => message.context("the broker has ended it")??,
                _ = connected.changed() => return Ok(()),
            };
            let (message, acker) = message.split();
            let event = envelope::open(&message, self.producer, &self.carrier.seal);
            if event.is_none() {
                tracing::warn!(
                    consumer = self.consumer,
                    subject = message.subject.as_str(),
                    "a message that no process of this installation has sent is ignored"
                );
                metrics::counter!("korob_events_not_genuine_total", "consumer" => self.consumer).increment(1);
            }
            self.sender.send(Delivery::Message(Box::new(Delivered { event, acker }))).await?;
        }
    }

    /// The consumer at the broker, made when it is absent: from now on, as the log has what was before.
    async fn durable(&self) -> anyhow::Result<Consumer<Config>> {
        let stream = self.carrier.stream().await?;
        let name = durable_name(&self.carrier.settings.subject_prefix, self.consumer);
        let filter_subject = self.carrier.subjects_of(self.producer);
        let config = Config {
            durable_name: Some(name.clone()),
            description: Some("The position that counts is in the subscriber's database.".to_owned()),
            deliver_policy: DeliverPolicy::New,
            ack_policy: AckPolicy::All,
            ack_wait: ACKNOWLEDGE_PATIENCE,
            filter_subject: filter_subject.clone(),
            ..Config::default()
        };
        let consumer = stream.get_or_create_consumer(&name, config.clone()).await;
        let consumer = consumer.with_context(|| format!("the consumer {name}"))?;
        if consumer.cached_info().config.filter_subject == filter_subject {
            return Ok(consumer);
        }
        // Of another release or of other settings.
        stream.delete_consumer(&name).await.with_context(|| format!("delete the consumer {name}"))?;
        stream.create_consumer(config).await.with_context(|| format!("the consumer {name}"))
    }
}

/// Dots separate levels at the broker and cannot stand in a name.
fn durable_name(prefix: &str, consumer: &str) -> String {
    format!("{prefix}.{consumer}").replace('.', "-")
}
