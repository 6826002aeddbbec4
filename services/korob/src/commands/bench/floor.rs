//! The floor: what PostgreSQL alone does with the statements of an order, measured by pgbench.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;
use tokio::process::Command;
use tokio_postgres::NoTls;

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
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        let connected = tokio::spawn(connection);
        client.batch_execute(SETUP).await.context("make the tables of the floor")?;
        drop(client);
        connected.await??;
        let program = embedded_postgres::find_binaries(bin_dir)?.join("pgbench");
        let script = directory.join("floor.sql");
        std::fs::write(&script, SCRIPT)?;
        Ok(Self { url, program, script })
    }

    /// Transactions per second of `clients` over `seconds`.
    pub async fn measure(&self, clients: usize, seconds: u64) -> anyhow::Result<f64> {
        let output = Command::new(&self.program)
            .args(["-n", "-M", "prepared", "-j", "2", "-c", &clients.to_string(), "-T", &seconds.to_string(), "-f"])
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
