//! Every name of the registry is used in the product.

#![allow(clippy::unwrap_used)] // Tests: a failure is a panic.

use std::path::{Path, PathBuf};

#[test]
fn every_listed_place_and_bug_is_somewhere() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = own.join("../..").canonicalize().unwrap();
    let mut sources = String::new();
    for folder in ["crates", "services", "gateway"] {
        for file in sources_below(&root.join(folder)) {
            if !file.starts_with(own) {
                sources.push_str(&std::fs::read_to_string(file).unwrap());
            }
        }
    }
    // A long call stands on several lines.
    sources.retain(|letter| !letter.is_whitespace());
    let unused = |macro_name: &str, names: &[&'static str]| -> Vec<&'static str> {
        let used = |name: &&str| sources.contains(&format!("failpoint::{macro_name}!(\"{name}\""));
        names.iter().copied().filter(|name| !used(name)).collect()
    };
    assert_eq!(unused("hit", failpoint::POINTS), Vec::<&str>::new());
    assert_eq!(unused("planted", failpoint::BUGS), Vec::<&str>::new());
    assert_eq!(unused("planted", failpoint::SIMULATED_BUGS), Vec::<&str>::new());
}

fn sources_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => sources_below(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}
