//! What a request wants: one of the routes from the contracts, or one of the few that are written by hand.

use std::time::Duration;

use http::Method;
use proto::api::v1::{Access, Criticality};
use transcode::{Api, Matched, NoRoute};

/// The gRPC path behind `POST /v1/feeds/yml`.
pub(crate) const IMPORT_FEED: &str = "/korob.catalog.v1.CatalogService/ImportFeed";

/// What was found for a method and path.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// The path with its variables unfilled, for logs and metrics.
    pub(crate) template: &'static str,
    /// What a key must hold; `None` for routes that need no key.
    pub(crate) scope: Option<&'static str>,
    /// What is refused last under overload.
    pub(crate) criticality: Criticality,
    /// The longest time it may take.
    pub(crate) patience: Duration,
    pub(crate) target: Target,
}

/// Who answers.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// A method of a service.
    Call(Matched<'static>),
    /// `POST /v1/feeds/yml`.
    ImportFeed,
    /// `GET /openapi.json`.
    OpenApi,
    /// `GET /healthz`.
    Live,
    /// `GET /readyz`.
    Ready,
}

impl Operation {
    /// Finds what a request wants. HEAD asks like GET.
    pub(crate) fn find(method: &Method, path: &str) -> Result<Self, NoRoute> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        match by_hand(path) {
            Some((allowed, operation)) if method == allowed => Ok(operation),
            Some((allowed, _)) => Err(NoRoute::OtherMethods(vec![allowed])),
            None => Api::suite().find(method, path).map(Self::of_route),
        }
    }

    fn of_route(matched: Matched<'static>) -> Self {
        let policy = &matched.route.policy;
        let patience = Duration::from_millis(u64::try_from(policy.deadline_ms_max).unwrap_or(0).max(1));
        Self {
            template: &matched.route.template,
            scope: Some(&policy.scope),
            criticality: policy.criticality(),
            patience,
            target: Target::Call(matched),
        }
    }

    fn open(template: &'static str, target: Target) -> (Method, Self) {
        let patience = Duration::from_secs(2);
        (Method::GET, Self { template, scope: None, criticality: Criticality::Critical, patience, target })
    }
}

/// The routes that no annotation describes.
fn by_hand(path: &str) -> Option<(Method, Operation)> {
    match path {
        "/openapi.json" => Some(Operation::open("/openapi.json", Target::OpenApi)),
        "/healthz" => Some(Operation::open("/healthz", Target::Live)),
        "/readyz" => Some(Operation::open("/readyz", Target::Ready)),
        "/v1/feeds/yml" => {
            let policy = rpc::policy_of(IMPORT_FEED).filter(|policy| policy.access == Access::Key)?;
            let operation = Operation {
                template: "/v1/feeds/yml",
                scope: Some(&policy.scope),
                criticality: policy.criticality,
                patience: policy.deadline_max,
                target: Target::ImportFeed,
            };
            Some((Method::POST, operation))
        }
        _ => None,
    }
}
