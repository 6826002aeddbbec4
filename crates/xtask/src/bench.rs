//! Measures a release build.

use anyhow::Result;

use crate::{prerequisites, shell};

/// Becomes `korob bench`.
pub fn run(arguments: &[String]) -> Result<()> {
    prerequisites::ensure_postgres()?;

    let mut bench = shell::cargo(&["run", "--release", "--package", "korob", "--", "bench"]);
    shell::become_command(bench.args(arguments))
}
