//! One placement is one trace through the services, and says what OpenTelemetry's conventions want it to say.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::collector::{Collector, Span, Spans};
use crate::suite::{Mode, Suite};

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
/// Attributes of spans of the path.
const ATTRIBUTES: [(&str, &str, &str); 9] = [
    ("POST /v1/orders", "http.request.method", "POST"),
    ("POST /v1/orders", "http.route", "/v1/orders"),
    ("POST /v1/orders", "http.response.status_code", "201"),
    ("inventory.reserve_stock", "rpc.system", "grpc"),
    ("inventory.reserve_stock", "rpc.service", "korob.inventory.v1.InventoryService"),
    ("inventory.reserve_stock", "rpc.method", "ReserveStock"),
    ("inventory.reserve_stock", "rpc.grpc.status_code", "0"),
    ("batch orders.record", "db.system.name", "postgresql"),
    ("customers.count_purchases", "event_type", "korob.orders.v1.OrderPlaced"),
];
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_placement_is_one_trace_through_at_least_six_processes() {
    let (collector, address) = Collector::start().await;
    let telemetry = format!("[telemetry]\notlp_endpoint = \"http://{address}\"");
    let suite = Suite::start_with(Mode::Processes, &telemetry).await;
    suite.stock("MUG", 5).await;
    suite.rest.post("/v1/orders", "traced", &suite.order("MUG", 1)).await.unwrap().ok().unwrap();

    let spans = complete(&collector).await;
    let services: BTreeSet<_> = spans.values().map(|span| span.service.as_str()).collect();
    assert!(services.len() >= 6, "the trace passes {services:?}");
    // From each span up to the one root: the request.
    for name in PATH {
        let mut span = spans.values().find(|span| span.name == name).unwrap();
        while span.name != PATH[0] {
            span = spans
                .get(&span.parent)
                .unwrap_or_else(|| panic!("{span:?} has no parent in {}", tree(&spans)));
        }
        assert!(span.parent.is_empty(), "the request begins the trace, and is nobody's child");
    }
    for (name, key, value) in ATTRIBUTES {
        let mut of_name = spans.values().filter(|span| span.name == name);
        let says = of_name.any(|span| span.attributes.get(key).is_some_and(|told| told == value));
        assert!(
            says,
            "{name} does not say {key} = {value}: {:?}",
            spans.values().find(|span| span.name == name)
        );
    }
    let refused: Vec<_> = spans
        .values()
        .filter(|span| span.attributes.get("rpc.grpc.status_code").is_some_and(|code| code != "0"))
        .collect();
    assert!(refused.is_empty(), "nothing is asked in vain: {refused:#?}");
    every_parent_is_known(&collector).await;
    suite.stop().await;
}

/// What jobs and subscriptions ask begins traces of its own: its spans are nobody's children, or somebody's who is told, too.
async fn every_parent_is_known(collector: &Collector) {
    let told: BTreeSet<_> = collector.traces().into_keys().collect();
    let waiting = Instant::now();
    loop {
        let traces = collector.traces();
        let orphans: Vec<_> = told
            .iter()
            .filter_map(|trace| traces.get(trace))
            .flat_map(|spans| {
                spans.values().filter(|span| !span.parent.is_empty() && !spans.contains_key(&span.parent))
            })
            .filter(|span| !is_of_the_test(span))
            .collect();
        if orphans.is_empty() {
            return;
        }
        assert!(waiting.elapsed() < PATIENCE, "nobody told of the parents of {orphans:#?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// This process opens the shop as its operator, and tells the collector nothing.
fn is_of_the_test(span: &Span) -> bool {
    span.service == "access" && span.name.starts_with("access.create_")
}

/// The spans of the placement's trace, once all of [`PATH`] have arrived.
async fn complete(collector: &Collector) -> Spans {
    let waiting = Instant::now();
    loop {
        let best = {
            let has = |spans: &Spans, name: &str| spans.values().any(|span| span.name == name);
            let count = |spans: &Spans| PATH.iter().filter(|name| has(spans, name)).count();
            collector.traces().into_values().max_by_key(count).unwrap_or_default()
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
