//! Under overload browsing is refused first and placing an order last. Every method says where it stands, and only
//! what an order needs stands at the end.

use std::collections::BTreeSet;

use proto::api::v1::{Access, Criticality, Idempotency};

use crate::nothing_wrong;
use crate::suite::{Method, methods};

/// What is refused last, each with its reason. Whatever is added takes from these.
const CRITICAL: [(&str, &str); 16] = [
    ("PlaceOrder", "what the suite is for"),
    ("CancelOrder", "gives back what is held for an order"),
    ("ConfirmPayment", "a buyer pays"),
    ("ReceiveProviderWebhook", "the provider tells what was paid"),
    ("AuthenticateKey", "asked for every request whose key is not known yet"),
    ("GetShop", "asked while an order is placed"),
    ("GetChannelAccount", "asked while an order is placed"),
    ("IdentifyCustomer", "asked while an order is placed"),
    ("QuoteItems", "asked while an order is placed"),
    ("ReserveStock", "asked while an order is placed"),
    ("ChangeReservation", "asked while an order is changed or cancelled"),
    ("ReleaseReservation", "asked while an order is given up or cancelled"),
    ("PlanDelivery", "asked while an order is placed"),
    ("CancelDelivery", "asked while an order is given up or cancelled"),
    ("OpenPayment", "asked while an order is placed"),
    ("VoidPayment", "asked while an order is given up or cancelled"),
];

/// What partners and buyers read that is not refused first, each with its reason.
const READ_LATER: [(&str, &str); 9] = [
    ("GetShop", "also asked while an order is placed; the gateway does not count it as critical"),
    ("GetChannelAccount", "also asked while an order is placed; the gateway does not count it as critical"),
    ("GetOrder", "who placed an order looks what became of it"),
    ("GetBuyerOrder", "who placed an order looks what became of it"),
    ("GetPayment", "who pays looks what became of it"),
    ("GetCart", "a checkout begins with it"),
    ("GetQuote", "a checkout shows it"),
    ("QuoteDelivery", "a checkout shows it"),
    ("LookUpStock", "a checkout shows it"),
];

#[test]
fn only_what_an_order_needs_is_refused_last() {
    let declared = names(|_, criticality| criticality == Criticality::Critical);
    let meant = CRITICAL.iter().map(|(name, _)| (*name).to_owned()).collect();
    nothing_wrong(differences(&declared, &meant, "CRITICALITY_CRITICAL", "CRITICAL"));
}

#[test]
fn browsing_is_refused_first() {
    let public_read = |method: &Method| {
        let Some(policy) = method.policy else { return false };
        policy.access != Access::Internal && policy.idempotency == Idempotency::Read
    };
    let declared = names(|method, criticality| public_read(method) && criticality != Criticality::Sheddable);
    let meant = READ_LATER.iter().map(|(name, _)| (*name).to_owned()).collect();
    nothing_wrong(differences(&declared, &meant, "a read that is not CRITICALITY_SHEDDABLE", "READ_LATER"));
}

#[test]
fn what_changes_one_thing_is_not_refused_before_browsing() {
    let declared = names(|method, criticality| {
        let changes = method.policy.is_some_and(|policy| policy.idempotency != Idempotency::Read);
        changes && criticality == Criticality::Sheddable
    });
    // In bulk, by their nature: each can wait and be sent again.
    let bulk = ["CancelOrders", "ChangeOrderStates", "ImportFeed"].map(str::to_owned).into();
    nothing_wrong(differences(
        &declared,
        &bulk,
        "a change that is CRITICALITY_SHEDDABLE",
        "the bulk methods",
    ));
}

fn names(wanted: impl Fn(&Method, Criticality) -> bool) -> BTreeSet<String> {
    let chosen = methods()
        .into_iter()
        .filter(|method| method.policy.is_some_and(|policy| wanted(method, policy.criticality)));
    chosen.map(|method| method.name().to_owned()).collect()
}

fn differences(declared: &BTreeSet<String>, meant: &BTreeSet<String>, kind: &str, list: &str) -> Vec<String> {
    let unexpected = declared.difference(meant).map(|name| format!("{name}: {kind}, and not in {list}"));
    let missing = meant.difference(declared).map(|name| format!("{name}: in {list}, and not {kind}"));
    unexpected.chain(missing).collect()
}
