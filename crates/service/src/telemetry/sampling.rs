//! Which traces are recorded, and the ids of their spans.

use opentelemetry::Context;
use opentelemetry::KeyValue;
use opentelemetry::trace::{Link, SpanId, SpanKind, TraceId};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, Sampler, SamplingResult, ShouldSample};

/// As the parent was decided, else as `root` says.
pub(super) fn parent_or(root: impl ShouldSample + 'static) -> Sampler {
    Sampler::ParentBased(Box::new(root))
}

/// The ratio that the process samples with at the moment: it can be changed while it runs.
#[derive(Debug, Clone)]
pub(super) struct SwitchedRatio;

impl ShouldSample for SwitchedRatio {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        Sampler::TraceIdRatioBased(rpc::trace::sample_ratio())
            .should_sample(parent, trace_id, name, kind, attributes, links)
    }
}

/// The id that a call was given when it began, so that logs, history and spans name one trace; else a random one.
#[derive(Debug, Default)]
pub(super) struct Ids {
    random: RandomIdGenerator,
}

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        rpc::trace::beginning().unwrap_or_else(|| self.random.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        self.random.new_span_id()
    }
}
