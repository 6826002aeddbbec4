//! What the machine must have, installed when the right to install is there.

use anyhow::{Result, bail};

use crate::shell;

const INSTALL_POSTGRES: &str = "apt-get update && apt-get install -y --no-install-recommends postgresql";

/// Makes sure that PostgreSQL's server programs and pgbench are on this machine.
pub fn ensure_postgres() -> Result<()> {
    if embedded_postgres::find_binaries(None).is_ok() {
        return Ok(());
    }

    install("PostgreSQL", INSTALL_POSTGRES)?;
    embedded_postgres::find_binaries(None)?;
    Ok(())
}

/// Makes sure that each program answers `--version`; beside it stands the package that brings it.
pub fn ensure_programs(programs: &[(&str, &str)]) -> Result<()> {
    for (program, package) in programs {
        if !shell::succeeds(program, &["--version"]) {
            install(program, &install_line(package))?;
        }
    }
    Ok(())
}

/// Makes sure that Python can make environments of its own, which Debian packs apart.
pub fn ensure_python_environments() -> Result<()> {
    if !shell::succeeds("python3", &["-c", "import ensurepip, venv"]) {
        install("python3 with its module venv", &install_line("python3-venv"))?;
    }
    Ok(())
}

fn install_line(package: &str) -> String {
    format!("apt-get update && apt-get install -y --no-install-recommends {package}")
}

/// Runs `line` as root if that is possible, or says that somebody should.
fn install(what: &str, line: &str) -> Result<()> {
    let advice = || format!("{what} is not installed. As root, run:\n\n    {line}\n");
    if !shell::succeeds("apt-get", &["--version"]) {
        bail!("{}\nor its equivalent on this system.", advice());
    }
    if shell::succeeds("sh", &["-c", "test $(id -u) -eq 0"]) {
        shell::run(&mut shell::command("sh", &["-c", line]))
    } else if shell::succeeds("sudo", &["--non-interactive", "true"]) {
        shell::run(&mut shell::command("sudo", &["--non-interactive", "sh", "-c", line]))
    } else {
        bail!(advice());
    }
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
