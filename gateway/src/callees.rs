//! What the gateway calls: whatever is open to partners and buyers, and a few methods for its own sake.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use proto::api::v1::Access;
use rpc::{Callee, policies};

/// Open to nobody outside as they are: to know who asks, to hand on what others send, for the page that a parcel's code opens, and for files.
const INSIDE: [Callee; 3] = [
    Callee::new("access", &["AuthenticateKey", "GetShop"]),
    Callee::new("delivery", &["GetShipmentLabel", "GetTracker", "PrintLabels", "ReceiveCarrierWebhook"]),
    Callee::new("payments", &["ReceiveProviderWebhook"]),
];

static CALLEES: LazyLock<Vec<Callee>> = LazyLock::new(|| {
    let open = policies().filter(|policy| matches!(policy.access, Access::Key | Access::Buyer));
    let open = open.filter_map(|policy| Some((policy.operation.split_once('.')?.0, policy.method)));
    let inside =
        INSIDE.iter().flat_map(|callee| callee.methods.iter().map(|method| (callee.service, *method)));
    let mut callees = BTreeMap::<_, BTreeSet<_>>::new();
    for (service, method) in open.chain(inside) {
        callees.entry(service).or_default().insert(method);
    }
    // Leaked once per process, like the policies themselves.
    let for_ever = |methods: BTreeSet<_>| &*Vec::leak(methods.into_iter().collect());
    callees.into_iter().map(|(service, methods)| Callee::new(service, for_ever(methods))).collect()
});

/// The methods that the gateway calls.
pub fn callees() -> &'static [Callee] {
    &CALLEES
}
