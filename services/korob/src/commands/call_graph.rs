//! `korob call-graph`: prints which role calls which.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;

use crate::roles::Role;

#[cfg(test)]
mod tests;

/// Prints JSON: by the name of each role the names of those it calls. Nothing else is opened between them on Kubernetes.
pub fn run() -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    out.write_all(text()?.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn text() -> anyhow::Result<String> {
    let graph: BTreeMap<_, _> = Role::ALL.into_iter().map(|role| (role.name(), role.callees())).collect();
    Ok(format!("{}\n", serde_json::to_string_pretty(&graph)?))
}
