//! What a service says that it calls is what its sources call; that it can call nobody else, the platform sees to.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::nothing_wrong;
use crate::tree::{Source, read, services, sources_below};

/// What stands before the name of a service that is called, and in which argument.
const CALLS: [(&str, usize); 3] =
    [(".channel(", 0), ("Subscription::new(", 1), ("Subscription::together(", 1)];

#[test]
fn what_is_declared_is_called() {
    let graph: Value = serde_json::from_str(&read("services/korob/call-graph.json")).expect("it is JSON");
    let mut problems = Vec::new();
    for service in services() {
        let sources = sources_below(&[&format!("services/{service}/src")]);
        let called: BTreeSet<String> = sources.iter().flat_map(called_in).collect();
        let declared = graph[&service].as_array().map(Vec::as_slice).unwrap_or_default();
        let declared: BTreeSet<String> =
            declared.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
        if called != declared {
            problems.push(format!("{service}: says that it calls {declared:?} and calls {called:?}"));
        }
    }
    nothing_wrong(problems);
}

/// The names of the services that a source calls or subscribes to.
fn called_in(source: &Source) -> Vec<String> {
    let code: String = source.code().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
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
