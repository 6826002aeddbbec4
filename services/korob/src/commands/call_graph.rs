//! `korob call-graph`: prints which role calls which methods of which service.

use std::io::Write;
use std::process::ExitCode;

use crate::roles;

#[cfg(test)]
mod tests;

/// Prints JSON: by the name of each role the services it calls, and which methods of each. Nothing else is answered where roles are
/// proved, and no other way is opened between them on Kubernetes.
pub fn run() -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    out.write_all(text()?.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn text() -> anyhow::Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(&roles::call_graph())?))
}
