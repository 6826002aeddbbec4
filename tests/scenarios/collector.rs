//! A collector of spans, as good as a test wants it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// What was told of one span.
#[derive(Debug, Clone)]
pub struct Span {
    pub name: String,
    pub service: String,
    /// Empty for the root of a trace.
    pub parent: Vec<u8>,
    pub attributes: BTreeMap<String, String>,
}

/// Spans of one trace, by span id.
pub type Spans = BTreeMap<Vec<u8>, Span>;

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Takes,
    Refuses,
    /// Never answers.
    Stalls,
}

/// A running collector. Clones are the same one.
#[derive(Clone, Default)]
pub struct Collector {
    traces: Arc<Mutex<BTreeMap<Vec<u8>, Spans>>>,
    mood: Arc<AtomicU8>,
    /// Exports that were not taken.
    not_taken: Arc<Mutex<Vec<Mood>>>,
}

impl Collector {
    /// Listens; answers where.
    pub async fn start() -> (Self, SocketAddr) {
        let collector = Self::default();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server =
            tonic::transport::Server::builder().add_service(TraceServiceServer::new(collector.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        (collector, address)
    }

    pub fn set(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::SeqCst);
    }

    /// By trace id.
    pub fn traces(&self) -> BTreeMap<Vec<u8>, Spans> {
        self.traces.lock().unwrap().clone()
    }

    pub fn has_met(&self, mood: Mood) -> bool {
        self.not_taken.lock().unwrap().contains(&mood)
    }

    pub fn forget(&self) {
        self.traces.lock().unwrap().clear();
    }

    fn mood(&self) -> Mood {
        [Mood::Takes, Mood::Refuses, Mood::Stalls][usize::from(self.mood.load(Ordering::SeqCst))]
    }

    fn keep(&self, request: ExportTraceServiceRequest) {
        let mut traces = self.traces.lock().unwrap();
        for resource in request.resource_spans {
            let attributes = texts(resource.resource.map(|resource| resource.attributes).unwrap_or_default());
            let service = attributes.get("service.name").cloned().unwrap_or_default();
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                let told = Span {
                    name: span.name,
                    service: service.clone(),
                    parent: span.parent_span_id,
                    attributes: texts(span.attributes),
                };
                traces.entry(span.trace_id).or_default().insert(span.span_id, told);
            }
        }
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mood = self.mood();
        if mood != Mood::Takes {
            self.not_taken.lock().unwrap().push(mood);
        }
        match mood {
            Mood::Takes => self.keep(request.into_inner()),
            Mood::Refuses => return Err(Status::unavailable("not today")),
            Mood::Stalls => std::future::pending().await,
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value| match value {
        AnyValue::StringValue(text) => text,
        AnyValue::IntValue(number) => number.to_string(),
        AnyValue::BoolValue(flag) => flag.to_string(),
        other => format!("{other:?}"),
    };
    let told = attributes.into_iter().filter_map(|one| Some((one.key, text(one.value?.value?))));
    told.collect()
}
