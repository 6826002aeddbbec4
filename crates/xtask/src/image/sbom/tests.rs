//! The list names what is linked in, once, and nothing that only builds or tests it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{list, of_binary, text};

#[test]
fn what_is_linked_in_is_listed() {
    let document: Value = serde_json::from_str(&of_binary().unwrap()).unwrap();
    let components = list(&document["components"]);
    let named = |name: &str| components.iter().find(|one| one["name"] == name);

    let tokio = named("tokio").expect("the runtime is part of the binary");
    assert_eq!(tokio["purl"], format!("pkg:cargo/tokio@{}", text(&tokio["version"])));
    assert_eq!(tokio["licenses"][0]["expression"], "MIT");
    assert_eq!(tokio["hashes"][0]["content"].as_str().map(str::len), Some(64));
    assert!(named("korob-orders").is_some_and(|ours| ours["hashes"].is_null()), "ours come from no registry");
    assert!(named("glibc").is_some_and(|library| !text(&library["version"]).is_empty()));
    for absent in ["testing", "proptest", "tonic-prost-build", "korob"] {
        assert!(named(absent).is_none(), "{absent} is not linked in");
    }
}

#[test]
fn every_part_has_a_licence_and_one_entry_that_all_references_know() {
    let document: Value = serde_json::from_str(&of_binary().unwrap()).unwrap();
    let components = list(&document["components"]);
    let unlicensed: Vec<_> =
        components.iter().filter(|one| list(&one["licenses"]).is_empty()).map(|one| &one["name"]).collect();
    assert!(unlicensed.is_empty(), "{unlicensed:?}");

    let mut known: BTreeSet<&str> = components.iter().map(|one| text(&one["bom-ref"])).collect();
    assert_eq!(known.len(), components.len(), "nothing is listed twice");
    known.insert(text(&document["metadata"]["component"]["bom-ref"]));
    for dependency in list(&document["dependencies"]) {
        let on = list(&dependency["dependsOn"]).iter().chain([&dependency["ref"]]);
        let unknown: Vec<_> = on.filter(|reference| !known.contains(text(reference))).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
