//! Configuration: built-in defaults, then a file, then the environment. An unknown key is an error that names it.

use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat};
use serde::de::DeserializeOwned;

/// Read when no file is named and it exists.
pub const DEFAULT_FILE: &str = "/etc/korob/korob.toml";

/// Reads `T`, whose serde defaults are the built-in ones, from `file` or [`DEFAULT_FILE`], and from variables such as
/// `KOROB__GATEWAY__LISTEN`. A variable of one of `lists`, such as `gateway.cors_origins`, has commas between its values.
pub fn load<T: DeserializeOwned>(file: Option<&Path>, lists: &[&str]) -> anyhow::Result<T> {
    let (path, required) = match file {
        Some(path) => (path.to_path_buf(), true),
        None => (PathBuf::from(DEFAULT_FILE), false),
    };
    let environment =
        Environment::with_prefix("KOROB").prefix_separator("__").separator("__").try_parsing(true);
    let environment = lists
        .iter()
        .fold(environment.list_separator(","), |environment, list| environment.with_list_parse_key(list));
    let file = File::from(path).format(FileFormat::Toml).required(required);
    Ok(Config::builder().add_source(file).add_source(environment).build()?.try_deserialize()?)
}
