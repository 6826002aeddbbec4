//! Reads the working tree.

use std::fs;
use std::path::{Path, PathBuf};

/// One Rust source.
pub struct Source {
    /// From the root of the workspace, such as `crates/store/src/page.rs`.
    pub path: String,
    pub text: String,
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("tests/ lies in the workspace").to_owned()
}

/// Every file below `directory` of the workspace, by path from the root.
pub fn files_below(directory: &str) -> Vec<String> {
    let mut found = Vec::new();
    collect(&root().join(directory), &mut found);
    let base = root();
    let mut paths: Vec<String> = found
        .iter()
        .filter_map(|path| path.strip_prefix(&base).ok())
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    paths.sort();
    paths
}

/// Every Rust source below `directories`.
pub fn sources_below(directories: &[&str]) -> Vec<Source> {
    let paths = directories.iter().flat_map(|directory| files_below(directory));
    paths.filter(|path| path.ends_with(".rs")).map(|path| Source { text: read(&path), path }).collect()
}

/// The text of a file; empty when there is none.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_default()
}

/// The folders in `directory`, sorted.
pub fn folders(directory: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(directory)).expect("the folder exists");
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The services of the suite: every folder in services/ but the binary.
pub fn services() -> Vec<String> {
    folders("services").into_iter().filter(|name| name != "korob").collect()
}

impl Source {
    /// Lines of code with their numbers: no comments, and nothing from the first `#[cfg(test)]` on.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().take_while(|line| !line.trim_start().starts_with("#[cfg(test)]"));
        lines
            .enumerate()
            .map(|(at, line)| (at + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        match path.is_dir() {
            true if path.ends_with("target") => {}
            true => collect(&path, found),
            false => found.push(path),
        }
    }
}
