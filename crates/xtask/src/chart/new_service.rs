//! A new service is four lines of values: it gets what all have, and the ways it says it goes.

use std::fs;

use anyhow::Result;

use crate::chart::{
    KUBERNETES, folder,
    manifests::{Helm, component, items, name},
    nothing_wrong,
};

const FILE: &str = "tests/new_service.yaml";
const LINES_MAX: usize = 4;
const KINDS: [&str; 5] = ["Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget", "Certificate"];

/// Renders with a service that no other file knows.
pub fn check(helm: &Helm) -> Result<String> {
    let path = folder().join(FILE);
    let lines = fs::read_to_string(&path)?.lines().filter(|line| !line.starts_with('#')).count();
    let rendering = helm.render_with(&path, "new_service", KUBERNETES[0])?;

    let mut problems = Vec::new();
    if lines > LINES_MAX {
        problems.push(format!("{FILE} has {lines} lines"));
    }
    let missing =
        KINDS.iter().filter(|kind| !rendering.of_kind(kind).any(|object| name(object) == "korob-loyalty"));
    problems.extend(missing.map(|kind| format!("it has no {kind}")));
    let customers = rendering.of_kind("NetworkPolicy").find(|policy| name(policy) == "korob-customers");
    let callers = customers.iter().flat_map(|policy| items(&policy["spec"]["ingress"]));
    let mut callers = callers.flat_map(|rule| items(&rule["from"]));
    if !callers.any(|peer| component(&peer["podSelector"]["matchLabels"]) == "loyalty") {
        problems.push("customers does not let it in".to_owned());
    }
    let migrates = rendering.of_kind("Job").any(|job| job.to_string().contains("LOYALTY__DATABASE_URL"));
    if !migrates {
        problems.push("its database is not migrated".to_owned());
    }
    let operated = rendering.of_kind("CronJob").any(|job| job.to_string().contains("LOYALTY__ADDRESS"));
    if !operated {
        problems.push("operators do not know where it is".to_owned());
    }
    nothing_wrong(&problems)?;
    Ok(format!("{lines} lines of values"))
}
