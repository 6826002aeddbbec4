//! Every method × everybody who reaches a service's port without the right to call it. (S3)

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use proto::api::v1::Access;
use rpc::{Actor, Caller, CallerKeys, Shops};
use tonic::{Code, Status};
use types::{Clock, CustomerId, KeyId, ShopId};

use crate::findings::findings;
use crate::methods::{self, Method};
use crate::ports::Port;
use crate::suite::{SERVICES, Suite};

/// Who reaches the port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Nobody,
    /// Without our secret.
    Forger,
    /// With a genuine statement, changed.
    Alterer,
    /// With a statement of two minutes ago.
    Latecomer,
    /// With a statement for another service.
    Wanderer,
    /// With a statement that is no statement.
    Babbler,
    KeyWithoutTheScope,
    KeyWithEveryScope,
    Buyer,
}

const EVERYBODY: [Who; 9] = [
    Who::Nobody,
    Who::Forger,
    Who::Alterer,
    Who::Latecomer,
    Who::Wanderer,
    Who::Babbler,
    Who::KeyWithoutTheScope,
    Who::KeyWithEveryScope,
    Who::Buyer,
];

/// Tries them all.
pub async fn try_every_method(suite: &Suite) {
    let statements = Statements { keys: suite.directory.keys().clone() };
    let methods = methods::all();
    for service in SERVICES {
        let port = Port::open(suite.port(service)).await;
        // Every service has the log of its events.
        let here = methods.iter().filter(|method| method.area == service || method.area == "events");
        let tries: Vec<_> = here.flat_map(|method| EVERYBODY.map(|who| (method, who))).collect();
        assert!(!tries.is_empty(), "{service} has no methods");
        let tried = futures_util::stream::iter(tries).map(async |(method, who)| {
            let statement = statements.of(who, method, service);
            let answer = port.call(&method.grpc_path, statement.as_deref(), Bytes::new()).await;
            wrong(method, who, &answer).map(|expected| {
                format!("{} at {service} to {who:?}: {expected}, not {answer:?}", method.policy.operation)
            })
        });
        let wrong = findings(tried).await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        nothing_else_is_there(&port, &methods, service, &statements).await;
    }
}

/// What should have been answered, unless it was.
fn wrong(method: &Method, who: Who, answer: &Result<Bytes, Status>) -> Option<String> {
    let expected = match (who, method.policy.access) {
        (Who::Nobody | Who::Forger | Who::Alterer | Who::Latecomer | Who::Wanderer | Who::Babbler, _) => {
            Some((Code::Unauthenticated, "CALLER_UNKNOWN"))
        }
        (Who::KeyWithoutTheScope, Access::Key) => Some((Code::PermissionDenied, "SCOPE_MISSING")),
        (Who::KeyWithEveryScope, Access::Key) | (Who::Buyer, Access::Buyer) => None,
        (Who::Buyer, Access::Key) => Some((Code::PermissionDenied, "KEY_METHOD")),
        (Who::KeyWithoutTheScope | Who::KeyWithEveryScope, Access::Buyer) => {
            Some((Code::PermissionDenied, "BUYER_METHOD"))
        }
        (_, Access::Internal) => Some((Code::PermissionDenied, "INTERNAL_METHOD")),
        (_, Access::Unspecified) => unreachable!("the list of methods refuses it"),
    };
    let reason = answer.as_ref().err().and_then(rpc::reason).unwrap_or_default();
    let code = answer.as_ref().map_or_else(Status::code, |_| Code::Ok);
    match expected {
        Some(expected) => ((code, reason.as_str()) != expected).then(|| format!("{expected:?} was expected")),
        // An empty request may be refused, but not for who asks, and it breaks nothing.
        None => {
            matches!(code, Code::Unauthenticated | Code::PermissionDenied | Code::Internal | Code::Unknown)
                .then(|| "it is open".to_owned())
        }
    }
}

/// Methods of other services, and methods that nobody has, are refused whoever asks.
async fn nothing_else_is_there(port: &Port, methods: &[Method], service: &str, statements: &Statements) {
    let other = methods.iter().find(|method| method.area != service && method.area != "events").unwrap();
    let statement = statements.keys.sign(&Caller::operator("hostile"), "hostile", service);
    for path in [other.grpc_path.as_str(), "/korob.orders.v1.OrderService/DropEverything", "/x.Y/Z"] {
        let code = port.call(path, Some(&statement), Bytes::new()).await.unwrap_err().code();
        assert_eq!(code, Code::Unimplemented, "{path} at {service}");
    }
}

struct Statements {
    keys: CallerKeys,
}

impl Statements {
    /// What `who` says of itself to `service`.
    fn of(&self, who: Who, method: &Method, service: &str) -> Option<String> {
        // Whoever forges goes for the most.
        let best = Caller::operator("hostile");
        let key = |scopes: Vec<String>| Caller {
            actor: Actor::Key(KeyId::new()),
            on_behalf_of: None,
            shops: Shops::All,
            scopes,
        };
        let every_scope = || rpc::known_scopes().iter().map(|scope| (*scope).to_owned());
        let statement = match who {
            Who::Nobody => return None,
            Who::Forger => CallerKeys::random().sign(&best, "orders", service),
            Who::Alterer => altered(&self.keys.sign(&key(Vec::new()), "gateway", service)),
            Who::Latecomer => {
                let clock = Clock::system();
                clock.rewind(Duration::from_secs(120));
                self.keys.clone().with_clock(clock).sign(&best, "orders", service)
            }
            Who::Wanderer => {
                let other = if service == "orders" { "payments" } else { "orders" };
                self.keys.sign(&best, "orders", other)
            }
            Who::Babbler => "e30.e30".to_owned(),
            Who::KeyWithoutTheScope => {
                let others = every_scope().filter(|scope| *scope != method.policy.scope).collect();
                self.keys.sign(&key(others), "gateway", service)
            }
            Who::KeyWithEveryScope => self.keys.sign(&key(every_scope().collect()), "gateway", service),
            Who::Buyer => {
                self.keys.sign(&Caller::buyer(CustomerId::new(), ShopId::new()), "gateway", service)
            }
        };
        Some(statement)
    }
}

/// The payload begins with the actor, `key:…`; one letter of it is another.
fn altered(statement: &str) -> String {
    let (payload, tag) = statement.split_once('.').unwrap();
    let mut payload = payload.as_bytes().to_vec();
    payload[8] = if payload[8] == b'A' { b'B' } else { b'A' };
    format!("{}.{tag}", String::from_utf8(payload).unwrap())
}
