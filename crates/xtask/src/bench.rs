//! Measures a release build.

use anyhow::Result;

use crate::{prerequisites, shell};

/// Becomes `korob bench <name>`.
pub fn run(name: &str, arguments: &[String]) -> Result<()> {
    prerequisites::ensure_postgres()?;

    let mut bench = shell::cargo(&["run", "--release", "--package", "korob", "--", "bench", name]);
    shell::become_command(bench.args(arguments))
}
