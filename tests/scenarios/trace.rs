//! One placement is one trace through the services.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::suite::{Mode, Suite};

#[derive(Debug, Clone)]
struct Span {
    name: String,
    service: String,
    parent: Vec<u8>,
}

/// Spans of one trace, by span id.
type Spans = BTreeMap<Vec<u8>, Span>;
/// By trace id.
type Traces = Arc<Mutex<BTreeMap<Vec<u8>, Spans>>>;

/// What a placement passes through, its root first.
const PATH: [&str; 11] = [
    "POST /v1/orders",
    "orders.place_order",
    "batch orders.record",
    "place_order",
    "catalog.quote_items",
    "customers.identify_customer",
    "inventory.reserve_stock",
    "delivery.plan_delivery",
    "payments.open_payment",
    "batch orders.settle",
    "customers.count_purchases",
];
const PATIENCE: Duration = Duration::from_secs(30);

struct Receiver(Traces);

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut traces = self.0.lock().unwrap();
        for resource in request.into_inner().resource_spans {
            let attributes = resource.resource.map(|resource| resource.attributes).unwrap_or_default();
            let service = attributes.into_iter().find(|attribute| attribute.key == "service.name");
            let service = match service.and_then(|attribute| attribute.value?.value) {
                Some(AnyValue::StringValue(name)) => name,
                _ => String::new(),
            };
            for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                let spans = traces.entry(span.trace_id).or_default();
                spans.insert(
                    span.span_id,
                    Span { name: span.name, service: service.clone(), parent: span.parent_span_id },
                );
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placement_is_one_trace_through_at_least_five_processes() {
    let traces = Traces::default();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server =
        tonic::transport::Server::builder().add_service(TraceServiceServer::new(Receiver(traces.clone())));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));

    let telemetry = format!("[telemetry]\notlp_endpoint = \"{endpoint}\"");
    let suite = Suite::start_with(Mode::Processes, &telemetry).await;
    suite.stock("MUG", 5).await;
    suite.rest.post("/v1/orders", "traced", &suite.order("MUG", 1)).await.unwrap().ok().unwrap();

    let spans = complete(&traces).await;
    let services: BTreeSet<_> = spans.values().map(|span| span.service.as_str()).collect();
    assert!(services.len() >= 5, "the trace passes {services:?}");
    // From each span up to the one root: the request.
    for name in PATH {
        let mut span = spans.values().find(|span| span.name == name).unwrap();
        while span.name != PATH[0] {
            span = spans
                .get(&span.parent)
                .unwrap_or_else(|| panic!("{span:?} has no parent in {}", tree(&spans)));
        }
    }
    suite.stop().await;
}

/// The spans of the placement's trace, once all of [`PATH`] have arrived.
async fn complete(traces: &Traces) -> Spans {
    let waiting = Instant::now();
    loop {
        let best = {
            let traces = traces.lock().unwrap();
            let has = |spans: &Spans, name: &str| spans.values().any(|span| span.name == name);
            let count = |spans: &&Spans| PATH.iter().filter(|name| has(spans, name)).count();
            traces.values().max_by_key(count).cloned().unwrap_or_default()
        };
        let missing: Vec<_> =
            PATH.iter().filter(|name| !best.values().any(|span| span.name == **name)).collect();
        if missing.is_empty() {
            return best;
        }
        assert!(waiting.elapsed() < PATIENCE, "{missing:?} did not come: {}", tree(&best));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn tree(spans: &Spans) -> String {
    let name = |id: &Vec<u8>| spans.get(id).map_or("?", |span| span.name.as_str());
    let lines =
        spans.values().map(|span| format!("\n{} {} below {}", span.service, span.name, name(&span.parent)));
    lines.collect()
}
