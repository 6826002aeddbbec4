//! What checkov advises is followed, or waived with a reason.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{
    chart::{
        folder,
        manifests::{Rendering, items, text},
        nothing_wrong,
    },
    tools::ChartTools,
};

/// Runs checkov over all renderings and compares what it found with `tests/waivers.tsv`.
pub fn check(tools: &ChartTools, renderings: &[Rendering]) -> Result<String> {
    let mut command = Command::new(tools.checkov());
    // It would ask a server of its vendor for guidelines.
    command.args(["--framework", "kubernetes", "--skip-download", "--compact", "--output", "json"]);
    for rendering in renderings {
        command.arg("--file").arg(&rendering.path);
    }
    let output = command.output().context("run checkov")?;
    let report: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("checkov says no JSON:\n{}", text(&output.stderr)))?;
    if report["summary"]["parsing_errors"] != 0 || report["summary"]["passed"].as_u64().unwrap_or(0) == 0 {
        bail!("checkov could not read the manifests: {}", report["summary"]);
    }

    let waivers = waivers()?;
    let (mut problems, mut used) = (BTreeSet::new(), BTreeSet::new());
    for finding in items(&report["results"]["failed_checks"]) {
        let id = finding["check_id"].as_str().unwrap_or_default();
        if waivers.contains_key(id) {
            used.insert(id.to_owned());
        } else {
            problems.insert(format!(
                "{id} {}: {} {}",
                finding["check_name"], finding["file_path"], finding["resource"]
            ));
        }
    }
    problems.extend(
        waivers.keys().filter(|id| !used.contains(*id)).map(|id| format!("{id}: is waived and passes")),
    );
    nothing_wrong(&problems.into_iter().collect::<Vec<_>>())?;
    Ok(format!(
        "{} checks passed, {} waived: {}",
        report["summary"]["passed"],
        used.len(),
        Vec::from_iter(used).join(", ")
    ))
}

/// The ids of checks that are not followed, each with its reason.
fn waivers() -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(folder().join("tests/waivers.tsv")).context("tests/waivers.tsv")?;
    let mut waivers = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match line.split_once('\t') {
            Some((id, reason)) if !reason.trim().is_empty() => {
                waivers.insert(id.to_owned(), reason.to_owned())
            }
            _ => bail!("tests/waivers.tsv: `{line}` has no reason"),
        };
    }
    Ok(waivers)
}
