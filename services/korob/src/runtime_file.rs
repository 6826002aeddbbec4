//! What a running suite leaves in its data directory for the command line and for its own processes.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rand::Rng;

/// Where the addresses of a running suite are written, as a configuration file.
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("run").join("korob.toml")
}

/// Writes `text` so that only the owner reads it and nobody sees half of it.
pub fn write(data_dir: &Path, text: &str) -> anyhow::Result<PathBuf> {
    let path = path(data_dir);
    private_write(&path, text).with_context(|| format!("write {}", path.display()))?;
    Ok(path)
}

/// Forgets the addresses of a suite that has stopped.
pub fn remove(data_dir: &Path) {
    // Absent is as good as removed.
    let _ = fs::remove_file(path(data_dir));
}

/// The installation's secret; made at random the first time.
pub fn read_or_create_secret(data_dir: &Path) -> anyhow::Result<String> {
    let path = data_dir.join("secret");
    if let Ok(text) = fs::read_to_string(&path) {
        return Ok(text.trim().to_owned());
    }
    let secret: String = rand::rng().random::<[u8; 32]>().iter().map(|byte| format!("{byte:02x}")).collect();
    private_write(&path, &secret).with_context(|| format!("write {}", path.display()))?;
    Ok(secret)
}

fn private_write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let unfinished = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(unfinished, path)
}
