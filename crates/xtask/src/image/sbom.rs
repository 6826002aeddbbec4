//! The list of what the binary is made of, as CycloneDX: its crates from `cargo metadata`, and the C library that is linked in.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{shell, workspace};

#[cfg(test)]
mod tests;

const BINARY: &str = "korob";

/// CycloneDX 1.6 in JSON; the same for the same lock file and machine.
pub fn of_binary() -> Result<String> {
    let filter = shell::host()?;
    let arguments = ["metadata", "--locked", "--format-version", "1", "--filter-platform", &filter];
    let metadata: Value = serde_json::from_str(&shell::output_of(&mut shell::cargo(&arguments))?)?;
    let packages: BTreeMap<&str, &Value> =
        list(&metadata["packages"]).iter().map(|package| (text(&package["id"]), package)).collect();
    let edges: BTreeMap<&str, Vec<&str>> =
        list(&metadata["resolve"]["nodes"]).iter().map(|node| (text(&node["id"]), linked_by(node))).collect();
    let root =
        packages.values().find(|package| package["name"] == BINARY).context("the binary is no package")?;

    let reached = reached_from(text(&root["id"]), &edges);
    let checksums = checksums()?;
    let mut components: Vec<Value> = reached
        .iter()
        .filter(|id| **id != text(&root["id"]))
        .filter_map(|id| Some(component(packages.get(id)?, &checksums)))
        .collect();
    let reference = |id: &&str| packages.get(id).map(|package| purl(package));
    let mut dependencies: Vec<Value> = reached
        .iter()
        .map(|id| {
            let on: Vec<_> = edges.get(id).into_iter().flatten().filter_map(reference).collect();
            json!({ "ref": reference(id), "dependsOn": on })
        })
        .collect();
    if let Some(library) = c_library() {
        dependencies.push(json!({ "ref": library["bom-ref"] }));
        components.push(library);
    }
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": { "type": "application", "bom-ref": purl(root), "name": BINARY, "version": root["version"],
                                     "licenses": licenses(root), "purl": purl(root) } },
        "components": components,
        "dependencies": dependencies,
    });
    Ok(format!("{}\n", serde_json::to_string_pretty(&document)?))
}

/// What a node of the graph has in its own code: neither what builds it nor what tests it.
fn linked_by(node: &Value) -> Vec<&str> {
    let dependencies = list(&node["deps"]).iter();
    let linked = dependencies.filter(|one| list(&one["dep_kinds"]).iter().any(|kind| kind["kind"].is_null()));
    linked.map(|one| text(&one["pkg"])).collect()
}

/// All that can be reached, in the order of their ids.
fn reached_from<'a>(root: &'a str, edges: &BTreeMap<&'a str, Vec<&'a str>>) -> Vec<&'a str> {
    let (mut reached, mut next) = (BTreeSet::from([root]), vec![root]);
    while let Some(id) = next.pop() {
        let further = edges.get(id).into_iter().flatten();
        next.extend(further.filter(|id| reached.insert(**id)).copied());
    }
    reached.into_iter().collect()
}

fn component(package: &Value, checksums: &BTreeMap<String, String>) -> Value {
    let mut component = json!({
        "type": "library", "bom-ref": purl(package), "name": package["name"], "version": package["version"],
        "licenses": licenses(package), "purl": purl(package),
    });
    if let Some(checksum) = checksums.get(&named(text(&package["name"]), text(&package["version"]))) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}

fn licenses(package: &Value) -> Value {
    match package["license"].as_str() {
        // Some write what SPDX has not allowed for long.
        Some(expression) => json!([{ "expression": expression.replace('/', " OR ") }]),
        None => json!([]),
    }
}

fn purl(package: &Value) -> String {
    format!("pkg:cargo/{}@{}", text(&package["name"]), text(&package["version"]))
}

/// glibc, which a static binary carries with it.
fn c_library() -> Option<Value> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    let version = said.trim().strip_prefix("glibc ")?;
    let reference = format!("pkg:generic/glibc@{version}");
    Some(json!({
        "type": "library", "bom-ref": reference, "name": "glibc", "version": version,
        "licenses": [{ "license": { "id": "LGPL-2.1-or-later" } }], "purl": reference,
    }))
}

/// SHA-256 of the packages of the registry, by name and version.
fn checksums() -> Result<BTreeMap<String, String>> {
    let lock = fs::read_to_string(workspace::root().join("Cargo.lock")).context("Cargo.lock")?;
    let checksums = lock.split("[[package]]").filter_map(|package| {
        let field = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
            line.map(|value| value.trim_matches('"'))
        };
        Some((named(field("name")?, field("version")?), field("checksum")?.to_owned()))
    });
    Ok(checksums.collect())
}

fn named(name: &str, version: &str) -> String {
    format!("{name} {version}")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
