//! A release build has neither places nor bugs: not even their names.

#![allow(clippy::unwrap_used)] // Tests: a failure is a panic.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A caller as the services are, and what must not be found in it.
const CALLER: &str = r#"
async fn place() -> Result<(), String> {
    failpoint::hit!("orders.place.recorded");
    failpoint::hit!("saga.step.done", "reserve stock", "a failpoint".to_owned());
    Ok(())
}
fn main() {
    drop(place());
    std::process::exit(if failpoint::planted!("events.cursor_skips") { 1 } else { 0 });
}
"#;
const NAMES: [&str; 4] =
    ["orders.place.recorded", "saga.step.done", "events.cursor_skips", "KOROB_FAILPOINTS"];

#[test]
fn a_release_build_has_no_failpoints() {
    let folder = std::env::temp_dir().join(format!("korob-failpoint-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let caller = folder.join("caller.rs");
    std::fs::write(&caller, CALLER).unwrap();
    let library = folder.join("libfailpoint.rlib");
    // Without its dependencies: what needs them is not there.
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    compile(&source, &["--crate-type", "lib", "--crate-name", "failpoint"], &library);
    let program = folder.join("caller");
    compile(&caller, &["--extern", &format!("failpoint={}", library.display())], &program);

    assert!(Command::new(&program).status().unwrap().success(), "no bug is planted");
    assert_eq!(found(&program), Vec::<&str>::new());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_release_profile_has_no_debug_assertions() {
    let manifest = std::fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    let (_, release) = manifest.split_once("[profile.release]").unwrap();
    let release = release.split("\n[").next().unwrap();
    assert!(!release.contains("debug-assertions") && !release.contains("inherits"), "{release}");
}

#[test]
#[ignore = "needs target/release/korob: cargo build --release -p korob, then cargo test -p failpoint -- --ignored"]
fn the_released_binary_has_no_failpoints() {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    let binary = std::fs::read(target.join("release/korob")).expect("cargo build --release -p korob");
    let names = failpoint::POINTS
        .iter()
        .chain(failpoint::BUGS)
        .chain(failpoint::SIMULATED_BUGS)
        .chain(&["KOROB_FAILPOINTS"]);
    let found: Vec<_> = names.filter(|name| contains(&binary, name)).collect();
    assert!(found.is_empty(), "{found:?}");
}

fn compile(source: &Path, arguments: &[&str], to: &Path) {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--edition", "2024", "-C", "debug-assertions=off", "-C", "opt-level=1"]).args(arguments);
    let output = command.arg("-o").arg(to).arg(source).output().expect("rustc runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn found(program: &Path) -> Vec<&'static str> {
    let binary = std::fs::read(program).unwrap();
    NAMES.into_iter().filter(|name| contains(&binary, name)).collect()
}

fn contains(binary: &[u8], name: &str) -> bool {
    binary.windows(name.len()).any(|window| window == name.as_bytes())
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
