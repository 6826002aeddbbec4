//! Files that are generated and committed: written on request, compared in a check.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// What to do with a freshly generated text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Put it into its file.
    Write,
    /// Fail, with a diff, when the file differs.
    Check,
}

impl Mode {
    /// The mode that the flag `--check` asks for.
    pub fn of(check: bool) -> Self {
        if check { Self::Check } else { Self::Write }
    }
}

/// Writes `text` to `path` or compares the two; `chore` is the command that repairs a difference.
pub fn settle(path: &Path, text: &str, mode: Mode, chore: &str) -> Result<()> {
    let current = fs::read_to_string(path).unwrap_or_default();
    let name = workspace::short(path);
    if current == text {
        println!("{name} is up to date");
        return Ok(());
    }

    match mode {
        Mode::Write => {
            fs::write(path, text).with_context(|| format!("cannot write {name}"))?;
            println!("{name} written");
            Ok(())
        }
        Mode::Check => {
            show_difference(path, text)?;
            bail!("{name} is stale: run `cargo xtask {chore}` and commit the result")
        }
    }
}

fn show_difference(path: &Path, text: &str) -> Result<()> {
    let current = if path.exists() { path } else { Path::new("/dev/null") };
    let mut diff = Command::new("diff")
        .arg("--unified")
        .arg(current)
        .arg("-")
        .stdin(Stdio::piped())
        .spawn()
        .context("cannot run diff")?;
    if let Some(mut input) = diff.stdin.take() {
        input.write_all(text.as_bytes())?;
    }
    diff.wait()?;
    Ok(())
}
