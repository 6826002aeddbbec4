//! The container image: staged by cargo, put together and started by buildah, and looked at from outside.
//!
//! buildah needs neither a daemon nor another image, and runs where nothing else does: `--isolation chroot`, storage `vfs`.

mod container;
mod sbom;
mod staged;

use std::{fs, path::Path, time::Instant};

use anyhow::{Context, Result, ensure};

use crate::{image::container::Image, postgres::TestServer, prerequisites, workspace};

pub use staged::stage;

/// Everything in the image, unpacked.
const BYTES_MAX: u64 = 40_000_000;

/// Builds the image, starts the all-in-one from it against a PostgreSQL outside, and checks what operators rely on.
pub fn run() -> Result<()> {
    let started = Instant::now();
    prerequisites::ensure_postgres()?;
    prerequisites::ensure_programs(&[("buildah", "buildah")])?;
    let folder = workspace::target().join("container");
    let root = folder.join("staged");
    if root.exists() {
        fs::remove_dir_all(&root).with_context(|| format!("empty {}", root.display()))?;
    }
    stage(&root)?;

    let image = Image::build(&folder)?;
    image.check_configuration()?;
    println!("passed   it runs /korob as 65532 and asks `korob health` how it is");

    let server = TestServer::start()?;
    let databases = container::databases(&server)?;
    let mut container = image.start(&databases)?;
    container.wait_until_ready()?;
    println!("passed   `korob health` in the container says ready, over PostgreSQL outside");
    container.check_user()?;
    println!("passed   it is 65532 and has no capability");
    container.check_gateway()?;
    println!("passed   a key made in the container opens the gateway");
    container.check_root()?;
    println!("passed   nothing was written outside of /var/lib/korob");
    container.stop()?;
    println!("passed   it ends by itself when it is asked to");
    // Last: what is too large may work.
    let bytes = size(&root)?;
    ensure!(bytes <= BYTES_MAX, "the image has {bytes} bytes, {BYTES_MAX} at most");
    println!("passed   {bytes} bytes unpacked, {BYTES_MAX} at most");
    println!("{:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// The bytes of all files below a folder.
fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let entry = entry?;
        let kind = entry.metadata()?;
        bytes += if kind.is_dir() { size(&entry.path())? } else { kind.len() };
    }
    Ok(bytes)
}
