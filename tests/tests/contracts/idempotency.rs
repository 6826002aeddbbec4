//! A keyed method carries its key, under one name and number; no other method does.

use prost_reflect::{Cardinality, Kind};
use proto::api::v1::Idempotency;

use crate::nothing_wrong;
use crate::suite::{is_required, methods};

/// One number everywhere, far from the fields of a growing request.
const KEY_FIELD_NUMBER: u32 = 100;

#[test]
fn keyed_methods_require_an_idempotency_key() {
    let mut problems = Vec::new();
    for method in methods() {
        let Some(policy) = method.policy else { continue };
        let request = method.descriptor.input().name().to_owned();
        match (policy.idempotency, method.request_field("idempotency_key")) {
            (Idempotency::Keyed, None) => {
                problems.push(format!("{request}: add `string idempotency_key = {KEY_FIELD_NUMBER}`, required"));
            }
            (Idempotency::Keyed, Some(field)) => {
                let singular_text = field.kind() == Kind::String && field.cardinality() != Cardinality::Repeated;
                if !singular_text || field.number() != KEY_FIELD_NUMBER || !is_required(&field) {
                    problems.push(format!(
                        "{request}.idempotency_key: a required string with number {KEY_FIELD_NUMBER}, as everywhere"
                    ));
                }
            }
            (_, Some(_)) => problems.push(format!(
                "{request}.idempotency_key: {} is not IDEMPOTENCY_KEYED; remove the field or change the policy",
                method.name()
            )),
            (_, None) => {}
        }
    }
    nothing_wrong(problems);
}

#[test]
fn no_two_methods_share_a_keyed_request() {
    // The fingerprint of a keyed call is its request; a shared message would let one method's key meet another's.
    let keyed = methods().into_iter().filter(|method| method.request_field("idempotency_key").is_some());
    let mut requests: Vec<_> = keyed.map(|method| method.descriptor.input().full_name().to_owned()).collect();
    requests.sort();
    let shared = requests.windows(2).filter(|pair| pair[0] == pair[1]);
    nothing_wrong(
        shared.map(|pair| format!("{}: give each keyed method a request of its own", pair[0])).collect(),
    );
}
