//! What the gateway calls: whatever is open to partners and buyers, and a few methods for its own sake.

use std::collections::{BTreeMap, BTreeSet};

use proto::api::v1::Access;
use rpc::{Callee, policies};

/// Open to nobody outside: to know who asks, to hand on what others send, and for the page that a parcel's code opens.
const INSIDE: [Callee; 3] = [
    Callee::new("access", &["AuthenticateKey", "GetShop"]),
    Callee::new("delivery", &["GetTracker", "ReceiveCarrierWebhook"]),
    Callee::new("payments", &["ReceiveProviderWebhook"]),
];

/// By service, the methods that the gateway calls.
pub fn callees() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let open = policies().filter(|policy| matches!(policy.access, Access::Key | Access::Buyer));
    let open = open.filter_map(|policy| Some((policy.operation.split_once('.')?.0, policy.method)));
    let inside =
        INSIDE.iter().flat_map(|callee| callee.methods.iter().map(|method| (callee.service, *method)));
    let mut callees = BTreeMap::<_, BTreeSet<_>>::new();
    for (service, method) in open.chain(inside) {
        callees.entry(service).or_default().insert(method);
    }
    callees
}
