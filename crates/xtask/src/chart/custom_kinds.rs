//! Kinds that operators add: no schema of theirs is at hand, so what we rely on is looked at here, and no more than that.

use anyhow::{Result, bail};
use serde_json::Value;

use crate::chart::{
    Seen,
    manifests::{Rendering, items, name, title},
    nothing_wrong,
};

/// The kinds, the version of each, and the fields without which it does nothing.
const KINDS: [(&str, &str, &[&str]); 7] = [
    (
        "Certificate",
        "cert-manager.io/v1",
        &[
            "/spec/secretName",
            "/spec/issuerRef/name",
            "/spec/issuerRef/kind",
            "/spec/duration",
            "/spec/renewBefore",
            "/spec/privateKey/rotationPolicy",
        ],
    ),
    (
        "Cluster",
        "postgresql.cnpg.io/v1",
        &[
            "/spec/instances",
            "/spec/storage/size",
            "/spec/bootstrap/initdb/database",
            "/spec/bootstrap/initdb/owner",
        ],
    ),
    ("Database", "postgresql.cnpg.io/v1", &["/spec/name", "/spec/owner", "/spec/cluster/name"]),
    (
        "HTTPRoute",
        "gateway.networking.k8s.io/v1",
        &["/spec/parentRefs/0/name", "/spec/rules/0/backendRefs/0/name", "/spec/rules/0/backendRefs/0/port"],
    ),
    ("Issuer", "cert-manager.io/v1", &[]),
    ("PrometheusRule", "monitoring.coreos.com/v1", &["/spec/groups/0/name", "/spec/groups/0/rules/0/expr"]),
    ("ServiceMonitor", "monitoring.coreos.com/v1", &["/spec/selector/matchLabels", "/spec/endpoints/0/port"]),
];

/// Whether Kubernetes itself has no schema for an object.
pub fn is_custom(object: &Value) -> bool {
    version_of(object).is_some_and(|(_, version, _)| object["apiVersion"] == *version)
}

/// Looks at the objects of all these kinds, and that what they refer to is there.
pub fn check(rendering: &Rendering) -> Result<Seen> {
    let custom: Vec<_> = rendering.objects.iter().filter(|object| is_custom(object)).collect();
    let mut problems = Vec::new();
    for object in &custom {
        let Some((_, _, fields)) = version_of(object) else { bail!("{}: is unknown", title(object)) };
        let missing = fields.iter().filter(|field| object.pointer(field).is_none_or(Value::is_null));
        problems.extend(missing.map(|field| format!("{}: {field} is missing", title(object))));
        if !refers_to_something(object, rendering) {
            problems.push(format!("{}: refers to nothing of this release", title(object)));
        }
    }
    nothing_wrong(&problems)?;
    Ok(Seen {
        count: custom.len(),
        what: "objects of operators such as CloudNativePG and cert-manager, only what we rely on",
    })
}

fn version_of(object: &Value) -> Option<&'static (&'static str, &'static str, &'static [&'static str])> {
    KINDS.iter().find(|(kind, _, _)| object["kind"] == *kind)
}

fn refers_to_something(object: &Value, rendering: &Rendering) -> bool {
    match object["kind"].as_str() {
        Some("Certificate") => {
            let issuer = object["spec"]["issuerRef"]["name"].as_str().unwrap_or_default();
            // Another one is the cluster's or the operator's.
            let is_made = rendering.of_kind("Issuer").next().is_some();
            !is_made || rendering.of_kind("Issuer").any(|other| name(other) == issuer)
        }
        Some("Issuer") => {
            let authority = &object["spec"]["ca"]["secretName"];
            let signs_itself = object["spec"]["selfSigned"].is_object();
            signs_itself
                || rendering.of_kind("Certificate").any(|certificate| {
                    certificate["spec"]["isCA"] == true && certificate["spec"]["secretName"] == *authority
                })
        }
        Some("Database") => {
            let cluster = object["spec"]["cluster"]["name"].as_str().unwrap_or_default();
            rendering.of_kind("Cluster").any(|other| name(other) == cluster)
        }
        Some("HTTPRoute") => {
            let backend = &object["spec"]["rules"][0]["backendRefs"][0];
            rendering.of_kind("Service").any(|service| {
                backend["name"] == name(service)
                    && items(&service["spec"]["ports"]).iter().any(|port| port["port"] == backend["port"])
            })
        }
        Some("ServiceMonitor") => {
            let wanted = object["spec"]["selector"]["matchLabels"].as_object();
            let port = &object["spec"]["endpoints"][0]["port"];
            rendering.of_kind("Service").any(|service| {
                let labels = &service["metadata"]["labels"];
                wanted.is_some_and(|wanted| wanted.iter().all(|(key, value)| labels[key] == *value))
                    && items(&service["spec"]["ports"]).iter().any(|other| other["name"] == *port)
            })
        }
        _ => true,
    }
}
