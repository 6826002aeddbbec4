//! What goes into the image: the binary, certificates of the authorities that TLS trusts, the licence, and the list of parts.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};

use crate::{image::sbom, shell, workspace};

/// Where Debian and most others keep them, and where the image does.
const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";
const PROFILE: &str = "image";
/// The C library comes with it; glibc resolves names without files of its own.
const STATIC: &str = "-C target-feature=+crt-static";
/// What Rust's own linker can do, which it has where it is the usual one: pack relocations, and keep functions that are the same once,
/// as nobody here asks by their addresses whether two functions are one.
const SMALL: &str = " -C link-arg=-Wl,--pack-dyn-relocs=relr -C link-arg=-Wl,--icf=all";
const WITH_RUSTS_LINKER: &str = "x86_64-unknown-linux-gnu";

/// Builds the binary and puts everything into `folder`, which must be new or empty.
pub fn stage(folder: &Path) -> Result<()> {
    let is_taken = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    ensure!(!is_taken, "{} is not empty", folder.display());
    let target = shell::host()?;
    let arguments = ["build", "--profile", PROFILE, "--locked", "--package", "korob", "--target", &target];
    let small = if target == WITH_RUSTS_LINKER { SMALL } else { "" };
    shell::run(shell::cargo(&arguments).env("RUSTFLAGS", format!("{STATIC}{small}")))?;
    let built = workspace::target().join(&target).join(PROFILE).join("korob");
    ensure!(is_static(&built)?, "{} needs libraries that the image does not have", built.display());

    copy(&built, &folder.join("korob"))?;
    copy(&Path::new("/").join(AUTHORITIES), &folder.join(AUTHORITIES))
        .context("the certificates of the authorities: install the package ca-certificates")?;
    copy(&workspace::root().join("LICENSE"), &folder.join("usr/share/doc/korob/LICENSE"))?;
    let list = folder.join("usr/share/doc/korob/sbom.cdx.json");
    fs::write(&list, sbom::of_binary()?).with_context(|| format!("write {}", list.display()))?;
    let data = folder.join("var/lib/korob");
    fs::create_dir_all(&data).with_context(|| format!("make {}", data.display()))?;
    println!("staged in {}", folder.display());
    Ok(())
}

/// A static binary names no interpreter that would load libraries.
fn is_static(binary: &Path) -> Result<bool> {
    let headers = shell::output_of(shell::command("readelf", &["--program-headers", "--wide"]).arg(binary))?;
    Ok(headers.contains("LOAD") && !headers.contains("INTERP"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::copy(from, to).map(drop).with_context(|| format!("copy {} to {}", from.display(), to.display()))
}
