//! Every file of alerts and dashboards reaches the cluster, and is what its reader expects.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::chart::{
    folder,
    manifests::{Helm, Rendering, items},
    nothing_wrong,
};

/// Compares `alerts/` and `dashboards/` with what `rendering`, which has both, makes of them.
pub fn check(helm: &Helm, rendering: &Rendering) -> Result<String> {
    let mut problems = Vec::new();
    let mut groups = 0;
    for path in files(&folder().join("alerts"), "yaml")? {
        let of_file: Vec<Value> =
            helm.objects(&path)?.iter().flat_map(|file| items(&file["groups"]).to_vec()).collect();
        let rendered = |group: &Value| {
            rendering.of_kind("PrometheusRule").any(|rule| items(&rule["spec"]["groups"]).contains(group))
        };
        problems.extend(
            of_file
                .iter()
                .filter(|group| !rendered(group))
                .map(|group| format!("{}: {} is not rendered", short(&path), group["name"])),
        );
        groups += of_file.len();
    }

    let dashboards = files(&folder().join("dashboards"), "json")?;
    for path in &dashboards {
        let text = fs::read_to_string(path)?;
        let file = short(path);
        let dashboard: Value = serde_json::from_str(&text).with_context(|| format!("{file} is no JSON"))?;
        if dashboard["uid"].as_str().is_none() || dashboard["title"].as_str().is_none() {
            problems.push(format!("{file}: Grafana needs its uid and its title"));
        }
        let same = |object: &Value| {
            let data =
                object["data"][&file].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
            data.is_some_and(|data| data == dashboard)
        };
        if !rendering.of_kind("ConfigMap").any(same) {
            problems.push(format!("{file}: is not rendered"));
        }
    }
    nothing_wrong(&problems)?;
    Ok(format!("{groups} groups of alerts, {} dashboards", dashboards.len()))
}

/// The files of a folder with one ending, sorted; none when there is no folder.
fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let mut files: Vec<_> =
        entries.into_iter().filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
    files.sort();
    Ok(files)
}

fn short(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
