//! Values that cannot work are refused, and the refusal names them.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::chart::{
    KUBERNETES, folder,
    manifests::{Helm, text},
    nothing_wrong,
};

/// What begins the first line of each file in `tests/bad/`; the rest of it is what Helm must say.
const SAYS: &str = "# says: ";
/// As many kinds of mistakes at least.
const BAD_VALUES_MIN: usize = 10;

/// Renders with every file of `tests/bad/`.
pub fn check(helm: &Helm) -> Result<String> {
    let mut paths: Vec<_> = fs::read_dir(folder().join("tests/bad"))
        .context("tests/bad")?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.sort();
    ensure!(paths.len() >= BAD_VALUES_MIN, "tests/bad has {} files", paths.len());

    let mut problems = Vec::new();
    for path in &paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let content = fs::read_to_string(path)?;
        let wanted = content.lines().next().and_then(|line| line.strip_prefix(SAYS));
        let wanted = wanted.with_context(|| format!("{name}: the first line must begin with `{SAYS}`"))?;
        let output = helm.template(path, KUBERNETES[0])?;
        let said = text(&output.stderr);
        if output.status.success() {
            problems.push(format!("{name}: is taken"));
        } else if !said.contains(wanted) {
            problems.push(format!("{name}: is refused without `{wanted}`: {}", said.trim()));
        }
    }
    nothing_wrong(&problems)?;
    Ok(format!("{} mistakes", paths.len()))
}
