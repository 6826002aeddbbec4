//! Every method says who may call it, how a repeat behaves, how long it may take and what it leaves behind.

use std::collections::HashMap;
use std::time::Duration;

use proto::api::v1::{Access, Criticality, Idempotency};

use crate::nothing_wrong;
use crate::suite::{Method, methods};

/// Methods that ask for no scope, each with its reason.
const WITHOUT_SCOPE: [(&str, &str); 5] = [
    ("AuthenticateKey", "asked by the gateway before anybody's scopes are known"),
    ("ReadEvents", "services of the suite read each other's logs; no key reaches it"),
    ("ListParkedEvents", "an operator's tool; no key reaches it"),
    ("ReplayParkedEvent", "an operator's tool; no key reaches it"),
    ("ResetCursor", "an operator's tool; no key reaches it"),
];

/// Methods that change something without a row of history of their own, each with its reason.
const WITHOUT_AUDIT: [(&str, &str); 1] =
    [("ReplayParkedEvent", "makes an event due again; what applying it changes is audited there")];

/// A unary call that takes longer is a job, not a call.
const UNARY_DEADLINE_MAX: Duration = Duration::from_secs(30);

#[test]
fn every_method_has_a_whole_policy() {
    nothing_wrong(each(|method| {
        let Some(policy) = method.policy else {
            return vec!["declare (korob.api.v1.policy)".to_owned()];
        };
        let mut wrong = Vec::new();
        if policy.access == Access::Unspecified {
            wrong.push("policy.access: choose ACCESS_KEY, ACCESS_INTERNAL or ACCESS_BUYER".to_owned());
        }
        if policy.idempotency == Idempotency::Unspecified {
            wrong.push("policy.idempotency: choose how a repeated call behaves".to_owned());
        }
        if policy.criticality == Criticality::Unspecified {
            wrong.push("policy.criticality: choose what is refused last under overload".to_owned());
        }
        // A missing deadline reads as one millisecond.
        if policy.deadline_max <= Duration::from_millis(1) {
            wrong.push("policy.deadline_ms_max: give it a deadline".to_owned());
        }
        let streams = method.descriptor.is_client_streaming() || method.descriptor.is_server_streaming();
        if policy.deadline_max > UNARY_DEADLINE_MAX && !streams {
            wrong.push(format!("policy.deadline_ms_max: a unary call takes at most {UNARY_DEADLINE_MAX:?}"));
        }
        wrong
    }));
}

#[test]
fn every_method_asks_for_a_scope_of_its_own_service() {
    nothing_wrong(each(|method| {
        let Some(policy) = method.policy else { return Vec::new() };
        let excused = WITHOUT_SCOPE.iter().any(|(name, _)| *name == method.name());
        match (policy.scope.split_once('.'), excused) {
            _ if policy.access == Access::Buyer && policy.scope == rpc::BUYER_SCOPE => Vec::new(),
            _ if policy.access == Access::Buyer => {
                vec![format!("policy.scope: buyers hold only {}", rpc::BUYER_SCOPE)]
            }
            (None, true) if policy.access == Access::Internal => Vec::new(),
            (None, true) => vec!["a method without a scope must be ACCESS_INTERNAL".to_owned()],
            (None, false) => {
                vec!["policy.scope: name one, such as \"orders.read\", or add it to WITHOUT_SCOPE".to_owned()]
            }
            (Some(_), true) => vec!["has a scope now: remove it from WITHOUT_SCOPE".to_owned()],
            (Some((area, _)), false) if area == method.area() => Vec::new(),
            (Some(_), false) => {
                vec![format!("policy.scope: {} is not a scope of {}", policy.scope, method.area())]
            }
        }
    }));
}

#[test]
fn every_method_that_changes_something_writes_history_and_no_other_does() {
    nothing_wrong(each(|method| {
        let Some(policy) = method.policy else { return Vec::new() };
        let excused = WITHOUT_AUDIT.iter().any(|(name, _)| *name == method.name());
        match (policy.idempotency, policy.audited) {
            (Idempotency::Read, true) => vec!["only reads: audited must be false".to_owned()],
            (Idempotency::Keyed | Idempotency::Natural, false) if !excused => {
                vec!["changes something: set audited, or add it to WITHOUT_AUDIT with the reason".to_owned()]
            }
            (Idempotency::Keyed | Idempotency::Natural, true) if excused => {
                vec!["is audited now: remove it from WITHOUT_AUDIT".to_owned()]
            }
            _ => Vec::new(),
        }
    }));
}

#[test]
fn methods_that_get_or_list_only_read() {
    nothing_wrong(each(|method| {
        let reads_by_name = method.name().starts_with("Get") || method.name().starts_with("List");
        let reads = method.policy.is_some_and(|policy| policy.idempotency == Idempotency::Read);
        match reads_by_name && !reads {
            true => vec!["is named like a read: make it IDEMPOTENCY_READ or name the verb".to_owned()],
            false => Vec::new(),
        }
    }));
}

#[test]
fn operations_have_one_name_each() {
    let mut seen: HashMap<&str, String> = HashMap::new();
    let mut problems = Vec::new();
    for method in methods() {
        let Some(policy) = method.policy else { continue };
        if let Some(other) = seen.insert(policy.operation, method.full_name().to_owned()) {
            problems.push(format!(
                "{} and {other} are both {}: rename one",
                method.full_name(),
                policy.operation
            ));
        }
    }
    nothing_wrong(problems);
}

#[test]
fn the_suite_has_methods() {
    assert!(
        methods().len() > 60,
        "the descriptors were not read; every other test here would pass without checking"
    );
}

/// What `look` finds wrong with each method, with the method's name before it.
fn each(look: impl Fn(&Method) -> Vec<String>) -> Vec<String> {
    let prefixed = |method: Method| {
        let wrong = look(&method);
        wrong.into_iter().map(move |text| format!("{}: {text}", method.full_name()))
    };
    methods().into_iter().flat_map(prefixed).collect()
}
