//! W3C trace context: every call has a trace id, whether or not spans are exported.

use std::fmt;
use std::str::FromStr;

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The `traceparent` of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    sampled: bool,
}

impl TraceContext {
    /// A new trace.
    pub fn root() -> Self {
        Self { trace_id: rand::random::<u128>() | 1, span_id: rand::random::<u64>() | 1, sampled: true }
    }

    /// The context that the current span would hand on; `self` when spans are not exported.
    pub fn or_current_span(self) -> Self {
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
        }
    }

    /// Makes `span` a child of this context, when spans are exported.
    pub fn adopt(self, span: &tracing::Span) {
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
}

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
        Ok(Self { trace_id, span_id, sampled: flags & 1 == 1 })
    }
}
