//! Configuration: built-in defaults, then a file, then the environment. An unknown key is an error that names it.

use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat};
use serde::de::DeserializeOwned;

/// Read when no file is named and it exists.
pub const DEFAULT_FILE: &str = "/etc/korob/korob.toml";

/// Reads `T`, whose serde defaults are the built-in ones, from `file` or [`DEFAULT_FILE`], and from variables such as
/// `KOROB__GATEWAY__LISTEN`.
pub fn load<T: DeserializeOwned>(file: Option<&Path>) -> anyhow::Result<T> {
    let mut sources = Config::builder();
    match file {
        Some(path) => sources = sources.add_source(File::from(path.to_path_buf()).format(FileFormat::Toml).required(true)),
        None => {
            let path = PathBuf::from(DEFAULT_FILE);
            sources = sources.add_source(File::from(path).format(FileFormat::Toml).required(false));
        }
    }
    let environment = Environment::with_prefix("KOROB").prefix_separator("__").separator("__").try_parsing(true);
    let config = sources.add_source(environment).build()?;
    Ok(config.try_deserialize()?)
}
