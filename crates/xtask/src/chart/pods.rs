//! What every pod of the chart keeps to: Pod Security "restricted", probes, an orderly end, secrets by reference.

use anyhow::Result;
use serde_json::{Value, json};

use crate::chart::{
    Seen,
    manifests::{Rendering, component, items, title},
    nothing_wrong,
};

/// What a pod has, whoever made it.
const OF_PODS: [(&str, Value); 6] = [
    ("/automountServiceAccountToken", Value::Bool(false)),
    ("/enableServiceLinks", Value::Bool(false)),
    ("/securityContext/runAsNonRoot", Value::Bool(true)),
    ("/hostNetwork", Value::Null),
    ("/hostPID", Value::Null),
    ("/hostIPC", Value::Null),
];
/// What a container may do.
const OF_CONTAINERS: [(&str, Value); 4] = [
    ("/securityContext/allowPrivilegeEscalation", Value::Bool(false)),
    ("/securityContext/readOnlyRootFilesystem", Value::Bool(true)),
    ("/securityContext/privileged", Value::Null),
    ("/securityContext/capabilities/add", Value::Null),
];
/// The user of the image.
const USER: u64 = 65532;
/// What must be there, whatever it is.
const OF_SERVICES: [&str; 5] = [
    "/startupProbe/httpGet/path",
    "/readinessProbe/httpGet/path",
    "/livenessProbe/httpGet/path",
    "/lifecycle/preStop/sleep/seconds",
    "/resources/limits/memory",
];
/// A variable with one of these in its name is a secret.
const SECRETS: [&str; 4] = ["SECRET", "PASSWORD", "DATABASE_URL", "READER_URL"];

/// Looks at every Deployment, Job and CronJob.
pub fn check(rendering: &Rendering) -> Result<Seen> {
    let mut problems: Vec<_> = rendering
        .of_kind("Secret")
        .map(|secret| format!("{}: the chart holds no secrets", title(secret)))
        .collect();
    let mut count = 0;
    for (object, template) in rendering.workloads() {
        let (pod, name) = (&template["spec"], title(object));
        let container = &pod["containers"][0];
        let mut want = |at: &str, is: &Value, wanted: &Value| {
            if is != wanted {
                problems.push(format!("{name}: {at} is {is} and must be {wanted}"));
            }
        };
        OF_PODS.iter().for_each(|(at, wanted)| want(at, pod.pointer(at).unwrap_or(&Value::Null), wanted));
        OF_CONTAINERS
            .iter()
            .for_each(|(at, wanted)| want(at, container.pointer(at).unwrap_or(&Value::Null), wanted));
        want("runAsUser", &pod["securityContext"]["runAsUser"], &json!(USER));
        want("seccompProfile", &pod["securityContext"]["seccompProfile"]["type"], &json!("RuntimeDefault"));
        want("capabilities", &container["securityContext"]["capabilities"]["drop"], &json!(["ALL"]));
        problems.extend(
            plain_secrets(container).map(|variable| format!("{name}: {variable} stands there in clear")),
        );
        if object["kind"] == "Deployment" {
            problems.extend(
                missing_of_service(rendering, object).into_iter().map(|what| format!("{name}: {what}")),
            );
        }
        count += 1;
    }
    nothing_wrong(&problems)?;
    Ok(Seen {
        count,
        what: "pods keep to Pod Security \"restricted\", with probes, a drain and no secret in clear",
    })
}

/// Variables whose value is a secret that stands in the manifest.
fn plain_secrets(container: &Value) -> impl Iterator<Item = &str> {
    items(&container["env"]).iter().filter_map(|variable| {
        let name = variable["name"].as_str()?;
        let is_secret = SECRETS.iter().any(|part| name.contains(part));
        let refers =
            variable["value"].is_null() || variable["value"].as_str()?.contains(":$(POSTGRES_PASSWORD)@");
        (is_secret && !refers).then_some(name)
    })
}

/// What a service lacks that must live through the loss of a node and through upgrades.
fn missing_of_service(rendering: &Rendering, deployment: &Value) -> Vec<String> {
    let (pod, labels) =
        (&deployment["spec"]["template"]["spec"], &deployment["spec"]["selector"]["matchLabels"]);
    let container = &pod["containers"][0];
    let missing = OF_SERVICES.iter().filter(|at| container.pointer(at).is_none());
    let mut missing: Vec<_> = missing.map(|at| format!("{at} is missing")).collect();
    let number = |value: &Value| value.as_u64().unwrap_or_default();
    let pause = number(&container["lifecycle"]["preStop"]["sleep"]["seconds"]);
    if number(&pod["terminationGracePeriodSeconds"]) <= pause {
        missing.push("terminationGracePeriodSeconds leaves no time to drain".to_owned());
    }
    if items(&pod["topologySpreadConstraints"]).is_empty() {
        missing.push("its pods are not spread".to_owned());
    }
    let scaled = rendering
        .of_kind("HorizontalPodAutoscaler")
        .any(|scaler| scaler["spec"]["scaleTargetRef"]["name"] == deployment["metadata"]["name"]);
    let replicas = &deployment["spec"]["replicas"];
    if scaled != replicas.is_null() {
        missing.push("its replicas are counted by two, or by nobody".to_owned());
    }
    let guarded = rendering
        .of_kind("PodDisruptionBudget")
        .any(|budget| budget["spec"]["selector"]["matchLabels"] == *labels);
    if (scaled || number(replicas) > 1) && !guarded {
        missing.push(format!("{} has no PodDisruptionBudget", component(labels)));
    }
    missing
}
