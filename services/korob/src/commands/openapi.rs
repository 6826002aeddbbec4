//! `korob openapi`: prints the description of the REST interface.

use std::io::Write;
use std::process::ExitCode;

/// Prints what the gateway serves at /openapi.json.
pub fn run() -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    out.write_all(gateway::openapi_text()?.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
