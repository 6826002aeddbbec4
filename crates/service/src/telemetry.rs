//! Logs, traces and metrics of a process.

use std::io::IsTerminal;

pub use metrics_exporter_prometheus::PrometheusHandle;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::Level;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

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
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
}

/// Seconds, from a fifth of a millisecond to ten seconds.
const BUCKETS: &[f64] =
    &[0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];
const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// Sets up logs, spans and metrics for the process `name`. Call once, inside the runtime.
pub fn start(name: &str, settings: &Settings) -> anyhow::Result<Telemetry> {
    let filter = EnvFilter::try_new(&settings.log_filter)?;
    let logs = match settings.log_format {
        LogFormat::Human => {
            // Colours are for eyes: in a file they are noise.
            let layer = tracing_subscriber::fmt::layer().with_ansi(std::io::stderr().is_terminal());
            layer.with_writer(std::io::stderr).with_target(true).boxed()
        }
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_writer(std::io::stderr)
            .boxed(),
    };
    let spans = (!settings.otlp_endpoint.is_empty()).then(|| exporter(name, settings)).transpose()?;
    let tracer = spans.as_ref().map(|provider| {
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("korob"));
        layer.with_filter(LevelFilter::DEBUG).with_filter(tracing_subscriber::filter::filter_fn(is_told))
    });
    tracing_subscriber::registry().with(tracer).with(logs.with_filter(filter)).init();

    let metrics = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), SIZES)?
        .install_recorder()?;
    Ok(Telemetry { spans, metrics })
}

fn exporter(name: &str, settings: &Settings) -> anyhow::Result<SdkTracerProvider> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_endpoint(&settings.otlp_endpoint)
        .build()?;
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample_ratio)));
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(Resource::builder().with_service_name(name.to_owned()).build())
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
        if let Some(provider) = self.spans.take()
            && let Err(error) = provider.shutdown()
        {
            eprintln!("the last spans were not exported: {error}");
        }
    }
}
