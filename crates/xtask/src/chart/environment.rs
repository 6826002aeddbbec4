//! The variables that the chart sets, as data for a test that gives them to the binary: it refuses what it does not know.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    chart::{
        folder,
        manifests::{Rendering, items, name},
    },
    generated::{self, Mode},
};

/// Writes or compares `tests/environment.json`: arguments and variables by `<values>/<name>`; null where a Secret is named.
pub fn check(renderings: &[Rendering], mode: Mode) -> Result<String> {
    let mut workloads = BTreeMap::new();
    for rendering in renderings {
        for (object, template) in rendering.workloads() {
            let container = &template["spec"]["containers"][0];
            let variables: BTreeMap<&str, Value> = items(&container["env"])
                .iter()
                .map(|variable| (variable["name"].as_str().unwrap_or_default(), variable["value"].clone()))
                .collect();
            workloads.insert(
                format!("{}/{}", rendering.values, name(object)),
                json!({ "arguments": container["args"], "variables": variables }),
            );
        }
    }
    let text = format!("{}\n", serde_json::to_string_pretty(&workloads)?);
    generated::settle(&folder().join("tests/environment.json"), &text, mode, "chart --write")?;
    Ok(format!("{} workloads; `cargo nextest run -p korob chart` gives them to the binary", workloads.len()))
}
