//! NATS JetStream as a carrier: what is told is published there by position, and brought from there to subscribers.
//!
//! Nothing is kept by the broker alone. The log of the producer has every event; the position in the subscriber's own database
//! decides what is new. A broker that is away, empty or forgetful costs calls to the log, and no event.

mod deliveries;
mod envelope;
mod publication;
mod publisher;
mod seal;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{self};
use async_nats::{Client, ConnectOptions};
use tokio::sync::watch;

use crate::settings::{CarrierKind, NatsSettings, Settings};

pub(crate) use self::deliveries::{Delivered, Deliveries, Delivery};
pub use self::publisher::publish;
use self::seal::Seal;

/// A broker that is silent for two or three of these is given up, and connected to anew.
const PING_PERIOD: Duration = Duration::from_secs(2);
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(2);
/// JetStream's own default: what is published again within this is known to it.
const DUPLICATES_WINDOW: Duration = Duration::from_secs(120);

/// A connection to the broker, which comes back by itself.
#[derive(Clone)]
pub struct Carrier {
    jetstream: jetstream::Context,
    settings: Arc<NatsSettings>,
    seal: Seal,
    /// How many times there was a connection; 0 while there is none yet.
    connections: watch::Receiver<u64>,
}

impl Carrier {
    /// The carrier that the settings name for `service`; `None` for the log itself. Does not wait for the broker. `secret` is
    /// what the installation's processes share: it seals events, so that nobody else's are applied.
    pub async fn open(settings: &Settings, service: &str, secret: &[u8]) -> anyhow::Result<Option<Self>> {
        settings.check()?;
        if settings.carrier == CarrierKind::Postgres {
            return Ok(None);
        }
        let nats = settings.nats.clone();
        let (counted, connections) = watch::channel(0);
        let client = connect(&nats, service, counted).await?;
        let jetstream =
            ContextBuilder::new().timeout(ANSWER_PATIENCE).ack_timeout(ANSWER_PATIENCE).build(client);
        Ok(Some(Self { jetstream, settings: Arc::new(nats), seal: Seal::new(secret), connections }))
    }

    /// Waits until there is a connection; answers a watch that tells when there is another one.
    async fn connected(&self) -> watch::Receiver<u64> {
        let mut connections = self.connections.clone();
        // Ends only with the client, which this holds.
        let _ = connections.wait_for(|times| *times > 0).await;
        connections.mark_unchanged();
        connections
    }

    /// The stream, made when it is absent.
    async fn stream(&self) -> anyhow::Result<Stream> {
        let nats = &self.settings;
        let config = Config {
            name: nats.stream.clone(),
            description: Some("What Korob's services tell; their own logs are the truth.".to_owned()),
            subjects: vec![format!("{}.*.*", nats.subject_prefix)],
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::Old,
            storage: StorageType::File,
            num_replicas: nats.replicas,
            max_age: self.max_age(),
            duplicate_window: DUPLICATES_WINDOW.min(self.max_age()),
            allow_direct: true,
            ..Config::default()
        };
        self.jetstream
            .get_or_create_stream(config)
            .await
            .with_context(|| format!("the stream {}", nats.stream))
    }

    /// Everything that a service tells.
    fn subjects_of(&self, service: &str) -> String {
        format!("{}.{service}.*", self.settings.subject_prefix)
    }

    fn max_age(&self) -> Duration {
        Duration::from_secs(self.settings.max_age_hours * 3600)
    }
}

async fn connect(nats: &NatsSettings, service: &str, counted: watch::Sender<u64>) -> anyhow::Result<Client> {
    let told = metrics::gauge!("korob_carrier_connected", "at" => service.to_owned());
    told.set(0.0);
    let (service, counted) = (service.to_owned(), Arc::new(counted));
    let mut options = ConnectOptions::new()
        .name(format!("korob {service}"))
        .retry_on_initial_connect()
        .connection_timeout(CONNECT_PATIENCE)
        .request_timeout(Some(ANSWER_PATIENCE))
        .ping_interval(PING_PERIOD)
        .require_tls(nats.require_tls)
        .reconnect_delay_callback(|attempt| {
            let doubled = Duration::from_millis(50) * 2_u32.pow(attempt.min(10) as u32);
            doubled.min(RECONNECT_PAUSE_MAX)
        })
        .event_callback(move |event| {
            let (told, counted, service) = (told.clone(), counted.clone(), service.clone());
            async move {
                match event {
                    async_nats::Event::Connected => {
                        told.set(1.0);
                        counted.send_modify(|times| *times += 1);
                        tracing::info!(service, "the carrier of events is connected");
                    }
                    async_nats::Event::Disconnected | async_nats::Event::Closed => {
                        told.set(0.0);
                        tracing::warn!(service, "the carrier of events is away; the logs are read instead");
                    }
                    other => tracing::debug!(service, event = %other, "the carrier of events"),
                }
            }
        });
    if !nats.user.is_empty() {
        options = options.user_and_password(nats.user.clone(), nats.password.clone());
    }
    if !nats.token.is_empty() {
        options = options.token(nats.token.clone());
    }
    if let Some(file) = &nats.ca_file {
        readable("ca_file", file).await?;
        options = options.add_root_certificates(file.clone());
    }
    if let (Some(certificate), Some(key)) = (&nats.certificate_file, &nats.key_file) {
        readable("certificate_file", certificate).await?;
        readable("key_file", key).await?;
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    options.connect(nats.urls.as_slice()).await.context("events.nats")
}

/// Found out at the start: a connection that is tried again and again would only say so in the log.
async fn readable(key: &str, file: &std::path::Path) -> anyhow::Result<()> {
    let read = tokio::fs::read(file).await;
    read.map(drop).with_context(|| format!("events.nats.{key}: cannot read {}", file.display()))
}
