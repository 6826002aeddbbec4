//! Configuration: built-in defaults, then a file, then the environment. An unknown key is an error that names it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use config::{Config, ConfigError, Environment, File, FileFormat, Value};
use serde::de::DeserializeOwned;

/// Read when no file is named and it exists.
pub const DEFAULT_FILE: &str = "/etc/korob/korob.toml";

/// The file that this process was told to read, for the sections that services read themselves.
static NAMED_FILE: OnceLock<PathBuf> = OnceLock::new();

/// Reads `T`, whose serde defaults are the built-in ones, from `file` or [`DEFAULT_FILE`], and from variables such as
/// `KOROB__GATEWAY__LISTEN`.
pub fn load<T: DeserializeOwned>(file: Option<&Path>) -> anyhow::Result<T> {
    if let Some(path) = file {
        // The first one stays: a process has one configuration.
        let _ = NAMED_FILE.set(path.to_path_buf());
    }
    Ok(read(file)?.try_deserialize()?)
}

/// Reads what the same sources say under `name`, such as `payments`; silence means the defaults.
pub fn section<T: DeserializeOwned + Default>(name: &str) -> anyhow::Result<T> {
    match read(NAMED_FILE.get().map(PathBuf::as_path))?.get::<Value>(name) {
        Err(ConfigError::NotFound(_)) => Ok(T::default()),
        said => Ok(said?.try_deserialize()?),
    }
}

fn read(file: Option<&Path>) -> anyhow::Result<Config> {
    let (path, required) = match file {
        Some(path) => (path.to_path_buf(), true),
        None => (PathBuf::from(DEFAULT_FILE), false),
    };
    let environment = Environment::with_prefix("KOROB").prefix_separator("__").separator("__").try_parsing(true);
    let file = File::from(path).format(FileFormat::Toml).required(required);
    Ok(Config::builder().add_source(file).add_source(environment).build()?)
}
