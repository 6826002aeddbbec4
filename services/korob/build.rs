//! Notes which compiler built the binary: figures of a bench say so.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=RUSTC");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output();
    let version = version.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default();
    // As in `rustc 1.95.0 (…)`.
    let version = version.split(' ').nth(1).unwrap_or("unknown");
    println!("cargo::rustc-env=KOROB_RUSTC={version}");
}
