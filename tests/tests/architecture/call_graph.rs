//! What a service says that it calls is what its sources call; that it can call nothing else, the platform sees to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::nothing_wrong;
use crate::tree::{Source, read, services, sources_below};

/// What stands before the name of a service that is called, and in which argument.
const CALLS: [(&str, usize); 3] =
    [(".channel(", 0), ("Subscription::new(", 1), ("Subscription::together(", 1)];
/// What subscribers call, by the library of events.
const READ_EVENTS: &str = "ReadEvents";

#[test]
fn what_is_declared_is_called() {
    let graph: Value = serde_json::from_str(&read("services/korob/call-graph.json")).expect("it is JSON");
    let names = names_in_code();
    let mut problems = Vec::new();
    for service in services() {
        let sources = sources_below(&[&format!("services/{service}/src")]);
        let called: BTreeSet<String> = sources.iter().flat_map(called_in).collect();
        let declared = graph[&service].as_object().cloned().unwrap_or_default();
        let callees: BTreeSet<String> = declared.keys().cloned().collect();
        if called != callees {
            problems.push(format!("{service}: says that it calls {callees:?} and calls {called:?}"));
        }
        let code: String = sources.iter().map(text_of).collect();
        for (callee, said) in declared {
            let said: BTreeSet<&str> =
                said.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            for method in said.iter().filter(|method| **method != READ_EVENTS) {
                let name = names.get(&(callee.as_str(), *method));
                if !name.is_some_and(|name| code.contains(&format!(".{name}("))) {
                    problems
                        .push(format!("{service}: says that it calls {method} of {callee}, and does not"));
                }
            }
        }
    }
    nothing_wrong(problems);
}

/// By service and method, what the method is called in code.
fn names_in_code() -> BTreeMap<(&'static str, &'static str), &'static str> {
    let names = rpc::policies().filter_map(|policy| {
        let (service, name) = policy.operation.split_once('.')?;
        Some(((service, policy.method), name))
    });
    names.collect()
}

/// The names of the services that a source calls or subscribes to.
fn called_in(source: &Source) -> Vec<String> {
    let code = text_of(source);
    let mut called = Vec::new();
    for (call, argument) in CALLS {
        for (at, _) in code.match_indices(call) {
            let name = code[at + call.len()..].split(',').map(str::trim).nth(argument);
            let name = name.and_then(|text| text.strip_prefix('"')?.split('"').next());
            called.extend(name.map(str::to_owned));
        }
    }
    called
}

fn text_of(source: &Source) -> String {
    source.code().map(|(_, line)| line).collect::<Vec<_>>().join("\n")
}
