//! The project's chores: `cargo xtask demo`, `test`, `schema`, `openapi`, `bench`.

mod bench;
mod demo;
mod faults;
mod generated;
mod openapi;
mod postgres;
mod prerequisites;
mod schema;
mod schemathesis;
mod shell;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{generated::Mode, test::StageName};

/// The project's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run the whole suite with a shop full of example data
    Demo {
        /// Passed on to `korob demo`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Everything a change must pass: format, lints, generated files, tests, dependencies, contracts
    Test {
        /// Only this stage
        #[arg(long)]
        only: Option<StageName>,
    },
    /// Break the suite in every way there is, and see that nothing is lost
    Faults {
        /// The full figures: hours
        #[arg(long)]
        long: bool,
    },
    /// Keep a PostgreSQL for tests running while you work
    Postgres,
    /// Generate every src/schema.rs from migrations/
    Schema {
        /// Write nothing; fail with a diff when a file is stale
        #[arg(long)]
        check: bool,
    },
    /// Generate gateway/openapi.json from the contracts
    Openapi {
        /// Write nothing; fail with a diff when the file is stale
        #[arg(long)]
        check: bool,
    },
    /// Try generated requests on every route of a running suite, and compare the answers with the description
    Schemathesis {
        /// Requests for each route and kind of data
        #[arg(long, default_value_t = 10)]
        examples: u32,
        /// Stop after so long
        #[arg(long, default_value_t = 15)]
        minutes: u32,
        /// The same seed tries the same requests
        #[arg(long, default_value_t = 7)]
        seed: u32,
    },
    /// Measure with a release build: all benches, or those that are named
    Bench {
        /// Passed on to `korob bench`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().chore {
        Chore::Demo { arguments } => demo::run(&arguments),
        Chore::Test { only } => test::run(only),
        Chore::Faults { long: true } => faults::run(faults::Extent::Full),
        Chore::Faults { long: false } => faults::run(faults::Extent::OfEveryChange),
        Chore::Postgres => postgres::run(),
        Chore::Schema { check } => schema::run(Mode::of(check)),
        Chore::Openapi { check } => openapi::run(Mode::of(check)),
        Chore::Schemathesis { examples, minutes, seed } => schemathesis::run(examples, minutes, seed),
        Chore::Bench { arguments } => bench::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
