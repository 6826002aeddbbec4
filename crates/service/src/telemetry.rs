//! Logs, traces and metrics of a process.

mod glossary;
mod instruments;
pub(crate) mod open_metrics;
mod plain_fields;
mod sampling;

use std::io::IsTerminal;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use rpc::exemplars;
use tokio::task::AbortHandle;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, ParseError};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, reload};
use types::Clock;

pub use self::glossary::{GLOSSARY, Kind, Term};
pub use self::instruments::{Instruments, Switches, SwitchesChange};
use self::plain_fields::PlainFields;
use self::sampling::{Ids, SwitchedRatio};
use crate::process;

/// What a process tells about itself.
#[derive(Debug, Clone, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `human` or `json`.
    pub log_format: LogFormat,
    /// What is logged, such as `info,korob_orders=debug`.
    pub log_filter: String,
    /// An OTLP gRPC endpoint such as `http://127.0.0.1:4317`; empty exports no spans.
    pub otlp_endpoint: String,
    /// The part of new traces that is recorded, 0 to 1.
    pub sample_ratio: f64,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For a terminal.
    Human,
    /// One JSON object a line.
    Json,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            log_format: LogFormat::Human,
            log_filter: "warn,korob=info,service=info,gateway=info,saga=info,events=info,store=info,rpc=info"
                .to_owned(),
            otlp_endpoint: String::new(),
            sample_ratio: 1.0,
        }
    }
}

/// Keeps telemetry running; flushes spans when dropped.
pub struct Telemetry {
    spans: Option<SdkTracerProvider>,
    tidying: AbortHandle,
    /// Shows the metrics and changes what is logged and traced.
    pub instruments: Instruments,
}

/// Every measured duration is kept singly until it is put into its bucket, and nobody may come to read them.
const TIDY_PERIOD: Duration = Duration::from_secs(5);
const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// Sets up logs, spans and metrics for the process `name`. Call once, inside the runtime.
pub fn start(name: &str, settings: &Settings) -> anyhow::Result<Telemetry> {
    anyhow::ensure!(
        (0.0..=1.0).contains(&settings.sample_ratio),
        "telemetry.sample_ratio: {} is not between 0 and 1",
        settings.sample_ratio
    );
    rpc::trace::set_sample_ratio(settings.sample_ratio);
    let (filter, switch) = reload::Layer::new(log_filter(&settings.log_filter)?);
    let logs = match settings.log_format {
        // Colours are for eyes: in a file they are noise.
        LogFormat::Human if std::io::stderr().is_terminal() => {
            tracing_subscriber::fmt::layer().with_writer(std::io::stderr).boxed()
        }
        LogFormat::Human => tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .fmt_fields(PlainFields)
            .with_writer(std::io::stderr)
            .boxed(),
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_writer(std::io::stderr)
            .boxed(),
    };
    let spans = (!settings.otlp_endpoint.is_empty()).then(|| exporter(name, settings)).transpose()?;
    rpc::trace::set_exported(spans.is_some());
    let tracer = spans.as_ref().map(|provider| {
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("korob"));
        layer.with_filter(LevelFilter::DEBUG).with_filter(tracing_subscriber::filter::filter_fn(is_told))
    });
    tracing_subscriber::registry().with(tracer).with(logs.with_filter(filter)).init();

    let metrics = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &exemplars::DURATION_BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), SIZES)?
        .install_recorder()?;
    glossary::describe();
    process::note_start(name, &Clock::system());
    let switch = Box::new(move |filter| switch.reload(filter));
    let instruments = Instruments::new(metrics, switch, settings.log_filter.clone());
    let tidied = instruments.clone();
    let tidying = tokio::spawn(async move {
        loop {
            tokio::time::sleep(TIDY_PERIOD).await;
            tidied.tidy();
        }
    });
    Ok(Telemetry { spans, tidying: tidying.abort_handle(), instruments })
}

/// What would write values of statements and headers, and so personal data and secrets; it must be named to do so.
const QUIET: &str = "tokio_postgres::query=warn,h2=warn";

/// What `text` says; silence means errors.
fn log_filter(text: &str) -> Result<EnvFilter, ParseError> {
    let text = if text.trim().is_empty() { "error" } else { text };
    EnvFilter::try_new(format!("{QUIET},{text}"))
}

fn exporter(name: &str, settings: &Settings) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(&settings.otlp_endpoint)
        .build()?;
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_service_name(name.to_owned()).with_attribute(version).build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampling::parent_or(SwitchedRatio))
        .with_id_generator(Ids::default())
        .with_resource(resource)
        .build())
}

/// Spans below info, such as the steps of a process, are for traces only: without an exporter they cost nothing.
fn is_told(metadata: &tracing::Metadata<'_>) -> bool {
    let least = if metadata.is_span() { Level::DEBUG } else { Level::INFO };
    *metadata.level() <= least && is_ours(metadata)
}

/// What lies outside is the libraries' own chatter.
fn is_ours(metadata: &tracing::Metadata<'_>) -> bool {
    const OURS: [&str; 8] = ["korob", "gateway", "service", "saga", "events", "store", "rpc", "transcode"];
    OURS.iter().any(|target| metadata.target().starts_with(target))
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.tidying.abort();
        if let Some(provider) = self.spans.take()
            && let Err(error) = provider.shutdown()
        {
            eprintln!("the last spans were not exported: {error}");
        }
    }
}
