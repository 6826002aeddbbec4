//! Every object of Kubernetes itself has the fields that one version of it knows, and no others.

use std::{fs, process::Command};

use anyhow::{Context, Result, bail};

use crate::{
    chart::{
        custom_kinds,
        manifests::{Rendering, text},
    },
    tools::ChartTools,
};

/// Validates all renderings against the schemas of `version`.
pub fn check(tools: &ChartTools, version: &str, renderings: &[Rendering]) -> Result<String> {
    let mut command = Command::new(tools.kubernetes_validate());
    command.args(["--strict", "-k", version]);
    let mut count = 0;
    for rendering in renderings {
        let own: Vec<_> =
            rendering.objects.iter().filter(|object| !custom_kinds::is_custom(object)).collect();
        count += own.len();
        // JSON is YAML.
        let documents: Vec<_> = own.iter().map(|object| object.to_string()).collect();
        let path = rendering.path.with_extension("own.yaml");
        fs::write(&path, documents.join("\n---\n")).with_context(|| format!("write {}", path.display()))?;
        command.arg(path);
    }
    let output = command.output().context("run kubernetes-validate")?;
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    // It only warns about what it has no schema for: then nothing was looked at.
    if !output.status.success() || said.contains("WARN") || said.contains("ERROR") {
        bail!("{}", said.lines().filter(|line| !line.starts_with("INFO")).collect::<Vec<_>>().join("\n"));
    }
    Ok(format!("{count} objects"))
}
