//! What Kubernetes refuses to change, or what would lose data if it did, stays what it was in every version before.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{
    chart::{
        folder,
        manifests::{Rendering, name},
        nothing_wrong,
    },
    generated::Mode,
};

type Fields = BTreeMap<String, Value>;

/// Compares with `tests/immutable.json`. Writing adds what is new and changes nothing: a line that must go is removed by
/// hand, together with what the guide says about that upgrade.
pub fn check(renderings: &[Rendering], mode: Mode) -> Result<String> {
    let path = folder().join("tests/immutable.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|_| "{}".to_owned());
    let mut known: Fields = serde_json::from_str(&text).context("tests/immutable.json")?;
    let current: Fields = renderings.iter().flat_map(fields).collect();

    let mut problems = Vec::new();
    for (field, was) in &known {
        match current.get(field) {
            Some(is) if is == was => {}
            Some(is) => {
                problems.push(format!("{field}: was {was} and is {is}; no cluster takes that upgrade"))
            }
            None => problems.push(format!("{field}: is gone; an upgrade would remove what it belongs to")),
        }
    }
    let new: Fields = current.into_iter().filter(|(field, _)| !known.contains_key(field)).collect();
    if mode == Mode::Write && problems.is_empty() {
        known.extend(new);
        fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&known)?))?;
    } else {
        problems.extend(new.keys().map(|field| format!("{field}: is new; run `cargo xtask chart --write`")));
    }
    nothing_wrong(&problems)?;
    Ok(format!("{} fields", known.len()))
}

/// The fields of all objects of a rendering, by `<values>/<kind>/<name>/<field>`.
fn fields(rendering: &Rendering) -> Fields {
    let mut fields = Fields::new();
    for object in &rendering.objects {
        let kind = object["kind"].as_str().unwrap_or_default();
        for pointer in pointers(kind) {
            let value = object.pointer(pointer).cloned().unwrap_or(json!(null));
            fields.insert(format!("{}/{kind}/{}{pointer}", rendering.values, name(object)), value);
        }
    }
    fields
}

fn pointers(kind: &str) -> &'static [&'static str] {
    match kind {
        "Deployment" => &["/spec/selector"],
        "StatefulSet" => &["/spec/selector", "/spec/serviceName", "/spec/volumeClaimTemplates"],
        "PersistentVolumeClaim" => &["/spec/storageClassName", "/spec/accessModes"],
        "Service" => &["/spec/clusterIP"],
        // Found again by its name, or two of them migrate at once.
        "Job" => &["/metadata/annotations/helm.sh~1hook"],
        "Cluster" => &["/spec/bootstrap/initdb", "/spec/storage/storageClass"],
        "Database" => &["/spec/name", "/spec/owner", "/spec/cluster/name"],
        // Processes of before and after an upgrade must know each other.
        "Certificate" => &["/spec/secretName", "/spec/uris"],
        _ => &[],
    }
}
