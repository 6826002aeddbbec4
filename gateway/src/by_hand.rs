//! The routes that no annotation describes: files, streams, who has no key, and what describes the API.

use std::time::Duration;

use http::Method;
use proto::api::v1::Criticality;
use proto::catalog::v1::FeedFormat;

use crate::operation::{Door, Operation, Target, WebhookSender};

/// One such route.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// The path; one segment may be a variable in braces.
    pub(crate) template: &'static str,
    /// The method of a service behind it, whose policy holds; none for documents.
    serves: Option<&'static str>,
    opens: Opens,
    target: fn(String) -> Target,
}

/// To whom a route opens. That of a method inside the suite may still ask for a key with the method's scope.
enum Opens {
    ToAll,
    ToKeys,
}

/// How long a document may take.
const DOCUMENT_PATIENCE: Duration = Duration::from_secs(2);

static ROUTES: [Route; 13] = [
    document("/openapi.json", |_| Target::OpenApi),
    document("/docs", |_| Target::Docs),
    document("/healthz", |_| Target::Live),
    document("/readyz", |_| Target::Ready),
    keyed(Method::POST, "/v1/feeds/yml", "/korob.catalog.v1.CatalogService/ImportFeed", |_| {
        Target::ImportFeed(FeedFormat::Yml)
    }),
    keyed(Method::POST, "/v1/feeds/csv", "/korob.catalog.v1.CatalogService/ImportFeed", |_| {
        Target::ImportFeed(FeedFormat::Csv)
    }),
    keyed(Method::GET, "/v1/feeds/yml", "/korob.catalog.v1.CatalogService/ExportFeed", |_| {
        Target::ExportFeed
    }),
    keyed(
        Method::GET,
        "/v1/shipments/{shipmentId}/label",
        "/korob.delivery.v1.DeliveryService/GetShipmentLabel",
        Target::ShipmentLabel,
    ),
    keyed(Method::GET, "/v1/shipment-labels", "/korob.delivery.v1.DeliveryService/PrintLabels", |_| {
        Target::ShipmentLabels
    }),
    keyed(Method::GET, "/v1/events/stream", "/korob.webhooks.v1.FeedService/WatchFeed", |_| {
        Target::WatchFeed
    }),
    webhook(
        "/v1/webhooks/payments/{providerAccountId}",
        "/korob.payments.v1.PaymentService/ReceiveProviderWebhook",
        |account| Target::ReceiveWebhook(WebhookSender::PaymentProvider, account),
    ),
    webhook(
        "/v1/webhooks/carriers/{carrierAccountId}",
        "/korob.delivery.v1.DeliveryService/ReceiveCarrierWebhook",
        |account| Target::ReceiveWebhook(WebhookSender::Carrier, account),
    ),
    page("/track/{trackerCode}", "/korob.delivery.v1.DeliveryService/GetTracker", Target::Tracker),
];

/// The routes with this path, each with what the path says.
pub(crate) fn with_path(path: &str) -> impl Iterator<Item = (&'static Route, &str)> {
    ROUTES.iter().filter_map(move |route| Some((route, variable(route.template, path)?)))
}

impl Route {
    /// What a request on this route wants. None when the contracts do not know the method behind it.
    pub(crate) fn operation(&self, variable: &str) -> Option<Operation> {
        let policy = match self.serves {
            Some(grpc_path) => Some(rpc::policy_of(grpc_path)?),
            None => None,
        };
        let door = match (&self.opens, policy) {
            (Opens::ToKeys, Some(policy)) => Door::Key(&policy.scope),
            (Opens::ToKeys | Opens::ToAll, _) => Door::Open,
        };
        Some(Operation {
            template: self.template,
            door,
            criticality: policy.map_or(Criticality::Sheddable, |policy| policy.criticality),
            patience: policy.map_or(DOCUMENT_PATIENCE, |policy| policy.deadline_max),
            target: (self.target)(variable.to_owned()),
        })
    }
}

const fn document(template: &'static str, target: fn(String) -> Target) -> Route {
    Route { method: Method::GET, template, serves: None, opens: Opens::ToAll, target }
}

const fn keyed(
    method: Method,
    template: &'static str,
    grpc_path: &'static str,
    target: fn(String) -> Target,
) -> Route {
    Route { method, template, serves: Some(grpc_path), opens: Opens::ToKeys, target }
}

/// Who sends has no key: the service knows the sender by the signature.
const fn webhook(template: &'static str, grpc_path: &'static str, target: fn(String) -> Target) -> Route {
    Route { method: Method::POST, template, serves: Some(grpc_path), opens: Opens::ToAll, target }
}

/// For people who have the link and no key.
const fn page(template: &'static str, grpc_path: &'static str, target: fn(String) -> Target) -> Route {
    Route { method: Method::GET, template, serves: Some(grpc_path), opens: Opens::ToAll, target }
}

/// What stands where the template has its variable, empty without one; none when the path is another.
fn variable<'p>(template: &str, path: &'p str) -> Option<&'p str> {
    let Some((before, rest)) = template.split_once('{') else { return (template == path).then_some("") };
    let after = rest.split_once('}').map_or("", |(_, after)| after);
    let inside = path.strip_prefix(before)?.strip_suffix(after)?;
    (!inside.is_empty() && !inside.contains('/')).then_some(inside)
}
