//! What a request wants: one of the routes from the contracts, or one of the few that are written by hand.

use std::time::Duration;

use http::Method;
use proto::api::v1::{Access, Criticality, Idempotency};
use proto::catalog::v1::FeedFormat;
use transcode::{Api, Matched, NoRoute};

use crate::by_hand;

/// What was found for a method and path.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// The path with its variables unfilled, for logs and metrics.
    pub(crate) template: &'static str,
    pub(crate) door: Door,
    /// What is refused last under overload.
    pub(crate) criticality: Criticality,
    /// The longest time it may take.
    pub(crate) patience: Duration,
    pub(crate) target: Target,
}

/// Who is let in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Door {
    /// Everybody.
    Open,
    /// Keys that hold the scope.
    Key(&'static str),
    /// Buyers with a token.
    Buyer,
}

/// Who answers.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// A method of a service.
    Call(Matched<'static>),
    /// `POST /v1/feeds/yml` and `/v1/feeds/csv`.
    ImportFeed(FeedFormat),
    /// `GET /v1/feeds/yml`.
    ExportFeed,
    /// `GET /v1/shipments/{shipmentId}/label`, with the shipment.
    ShipmentLabel(String),
    /// `GET /v1/shipment-labels`.
    ShipmentLabels,
    /// `POST /v1/webhooks/…/{account}`, with the account.
    ReceiveWebhook(WebhookSender, String),
    /// `GET /v1/events/stream`.
    WatchFeed,
    /// `GET /track/{trackerCode}`, with the code.
    Tracker(String),
    /// `GET /openapi.json`.
    OpenApi,
    /// `GET /docs`.
    Docs,
    /// `GET /healthz`.
    Live,
    /// `GET /readyz`.
    Ready,
}

/// Who tells something without being asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum WebhookSender {
    PaymentProvider,
    Carrier,
}

impl Operation {
    /// Finds what a request wants. HEAD asks like GET.
    pub(crate) fn find(method: &Method, path: &str) -> Result<Self, NoRoute> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let mut others = Vec::new();
        for (route, variable) in by_hand::with_path(path) {
            match route.operation(variable) {
                Some(operation) if route.method == *method => return Ok(operation),
                Some(_) => others.push(route.method.clone()),
                None => {}
            }
        }
        match Api::suite().find(method, path) {
            Ok(matched) => Ok(Self::of_route(matched)),
            Err(NoRoute::UnknownPath) if others.is_empty() => Err(NoRoute::UnknownPath),
            Err(NoRoute::UnknownPath) => Err(NoRoute::OtherMethods(others)),
            Err(NoRoute::OtherMethods(methods)) => {
                others.extend(methods);
                Err(NoRoute::OtherMethods(others))
            }
        }
    }

    fn of_route(matched: Matched<'static>) -> Self {
        let policy = &matched.route.policy;
        let patience = Duration::from_millis(u64::try_from(policy.deadline_ms_max).unwrap_or(0).max(1));
        let door = match policy.access() {
            Access::Buyer => Door::Buyer,
            // Nothing else has a route.
            Access::Key | Access::Internal | Access::Unspecified => Door::Key(&policy.scope),
        };
        Self {
            template: &matched.route.template,
            door,
            criticality: match (policy.criticality(), policy.idempotency()) {
                // What is critical to read within a placement is not when it is asked from outside.
                (Criticality::Critical, Idempotency::Read) => Criticality::Normal,
                (criticality, _) => criticality,
            },
            patience,
            target: Target::Call(matched),
        }
    }
}
