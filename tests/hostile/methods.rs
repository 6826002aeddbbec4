//! Every method of every service, read from the descriptors, and its place in REST. A method that says nothing this file
//! understands fails the tests, so that a new one cannot be forgotten.

use http::Method as HttpMethod;
use prost_reflect::MessageDescriptor;
use proto::api::v1::Access;
use rpc::MethodPolicy;
use serde_json::Value;
use transcode::Api;

/// One method of a service.
pub struct Method {
    /// `/korob.orders.v1.OrderService/GetOrder`.
    pub grpc_path: String,
    /// The services whose ports have it: one, or all for what every service offers.
    pub area: String,
    pub policy: &'static MethodPolicy,
    pub request: MessageDescriptor,
}

/// To whom a route is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Door {
    /// Keys that hold the scope.
    Key(String),
    /// Buyers with a token.
    Buyer,
    /// Everybody.
    Open,
}

/// One route of the gateway, as it is published.
pub struct Route {
    pub method: HttpMethod,
    /// With variables in braces.
    pub template: String,
    /// `orders.get_order`.
    pub operation: String,
    pub door: Door,
}

/// Routes without a key, and why.
const OPEN: [(&str, &str); 7] = [
    ("gateway.docs", "describes the interface"),
    ("gateway.live", "a probe"),
    ("gateway.openapi", "describes the interface"),
    ("gateway.ready", "a probe"),
    ("delivery.get_tracker", "who has the link sees the parcel, and nobody behind it"),
    ("delivery.receive_carrier_webhook", "the sender is known by the signature"),
    ("payments.receive_provider_webhook", "the sender is known by the signature"),
];

/// Routes that serve a method of another name.
const SERVES: [(&str, &str); 1] = [("catalog.import_csv", "catalog.import_feed")];

/// Every method, in order of declaration.
pub fn all() -> Vec<Method> {
    let methods = proto::pool().services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let methods: Vec<_> = methods
        .map(|method| {
            let service = method.parent_service();
            let grpc_path = format!("/{}/{}", service.full_name(), method.name());
            let policy = rpc::policy_of(&grpc_path);
            let policy = policy.unwrap_or_else(|| panic!("{grpc_path} has no policy"));
            understood(&grpc_path, policy);
            let area = service.package_name().split('.').nth(1).unwrap().to_owned();
            Method { grpc_path, area, policy, request: method.input() }
        })
        .collect();
    assert!(methods.len() > 150, "only {} methods were found", methods.len());
    methods
}

/// Refuses a policy that the tests would not know how to examine.
fn understood(path: &str, policy: &MethodPolicy) {
    match policy.access {
        Access::Key => {
            let open = rpc::known_scopes().contains(policy.scope.as_str());
            assert!(open, "{path}: no key can hold the scope {:?}", policy.scope);
        }
        Access::Buyer => assert_eq!(policy.scope, rpc::BUYER_SCOPE, "{path}: the scope of buyers"),
        Access::Internal => assert!(!policy.no_http_reason.is_empty(), "{path}: internal, and has a path"),
        Access::Unspecified => panic!("{path}: says to nobody that it is open"),
    }
}

/// Every route of the published description, which must be those of the descriptors and the few that are written by hand.
pub fn routes(openapi: &Value) -> Vec<Route> {
    let methods = all();
    let mut routes = Vec::new();
    for (template, operations) in openapi["paths"].as_object().unwrap() {
        for (method, described) in operations.as_object().unwrap() {
            let operation = described["operationId"].as_str().unwrap().to_owned();
            let method: HttpMethod = method.to_uppercase().parse().unwrap();
            let door = door(&operation, &described["security"]);
            let served = SERVES.iter().find(|(route, _)| *route == operation).map(|(_, method)| *method);
            let served = served.unwrap_or(operation.as_str());
            let policy = methods.iter().find(|method| method.policy.operation == served);
            match (&door, policy.map(|method| method.policy)) {
                (Door::Key(scope), Some(policy)) => assert_eq!(scope, &policy.scope, "{operation}"),
                (Door::Buyer, Some(policy)) => assert_eq!(policy.access, Access::Buyer, "{operation}"),
                (Door::Open, _) => {
                    let known = OPEN.iter().any(|(open, _)| *open == operation);
                    assert!(known, "{operation} is open to everybody: say why in OPEN");
                }
                (_, None) => panic!("{operation} serves no method"),
            }
            routes.push(Route { method, template: template.clone(), operation, door });
        }
    }
    for route in Api::suite().routes() {
        let published =
            routes.iter().any(|one| one.operation == route.operation && one.method == route.method);
        assert!(published, "{} is routed and not published", route.operation);
    }
    for method in &methods {
        let (name, policy) = (method.policy.operation, method.policy);
        let published = routes
            .iter()
            .any(|route| route.operation == name || SERVES.contains(&(route.operation.as_str(), name)));
        let said = published || !policy.no_http_reason.is_empty();
        assert!(said, "{name} has neither a route nor a reason for none");
    }
    routes
}

impl Route {
    /// The path with `filled` in place of every variable.
    pub fn path(&self, filled: &str) -> String {
        let mut path = String::new();
        let mut rest = self.template.as_str();
        while let Some((before, variable)) = rest.split_once('{') {
            path.push_str(before);
            path.push_str(filled);
            rest = variable.split_once('}').unwrap().1;
        }
        path + rest
    }

    /// Whether its requests have a body.
    pub fn has_body(&self) -> bool {
        self.method != HttpMethod::GET
    }
}

fn door(operation: &str, security: &Value) -> Door {
    let security = security.as_array().unwrap_or_else(|| panic!("{operation} does not say who may call it"));
    match security.as_slice() {
        [] => Door::Open,
        [one] => match (&one["apiKey"], &one["buyerToken"]) {
            (Value::Array(scopes), Value::Null) if scopes.len() == 1 => {
                Door::Key(scopes[0].as_str().unwrap().to_owned())
            }
            (Value::Null, Value::Array(_)) => Door::Buyer,
            _ => panic!("{operation}: {one} is not understood"),
        },
        _ => panic!("{operation}: {security:?} is not understood"),
    }
}
