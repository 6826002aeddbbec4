//! The simulation and the fault suite alone, as every change runs them or with the full figures.

use anyhow::Result;

use crate::{
    postgres::{TestServer, URL_VARIABLE},
    prerequisites::{self, TestRunner},
    shell,
};

/// Asks for the full figures.
const LONG_VARIABLE: &str = "KOROB_FAULTS_LONG";
/// How many days the simulation lives.
const DAYS_VARIABLE: &str = "KOROB_SEEDS";
const DAYS_OF_FULL: &str = "100000";
/// Nextest's profile for tests that take their time.
const LONG_PROFILE: &str = "long";

/// How much is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What every change runs: minutes.
    OfEveryChange,
    /// Everything: hours.
    Full,
}

/// Runs the tests of `tests/simulation/` and of `tests/faults/`.
pub fn run(extent: Extent) -> Result<()> {
    simulate(extent)?;
    prerequisites::ensure_postgres()?;
    let server = TestServer::start()?;
    let arguments: &[&str] = match TestRunner::find() {
        TestRunner::Nextest => &["nextest", "run", "--package", "korob", "--test", "faults", "--no-capture"],
        TestRunner::CargoTest => &["test", "--package", "korob", "--test", "faults"],
    };
    let mut command = shell::cargo(arguments);
    command.env(URL_VARIABLE, server.url());
    if extent == Extent::Full {
        command.env(LONG_VARIABLE, "1").env("NEXTEST_PROFILE", LONG_PROFILE);
    }
    shell::run(&mut command)
}

/// Needs no database: it has none.
fn simulate(extent: Extent) -> Result<()> {
    let arguments: &[&str] = match TestRunner::find() {
        TestRunner::Nextest => &["nextest", "run", "--package", "simulation"],
        TestRunner::CargoTest => &["test", "--package", "simulation"],
    };
    let mut command = shell::cargo(arguments);
    if extent == Extent::Full {
        command.env(DAYS_VARIABLE, DAYS_OF_FULL).env("NEXTEST_PROFILE", LONG_PROFILE);
    }
    shell::run(&mut command)
}
