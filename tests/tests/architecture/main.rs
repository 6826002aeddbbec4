//! What the tree must look like: who may depend on whom, what a service's folder holds, how sources begin and what they
//! may not say. Each test collects everything that is wrong and says what to do about it.

mod call_graph;
mod dependencies;
mod migrations;
mod services;
mod sources;
mod tree;

/// Fails with all `problems` at once.
#[track_caller]
fn nothing_wrong(problems: Vec<String>) {
    assert!(problems.is_empty(), "{} problem(s):\n  - {}\n", problems.len(), problems.join("\n  - "));
}
