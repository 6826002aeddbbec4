//! W3C trace context: every call has a trace id, whether or not spans are exported.

use std::cell::Cell;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The part of new traces that is recorded, as the bits of an `f64`.
static SAMPLE_RATIO: AtomicU64 = AtomicU64::new(1.0_f64.to_bits());

/// Whether anybody looks at spans besides the logs.
static EXPORTED: AtomicBool = AtomicBool::new(true);

thread_local! {
    /// The trace that the span which is being built on this thread begins.
    static BEGINNING: Cell<Option<u128>> = const { Cell::new(None) };
}

/// The part of new traces that this process records, 0 to 1.
pub fn sample_ratio() -> f64 {
    f64::from_bits(SAMPLE_RATIO.load(Ordering::Relaxed))
}

/// Records this part of the traces that this process begins from now on.
pub fn set_sample_ratio(ratio: f64) {
    SAMPLE_RATIO.store(ratio.clamp(0.0, 1.0).to_bits(), Ordering::Relaxed);
}

/// Whether this process hands its spans to an exporter. When it does not, nobody reads what only an exporter is told.
pub fn is_exported() -> bool {
    EXPORTED.load(Ordering::Relaxed)
}

/// Says whether this process hands its spans to an exporter; silence means that it may.
pub fn set_exported(exported: bool) {
    EXPORTED.store(exported, Ordering::Relaxed);
}

/// The trace that the span which an exporter is building begins, if it was begun as a [`TraceContext::root`]. Generators of
/// ids ask here first, so that a trace has the same id in its spans, in logs and in the history.
pub fn beginning() -> Option<TraceId> {
    BEGINNING.get().map(TraceId::from)
}

/// The `traceparent` of a call.
#[derive(Debug, Clone, Copy)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    sampled: bool,
    /// No span has its ids yet.
    is_new: bool,
}

impl TraceContext {
    /// A new trace.
    pub fn root() -> Self {
        let (trace_id, span_id) = (rand::random::<u128>() | 1, rand::random::<u64>() | 1);
        Self { trace_id, span_id, sampled: is_sampled(trace_id), is_new: true }
    }

    /// The context that the current span would hand on; `self` when spans are not exported.
    pub fn or_current_span(self) -> Self {
        if !is_exported() {
            return self;
        }
        let context = tracing::Span::current().context();
        let span = context.span();
        let current = span.span_context();
        if !current.is_valid() {
            return self;
        }
        Self {
            trace_id: u128::from_be_bytes(current.trace_id().to_bytes()),
            span_id: u64::from_be_bytes(current.span_id().to_bytes()),
            sampled: current.is_sampled(),
            is_new: false,
        }
    }

    /// Makes `span` a child of this context, or the first of its trace, when spans are exported.
    pub fn adopt(self, span: &tracing::Span) {
        if !is_exported() {
            return;
        }
        if self.is_new {
            BEGINNING.set(Some(self.trace_id));
            // Looking at it builds it.
            let _ = span.context();
            BEGINNING.set(None);
            return;
        }
        let flags = if self.sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
        let (trace, parent) = (TraceId::from(self.trace_id), SpanId::from(self.span_id));
        let parent = SpanContext::new(trace, parent, flags, true, TraceState::default());
        // Refused only when no exporter is set up, and then there is nothing to adopt.
        let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(parent));
    }

    /// The trace id in hexadecimal, as logs and history show it.
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// Whether no span has its ids yet, so that nothing may be told to be their child.
    pub fn is_new(self) -> bool {
        self.is_new
    }

    /// Whether its spans are recorded, where spans are exported.
    pub fn is_sampled(self) -> bool {
        self.sampled
    }
}

/// Decided by the id alone, as OpenTelemetry's ratio sampler does: all processes come to the same answer.
fn is_sampled(trace_id: u128) -> bool {
    let ratio = sample_ratio();
    ratio >= 1.0 || (trace_id as u64 >> 1) < (ratio * (1_u64 << 63) as f64) as u64
}

/// Equal on the wire.
impl PartialEq for TraceContext {
    fn eq(&self, other: &Self) -> bool {
        (self.trace_id, self.span_id, self.sampled) == (other.trace_id, other.span_id, other.sampled)
    }
}

impl Eq for TraceContext {}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

impl FromStr for TraceContext {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let canonical =
            text.len() == 55 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'));
        let parts: Vec<&str> = text.split('-').collect();
        let [version, trace_id, span_id, flags] = parts.as_slice() else { return Err(()) };
        if !canonical || *version == "ff" || trace_id.len() != 32 || span_id.len() != 16 {
            return Err(());
        }
        let trace_id = u128::from_str_radix(trace_id, 16).map_err(drop)?;
        let span_id = u64::from_str_radix(span_id, 16).map_err(drop)?;
        let flags = u8::from_str_radix(flags, 16).map_err(drop)?;
        if trace_id == 0 || span_id == 0 {
            return Err(());
        }
        Ok(Self { trace_id, span_id, sampled: flags & 1 == 1, is_new: false })
    }
}
