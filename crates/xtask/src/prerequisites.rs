//! What the machine must have, installed when the right to install is there.

use anyhow::{Result, bail};

use crate::shell;

const INSTALL_POSTGRES: &str = "apt-get update && apt-get install -y --no-install-recommends postgresql";

/// Makes sure that PostgreSQL's server programs and pgbench are on this machine.
pub fn ensure_postgres() -> Result<()> {
    if embedded_postgres::find_binaries(None).is_ok() {
        return Ok(());
    }

    let advice = || format!("PostgreSQL is not installed. As root, run:\n\n    {INSTALL_POSTGRES}\n");
    if !shell::succeeds("apt-get", &["--version"]) {
        bail!("{}\nor its equivalent on this system.", advice());
    }
    if shell::succeeds("sh", &["-c", "test $(id -u) -eq 0"]) {
        shell::run(&mut shell::command("sh", &["-c", INSTALL_POSTGRES]))?;
    } else if shell::succeeds("sudo", &["--non-interactive", "true"]) {
        shell::run(&mut shell::command("sudo", &["--non-interactive", "sh", "-c", INSTALL_POSTGRES]))?;
    } else {
        bail!(advice());
    }

    embedded_postgres::find_binaries(None)?;
    Ok(())
}

/// The program that runs the tests.
pub enum TestRunner {
    /// One process per test.
    Nextest,
    /// Comes with cargo.
    CargoTest,
}

impl TestRunner {
    /// The better one that is installed.
    pub fn find() -> Self {
        match shell::succeeds("cargo", &["nextest", "--version"]) {
            true => Self::Nextest,
            false => Self::CargoTest,
        }
    }
}

/// Whether `buf` can run, after an attempt to install it where pip is at hand.
pub fn has_buf() -> bool {
    let has = || shell::succeeds("buf", &["--version"]);
    has() || (shell::succeeds("pip", &["install", "--quiet", "buf-bin"]) && has())
}

/// Whether `cargo deny` can run.
pub fn has_cargo_deny() -> bool {
    shell::succeeds("cargo", &["deny", "--version"])
}
