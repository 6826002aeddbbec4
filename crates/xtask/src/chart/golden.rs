//! The manifests that are committed are those of the chart: a change of a template shows what it does.

use anyhow::Result;

use crate::{
    chart::{folder, manifests::Rendering},
    generated::{self, Mode},
};

/// What is a file of the chart already, and only wrapped.
const WRAPPED: [&str; 2] = ["\nkind: ConfigMap\n", "\nkind: PrometheusRule\n"];

/// Writes or compares `tests/golden/<values>.yaml`.
pub fn check(renderings: &[Rendering], mode: Mode) -> Result<String> {
    for rendering in renderings {
        let path = folder().join("tests/golden").join(format!("{}.yaml", rendering.values));
        let documents = rendering.text.split("\n---\n");
        let kept: Vec<_> =
            documents.filter(|document| !WRAPPED.iter().any(|kind| document.contains(kind))).collect();
        let text = format!("{}\n", kept.join("\n---\n").trim_end());
        generated::settle(&path, &text, mode, "chart --write")?;
    }
    Ok(format!("{} files", renderings.len()))
}
