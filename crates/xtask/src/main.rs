//! The project's chores: `cargo xtask demo`, `test`, `schema`, `openapi`, `chart`, `image`, `bench`.

mod bench;
mod chart;
mod demo;
mod faults;
mod generated;
mod image;
mod observability;
mod openapi;
mod postgres;
mod prerequisites;
mod schema;
mod schemathesis;
mod shell;
mod test;
mod tools;
mod workspace;

use std::{path::PathBuf, process::ExitCode};

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
    /// Check the Helm chart: rendered, compared with schemas, rules, golden files and the binary's call graph
    Chart {
        /// Write what is generated from the chart: golden renders, the table of its README
        #[arg(long)]
        write: bool,
    },
    /// Build the container image, start it against a PostgreSQL, and see that it is small, harmless and ready: long
    Image {
        /// Only put what goes into the image into this folder, as the Dockerfile does
        #[arg(long)]
        stage: Option<PathBuf>,
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
    /// Check dashboards, alerts and the guide for operators against a suite that runs and a Prometheus that watches it
    Observability {
        /// Only write the dashboards
        #[arg(long)]
        write: bool,
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
        Chore::Chart { write } => chart::run(Mode::of(!write)),
        Chore::Image { stage: Some(folder) } => image::stage(&folder),
        Chore::Image { stage: None } => image::run(),
        Chore::Schemathesis { examples, minutes, seed } => schemathesis::run(examples, minutes, seed),
        Chore::Observability { write } => observability::run(Mode::of(!write)),
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
