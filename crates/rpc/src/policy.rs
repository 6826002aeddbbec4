//! What each method allows, read from the descriptors once.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;
use std::time::Duration;

use prost::Message;
use proto::api::v1::{Access, Criticality, Idempotency, Policy};
use tonic::Code;

use crate::caller::{Actor, Caller};
use crate::fault::Fault;

/// The policy of a method, ready to use.
#[derive(Debug, Clone)]
pub struct MethodPolicy {
    /// One name everywhere: `inventory.reserve_stock`.
    pub operation: &'static str,
    /// The service that has it, `korob.inventory.v1.InventoryService`.
    pub service: &'static str,
    /// Its name there, `ReserveStock`.
    pub method: &'static str,
    /// Who may call it at all.
    pub access: Access,
    /// The scope a caller must hold; empty for none.
    pub scope: String,
    /// How a repeat behaves.
    pub idempotency: Idempotency,
    /// Whether it writes an audit row.
    pub audited: bool,
    /// Whether the caller sends a stream of messages, not one.
    pub client_streams: bool,
    /// What is refused last.
    pub criticality: Criticality,
    /// The longest deadline a caller gets.
    pub deadline_max: Duration,
    /// Why it has no REST path; empty when it has one.
    pub no_http_reason: String,
}

static POLICIES: LazyLock<HashMap<String, MethodPolicy>> = LazyLock::new(read_policies);

/// The policy of a method by its gRPC path, `/korob.orders.v1.OrderService/GetOrder`.
pub fn policy_of(path: &str) -> Option<&'static MethodPolicy> {
    POLICIES.get(path)
}

/// The policies of all methods, in no order.
pub fn policies() -> impl Iterator<Item = &'static MethodPolicy> {
    POLICIES.values()
}

/// Scopes that no method needs as a whole: a method looks for them when a request asks for more.
const SCOPES_WITHIN_METHODS: [&str; 1] = ["orders.price"];

static SCOPES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    let open_to_keys =
        POLICIES.values().filter(|policy| policy.access == Access::Key && !policy.scope.is_empty());
    open_to_keys.map(|policy| policy.scope.as_str()).chain(SCOPES_WITHIN_METHODS).collect()
});

/// Every scope that a partner's key can hold, sorted.
pub fn known_scopes() -> &'static BTreeSet<&'static str> {
    &SCOPES
}

fn read_policies() -> HashMap<String, MethodPolicy> {
    let pool = proto::pool();
    let Some(extension) = pool.get_extension_by_name("korob.api.v1.policy") else { return HashMap::new() };
    let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    methods
        .filter_map(|method| {
            let options = method.options();
            let policy = options.get_extension(&extension);
            let policy = Policy::decode(policy.as_message()?.encode_to_vec().as_slice()).ok()?;
            let service = method.parent_service();
            let path = format!("/{}/{}", service.full_name(), method.name());
            let area = service.package_name().split('.').nth(1).unwrap_or_default();
            let operation = format!("{area}.{}", snake_case(method.name()));
            let policy = MethodPolicy::of(policy, operation, service.full_name(), method.name());
            Some((path, MethodPolicy { client_streams: method.is_client_streaming(), ..policy }))
        })
        .collect()
}

impl MethodPolicy {
    /// Refuses a caller whom the method is not open to. Services may call everything on behalf of somebody.
    pub fn admit(&self, caller: &Caller) -> Result<(), Fault> {
        let refusal = match (self.access, &caller.actor) {
            (_, Actor::Service(_) | Actor::Operator(_)) => None,
            (Access::Key, Actor::Key(_)) | (Access::Buyer, Actor::Buyer(_)) => None,
            (Access::Key, Actor::Buyer(_)) => Some(("KEY_METHOD", "a buyer's token does not open it")),
            (Access::Buyer, Actor::Key(_)) => Some(("BUYER_METHOD", "only a buyer's token opens it")),
            (Access::Internal | Access::Unspecified, Actor::Key(_) | Actor::Buyer(_)) => {
                Some(("INTERNAL_METHOD", "only services of the suite may call it"))
            }
        };
        if let Some((reason, message)) = refusal {
            return Err(Fault::new(Code::PermissionDenied, reason, message));
        }
        if !caller.may(&self.scope) {
            let message = format!("the scope {} is needed", self.scope);
            let fault = Fault::new(Code::PermissionDenied, "SCOPE_MISSING", message);
            return Err(fault.with("scope", &self.scope));
        }
        Ok(())
    }

    fn of(policy: Policy, operation: String, service: &str, method: &str) -> Self {
        // Leaked once per method at start: spans and metrics want names that live for ever.
        let for_ever = |name: &str| -> &'static str { Box::leak(name.to_owned().into_boxed_str()) };
        Self {
            operation: for_ever(&operation),
            service: for_ever(service),
            method: for_ever(method),
            access: policy.access(),
            idempotency: policy.idempotency(),
            criticality: policy.criticality(),
            audited: policy.audited,
            client_streams: false,
            deadline_max: Duration::from_millis(u64::try_from(policy.deadline_ms_max).unwrap_or(0).max(1)),
            scope: policy.scope,
            no_http_reason: policy.no_http_reason,
        }
    }
}

fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (at, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
