//! Who may depend on whom, read from `cargo metadata`.

use std::process::Command;

use serde_json::Value;

use crate::nothing_wrong;
use crate::tree::{root, services};

/// Our libraries from the ground up; each may use only those before it.
const LAYERS: [&str; 8] = ["types", "proto", "rpc", "store", "events", "saga", "service", "testing"];
/// Crates that know Diesel, besides the services.
const WITH_DIESEL: [&str; 4] = ["store", "events", "saga", "testing"];
const WITH_AXUM: [&str; 4] = ["gateway", "transcode", "service", "simulators"];
/// Crates that speak to PostgreSQL past Diesel: they start it, migrate tests, read its catalogue, or look into every database.
const WITH_TOKIO_POSTGRES: [&str; 6] = ["store", "testing", "embedded-postgres", "xtask", "korob", "check"];
/// What looks into every database serves operators and tests; no service may know through it what another one owns.
const WITH_CHECK: [&str; 1] = ["korob"];

struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

struct Dependency {
    name: String,
    dev: bool,
}

#[test]
fn no_service_depends_on_another_service() {
    let services: Vec<String> = services().iter().map(|name| format!("korob-{name}")).collect();
    let mut problems = Vec::new();
    for package in packages().iter().filter(|package| services.contains(&package.name)) {
        for dependency in package.dependencies.iter().filter(|dependency| services.contains(&dependency.name))
        {
            problems.push(format!(
                "{}: call {} over rpc; in tests use a stand-in",
                package.name, dependency.name
            ));
        }
    }
    nothing_wrong(problems);
}

#[test]
fn the_gateway_and_the_libraries_depend_on_no_service() {
    let services: Vec<String> = services().iter().map(|name| format!("korob-{name}")).collect();
    let allowed = |package: &Package| {
        services.contains(&package.name) || ["korob", "scenarios", "simulation"].contains(&&*package.name)
    };
    let mut problems = Vec::new();
    for package in packages().iter().filter(|package| !allowed(package)) {
        for dependency in package.dependencies.iter().filter(|dependency| services.contains(&dependency.name))
        {
            problems.push(format!("{} depends on {}: only the binary may", package.name, dependency.name));
        }
    }
    nothing_wrong(problems);
}

#[test]
fn the_libraries_are_layers() {
    let layer_of = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    let mut problems = Vec::new();
    for package in packages() {
        let Some(own) = layer_of(&package.name) else { continue };
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
            if layer_of(&dependency.name).is_some_and(|other| other >= own) {
                problems
                    .push(format!("{} lies below {} and must not know it", package.name, dependency.name));
            }
        }
    }
    nothing_wrong(problems);
}

#[test]
fn diesel_stays_in_the_store_and_the_services() {
    let diesel = ["diesel", "diesel-async", "diesel_migrations"];
    nothing_wrong(only(&diesel, |name| WITH_DIESEL.contains(&name) || name.starts_with("korob-")));
}

#[test]
fn axum_stays_at_the_edge() {
    nothing_wrong(only(&["axum"], |name| WITH_AXUM.contains(&name)));
}

#[test]
fn services_reach_postgresql_through_the_store() {
    nothing_wrong(only(&["tokio-postgres"], |name| WITH_TOKIO_POSTGRES.contains(&name)));
}

#[test]
fn only_the_binary_looks_into_every_database() {
    nothing_wrong(only(&["check"], |name| WITH_CHECK.contains(&name)));
}

#[test]
fn test_code_stays_out_of_the_product() {
    let mut problems = Vec::new();
    for package in packages() {
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
            if ["testing", "proptest"].contains(&&*dependency.name) && package.name != "testing" {
                problems.push(format!("{}: make {} a dev-dependency", package.name, dependency.name));
            }
        }
    }
    nothing_wrong(problems);
}

/// Packages that use one of `libraries` although they may not.
fn only(libraries: &[&str], may: impl Fn(&str) -> bool) -> Vec<String> {
    let mut problems = Vec::new();
    for package in packages().iter().filter(|package| !may(&package.name)) {
        let used = package
            .dependencies
            .iter()
            .filter(|dependency| !dependency.dev && libraries.contains(&&*dependency.name));
        problems.extend(
            used.map(|dependency| format!("{} must not depend on {}", package.name, dependency.name)),
        );
    }
    problems
}

fn packages() -> Vec<Package> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let output = Command::new(cargo).args(arguments).current_dir(root()).output().expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    packages.iter().map(package).collect()
}

fn package(package: &Value) -> Package {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let dependencies = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    let dependencies =
        dependencies.iter().map(|one| Dependency { name: text(&one["name"]), dev: one["kind"] == "dev" });
    Package { name: text(&package["name"]), dependencies: dependencies.collect() }
}
