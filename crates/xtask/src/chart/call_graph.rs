//! The ways that are open on the network are those that the services say they go, and no others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    chart::{
        folder,
        manifests::{Helm, Rendering, component, items, selects, title},
        nothing_wrong,
    },
    workspace,
};

/// What `korob call-graph` prints; a test of the binary keeps it so.
const CALL_GRAPH: &str = "services/korob/call-graph.json";
const GRPC: &str = "grpc";
/// Who calls and is no service: whoever runs commands.
const OPERATOR: &str = "operator";

/// By caller and callee the methods.
type Graph = BTreeMap<String, BTreeMap<String, Vec<String>>>;
/// Who calls whom.
type Edges = BTreeSet<(String, String)>;

/// Compares the binary's call graph with values.yaml and with both directions of the NetworkPolicies.
pub fn check(helm: &Helm, renderings: &[&Rendering]) -> Result<String> {
    let text = fs::read_to_string(workspace::root().join(CALL_GRAPH)).context(CALL_GRAPH)?;
    let mut declared: Graph = serde_json::from_str(&text).context(CALL_GRAPH)?;
    let declared_edges = edges(&declared);
    declared.remove(OPERATOR);
    let values = helm.objects(&folder().join("values.yaml"))?;
    let services = values.first().and_then(|values| values["services"].as_object()).context("services")?;
    let named: BTreeSet<_> = services.keys().collect();
    ensure!(
        named == declared.keys().collect(),
        "services: values.yaml has {named:?}, the binary {:?}",
        declared.keys()
    );

    let mut problems = Vec::new();
    let of_values = services.iter().flat_map(|(caller, service)| {
        items(&service["calls"])
            .iter()
            .map(|callee| (caller.clone(), callee.as_str().unwrap_or_default().to_owned()))
    });
    compare("values.yaml", &of_values.collect(), &edges(&declared), &mut problems);
    for rendering in renderings {
        let (mut into, mut out) = (Edges::new(), Edges::new());
        for policy in rendering.of_kind("NetworkPolicy") {
            let own = component(&policy["spec"]["podSelector"]["matchLabels"]);
            let callers = peers(rendering, policy, "ingress", "from", &mut problems);
            into.extend(callers.map(|caller| (caller, own.to_owned())));
            let callees = peers(rendering, policy, "egress", "to", &mut problems);
            out.extend(callees.map(|callee| (own.to_owned(), callee)));
        }
        compare(
            &format!("{}: what policies let in", rendering.values),
            &into,
            &declared_edges,
            &mut problems,
        );
        compare(
            &format!("{}: what policies let out", rendering.values),
            &out,
            &declared_edges,
            &mut problems,
        );
        problems.extend(without_policy(rendering));
    }
    nothing_wrong(&problems)?;
    Ok(format!(
        "{} edges in the binary, values.yaml and both directions of NetworkPolicies",
        declared_edges.len()
    ))
}

fn edges(graph: &Graph) -> Edges {
    let of_caller = |(caller, callees): (&String, &BTreeMap<String, _>)| {
        Vec::from_iter(callees.keys().map(|callee| (caller.clone(), callee.clone())))
    };
    graph.iter().flat_map(of_caller).collect()
}

/// The components at the other end of a policy's rules for gRPC.
fn peers(
    rendering: &Rendering,
    policy: &Value,
    direction: &str,
    end: &str,
    problems: &mut Vec<String>,
) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    for rule in items(&policy["spec"][direction]) {
        let ports = items(&rule["ports"]);
        if ports.is_empty() {
            problems.push(format!("{}: a rule opens every port", title(policy)));
        }
        if !ports.iter().any(|port| port["port"] == GRPC) {
            continue;
        }
        if items(&rule[end]).is_empty() {
            problems.push(format!("{}: gRPC is open to everybody", title(policy)));
        }
        for peer in items(&rule[end]) {
            let labels = &peer["podSelector"]["matchLabels"];
            let is_ours = !labels["app.kubernetes.io/instance"].is_null()
                && rendering
                    .workloads()
                    .any(|(_, pods)| selects(&peer["podSelector"], &pods["metadata"]["labels"]));
            match component(labels) {
                "" => {
                    problems.push(format!("{}: gRPC is open to more than a part of the suite", title(policy)))
                }
                part if is_ours => found.push(part.to_owned()),
                part => problems.push(format!("{}: {part} of any release, or nobody", title(policy))),
            }
        }
    }
    found.into_iter()
}

/// Pods that anybody may call, or that may call anybody.
fn without_policy(rendering: &Rendering) -> Vec<String> {
    let both: Vec<Value> = vec!["Ingress".into(), "Egress".into()];
    let unguarded = rendering.workloads().filter(|(_, pods)| {
        !rendering.of_kind("NetworkPolicy").any(|policy| {
            selects(&policy["spec"]["podSelector"], &pods["metadata"]["labels"])
                && items(&policy["spec"]["policyTypes"]) == both
        })
    });
    unguarded.map(|(object, _)| format!("{} {}: has no policy", rendering.values, title(object))).collect()
}

fn compare(what: &str, found: &Edges, declared: &Edges, problems: &mut Vec<String>) {
    let tell = |(caller, callee): &(String, String)| format!("{caller} → {callee}");
    problems.extend(found.difference(declared).map(|edge| format!("{what}: {} is too much", tell(edge))));
    problems.extend(declared.difference(found).map(|edge| format!("{what}: {} is missing", tell(edge))));
}
