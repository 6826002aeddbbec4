//! Who calls or is called proves its role: by a certificate that says it, where the binary looks for it, and under addresses that
//! begin with `https`. Or nobody does, where that was chosen.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::Value;

use crate::chart::{
    KUBERNETES, folder,
    manifests::{Helm, Rendering, items, title},
    nothing_wrong,
};

/// More values than those that are committed as golden renders.
const FOLDER: &str = "tests/identities";
const MORE: [&str; 3] = ["none", "secrets", "all_in_one"];
/// Values without TLS: services speak to each other inside of a pod, or were told to.
const IN_CLEAR: [&str; 3] = ["min", "shared", "none"];

/// The roles that are no service's.
const WHOLE: &str = "korob";
const OPERATOR: &str = "operator";

const FILES: [&str; 3] = ["ca.crt", "tls.crt", "tls.key"];
const USAGES: [&str; 3] = ["client auth", "digital signature", "server auth"];

/// What a container is told and asked to do.
struct Process<'a> {
    title: String,
    arguments: Vec<&'a str>,
    variables: Vec<(&'a str, &'a str)>,
    mounts: &'a [Value],
    volumes: &'a [Value],
}

/// Looks at all renderings, and at some more.
pub fn check(helm: &Helm, renderings: &[Rendering]) -> Result<String> {
    let more = MORE.iter().map(|values| {
        helm.render_with(&folder().join(FOLDER).join(format!("{values}.yaml")), values, KUBERNETES[0])
    });
    let more: Vec<_> = more.collect::<Result<_>>()?;
    let (mut problems, mut proving) = (Vec::new(), 0);
    for rendering in renderings.iter().chain(&more) {
        let in_clear = IN_CLEAR.contains(&rendering.values.as_str());
        let mut secrets = BTreeSet::new();
        for process in processes(rendering) {
            let wrong = match (process.variable("KOROB__TLS__DIR"), process.speaks() && !in_clear) {
                (None, false) => process.problems_of_addresses("http://"),
                (None, true) => vec!["does not prove who it is".to_owned()],
                (Some(_), false) => vec!["has a certificate and nobody to show it to".to_owned()],
                (Some(directory), true) => {
                    proving += 1;
                    let mut wrong = process.problems_of_addresses("https://");
                    wrong.extend(process.problems_of_certificate(directory, rendering));
                    secrets.extend(process.secret(directory).map(str::to_owned));
                    wrong
                }
            };
            problems.extend(
                wrong.into_iter().map(|what| format!("{} {}: {what}", rendering.values, process.title)),
            );
        }
        let unused = leaves(rendering)
            .filter(|leaf| !leaf["spec"]["secretName"].as_str().is_some_and(|name| secrets.contains(name)));
        problems
            .extend(unused.map(|leaf| format!("{} {}: is nobody's identity", rendering.values, title(leaf))));
    }
    nothing_wrong(&problems)?;
    Ok(format!("{proving} workloads prove their roles; {} values files without TLS", IN_CLEAR.len()))
}

fn processes(rendering: &Rendering) -> impl Iterator<Item = Process<'_>> {
    rendering.workloads().map(|(object, template)| {
        let container = &template["spec"]["containers"][0];
        Process {
            title: title(object),
            arguments: items(&container["args"]).iter().map(text).collect(),
            variables: items(&container["env"])
                .iter()
                .map(|one| (text(&one["name"]), text(&one["value"])))
                .collect(),
            mounts: items(&container["volumeMounts"]),
            volumes: items(&template["spec"]["volumes"]),
        }
    })
}

/// The certificates that name somebody: not those of authorities.
fn leaves(rendering: &Rendering) -> impl Iterator<Item = &Value> {
    rendering.of_kind("Certificate").filter(|certificate| certificate["spec"]["isCA"] != true)
}

impl Process<'_> {
    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(other, _)| *other == name).map(|(_, value)| *value)
    }

    fn addresses(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().copied().filter(|(name, _)| name.ends_with("__ADDRESS"))
    }

    /// Whether it calls services, or has ports that are called.
    fn speaks(&self) -> bool {
        self.addresses().next().is_some() || self.role() == WHOLE
    }

    fn role(&self) -> &str {
        match self.arguments[..] {
            ["serve", role] => role,
            ["up"] => WHOLE,
            _ => OPERATOR,
        }
    }

    fn problems_of_addresses(&self, scheme: &str) -> Vec<String> {
        let wrong = self.addresses().filter(|(_, address)| !address.starts_with(scheme));
        wrong.map(|(name, address)| format!("{name} is {address} and must begin with {scheme}")).collect()
    }

    fn problems_of_certificate(&self, directory: &str, rendering: &Rendering) -> Vec<String> {
        let mut problems = Vec::new();
        let mount = self.mounts.iter().find(|mount| mount["mountPath"] == directory);
        // What a `subPath` mounts stays as it was when the pod was made.
        if !mount.is_some_and(|mount| mount["readOnly"] == true && mount["subPath"].is_null()) {
            problems.push(format!("{directory} is no mount of a whole volume, read-only"));
        }
        let files: BTreeSet<_> = self
            .sources(directory)
            .flat_map(|source| paths(&source["secret"]).chain(paths(&source["configMap"])))
            .collect();
        if files != FILES.into() {
            problems.push(format!("{directory} has {files:?} and must have {FILES:?}"));
        }

        let (role, secret) = (self.role(), self.secret(directory).unwrap_or_default());
        if rendering.of_kind("Certificate").next().is_none() {
            if !secret.ends_with(&format!("-{role}")) {
                problems.push(format!("the Secret {secret} is not named after the role {role}"));
            }
            return problems;
        }
        let domain = self.variable("KOROB__TLS__TRUST_DOMAIN").unwrap_or_default();
        let Some(leaf) = leaves(rendering).find(|leaf| leaf["spec"]["secretName"] == secret) else {
            problems.push(format!("no Certificate makes the Secret {secret}"));
            return problems;
        };
        let texts = |at: &str| -> BTreeSet<_> { items(&leaf["spec"][at]).iter().map(text).collect() };
        // Commands in the pod of the whole suite find no other certificate than its own.
        let roles = if role == WHOLE { &[role, OPERATOR][..] } else { &[role] };
        let uris: Vec<_> = roles.iter().map(|role| format!("spiffe://{domain}/{role}")).collect();
        if texts("uris") != uris.iter().map(String::as_str).collect() {
            problems.push(format!("its certificate names {:?}", texts("uris")));
        }
        if texts("usages") != USAGES.into() {
            problems.push(format!("its certificate is for {:?}", texts("usages")));
        }
        problems
    }

    /// Where the Secret's name stands.
    fn secret(&self, directory: &str) -> Option<&str> {
        self.sources(directory).find_map(|source| source["secret"]["name"].as_str())
    }

    fn sources(&self, directory: &str) -> impl Iterator<Item = &Value> {
        let mount = self.mounts.iter().find(|mount| mount["mountPath"] == directory);
        let volume =
            mount.and_then(|mount| self.volumes.iter().find(|volume| volume["name"] == mount["name"]));
        volume.map(|volume| items(&volume["projected"]["sources"])).unwrap_or_default().iter()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn paths(source: &Value) -> impl Iterator<Item = &str> {
    items(&source["items"]).iter().filter_map(|item| item["path"].as_str())
}
