//! Runs the whole suite with a shop full of example data.

use anyhow::Result;

use crate::{prerequisites, shell};

/// Becomes `korob demo`.
pub fn run(arguments: &[String]) -> Result<()> {
    prerequisites::ensure_postgres()?;

    let mut demo = shell::cargo(&["run", "--package", "korob", "--", "demo"]);
    shell::become_command(demo.args(arguments))
}
