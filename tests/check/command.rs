//! The command as an operator runs it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::suite::Suite;

/// What it said.
#[derive(Debug)]
pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// The list of objects.
    pub fn findings(&self) -> Vec<Value> {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs `korob check` with a configuration.
pub fn check(configuration: &Path, arguments: &[&str]) -> Said {
    run(&["--config", configuration.to_str().unwrap()], arguments)
}

/// Runs `korob check` over a data directory.
pub fn check_directory(directory: &Path, arguments: &[&str]) -> Said {
    run(&["--data-dir", directory.to_str().unwrap()], arguments)
}

/// Runs any command of the binary with a configuration.
pub fn korob(configuration: &Path, arguments: &[&str]) -> Said {
    let (name, rest) = arguments.split_first().unwrap();
    named(&["--config", configuration.to_str().unwrap()], name, rest)
}

fn run(first: &[&str], arguments: &[&str]) -> Said {
    named(first, "check", arguments)
}

fn named(first: &[&str], name: &str, arguments: &[&str]) -> Said {
    let mut command = Command::new(Suite::binary());
    let output = command.args(first).arg(name).args(arguments).output().unwrap();
    Said {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
