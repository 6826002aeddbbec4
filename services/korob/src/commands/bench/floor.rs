//! The floor: what PostgreSQL alone does with the statements of an order, measured by pgbench.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;
use tokio::process::Command;

const SETUP: &str = include_str!("../../../../../tests/bench/floor_setup.sql");
const SCRIPT: &str = include_str!("../../../../../tests/bench/floor.sql");

/// A prepared floor.
pub struct Floor {
    url: String,
    program: PathBuf,
    script: PathBuf,
}

impl Floor {
    /// Makes the tables in the database at `url`.
    pub async fn prepare(url: String, bin_dir: Option<&Path>, directory: &Path) -> anyhow::Result<Self> {
        let bin_dir = embedded_postgres::find_binaries(bin_dir)?;
        let setup = directory.join("floor_setup.sql");
        std::fs::write(&setup, SETUP)?;
        let made = Command::new(program(&bin_dir, "psql"))
            .args(["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--file"])
            .arg(&setup)
            .arg(&url)
            .stdin(Stdio::null())
            .output()
            .await
            .context("run psql, which comes with PostgreSQL")?;
        let problem = String::from_utf8_lossy(&made.stderr);
        anyhow::ensure!(made.status.success(), "the tables of the floor could not be made: {problem}");
        let program = program(&bin_dir, "pgbench");
        let script = directory.join("floor.sql");
        std::fs::write(&script, SCRIPT)?;
        Ok(Self { url, program, script })
    }

    /// Transactions per second of `clients` over `seconds`.
    pub async fn measure(&self, clients: usize, seconds: u64) -> anyhow::Result<f64> {
        let output = Command::new(&self.program)
            .args([
                "-n",
                "-M",
                "prepared",
                "-j",
                "2",
                "-c",
                &clients.to_string(),
                "-T",
                &seconds.to_string(),
                "-f",
            ])
            .arg(&self.script)
            .arg(&self.url)
            .stdin(Stdio::null())
            .output()
            .await
            .context("run pgbench, which comes with PostgreSQL")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().find_map(|line| line.strip_prefix("tps = "));
        let figure = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        figure.with_context(|| format!("pgbench said {text} {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// A program beside the server's, or on the PATH: a server may be installed without its clients.
fn program(bin_dir: &Path, name: &str) -> PathBuf {
    let beside = bin_dir.join(name);
    if beside.exists() { beside } else { PathBuf::from(name) }
}
