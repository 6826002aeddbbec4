//! The chart and the binary agree: every command that the chart runs exists, and every variable that it sets is known.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde::Deserialize;

use crate::suite::Suite;

/// What stands in Secrets: long enough for a secret, and no database that answers.
const FROM_A_SECRET: &str = "postgres://korob:a-password@127.0.0.1:1/korob";

/// One pod of `charts/korob/tests/environment.json`.
#[derive(Deserialize)]
struct Workload {
    arguments: Vec<String>,
    /// Null for what comes from a Secret.
    variables: BTreeMap<String, Option<String>>,
}

#[test]
fn the_binary_knows_every_variable_that_the_chart_sets() {
    for (name, workload) in workloads() {
        let output = run(&["openapi".to_owned()], &workload.variables);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    // So that the test would fail.
    let unknown = BTreeMap::from([("KOROB__GATEWAY__PORT".to_owned(), Some("8080".to_owned()))]);
    let output = run(&["openapi".to_owned()], &unknown);
    assert!(String::from_utf8_lossy(&output.stderr).contains("unknown field `port`"));
}

#[test]
fn the_binary_knows_every_command_that_the_chart_runs() {
    for (name, workload) in workloads() {
        // The configuration is read once the command line is understood, and this one is refused.
        let wrong = BTreeMap::from([("KOROB__GATEWAY__PORT".to_owned(), Some("8080".to_owned()))]);
        let output = run(&workload.arguments, &wrong);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("unknown field `port`"), "{name}: {:?}: {said}", workload.arguments);
    }
}

fn workloads() -> BTreeMap<String, Workload> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/korob/tests/environment.json");
    let text = std::fs::read_to_string(path).unwrap();
    let workloads: BTreeMap<String, Workload> = serde_json::from_str(&text).unwrap();
    assert!(workloads.len() > 10, "the chart has more than {} pods", workloads.len());
    workloads
}

fn run(arguments: &[String], variables: &BTreeMap<String, Option<String>>) -> Output {
    let mut command = Command::new(Suite::binary());
    command.args(arguments).stdin(Stdio::null());
    for (name, value) in variables {
        command.env(name, value.as_deref().unwrap_or(FROM_A_SECRET));
    }
    command.output().unwrap()
}
