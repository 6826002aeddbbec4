//! `korob bench`: the suite next to a frozen floor on the same server, in one run.

mod assortment;
mod floor;
mod machine;
mod orders;
mod suite;

use std::process::ExitCode;

use crate::arguments::Bench;
use crate::configuration::Configuration;

/// Measures and prints a table.
pub async fn run(configuration: Configuration, bench: Bench) -> anyhow::Result<ExitCode> {
    match bench {
        Bench::Orders(orders) => orders::run(configuration, orders).await,
    }
}
