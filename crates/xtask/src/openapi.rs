//! Generates the description of the REST API from the contracts.

use anyhow::{Context, Result};

use crate::{
    generated::{self, Mode},
    shell, workspace,
};

const FILE: &str = "gateway/openapi.json";

/// Writes or checks `gateway/openapi.json`.
pub fn run(mode: Mode) -> Result<()> {
    let mut generate = shell::cargo(&["run", "--quiet", "--package", "korob", "--", "openapi"]);
    let text = shell::output_of(&mut generate)?;
    let _: serde_json::Value = serde_json::from_str(&text).context("`korob openapi` did not print JSON")?;

    let text = format!("{}\n", text.trim_end());
    generated::settle(&workspace::root().join(FILE), &text, mode, "openapi")
}
