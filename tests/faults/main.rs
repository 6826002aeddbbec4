//! What breaks inside and around the suite while orders come in: processes die at every bad moment, PostgreSQL dies, lines
//! go deaf. Afterwards the oracle reads every database: no order is lost or doubled, nothing is oversold, nobody is charged
//! twice. And the oracle is tested itself: bugs are planted, and each must be caught.
//!
//! `cargo xtask faults --long` runs the same with the full figures.

#![allow(clippy::unwrap_used)] // Tests: a failure is a panic.

#[path = "../../services/korob/src/new_shop.rs"]
mod new_shop;
#[path = "../../services/korob/src/rest.rs"]
#[allow(dead_code)]
mod rest;
#[path = "../scenarios/suite.rs"]
#[allow(dead_code)]
mod suite;

mod buyers;
mod market;
mod verdict;

mod any_order;
mod crash_points;
mod database_gone;
mod drain;
mod kills;
mod lines;
mod open_transaction;
mod outside_goes_bad;
mod planted_bugs;
mod poison;
mod replicas;
mod same_key;
mod small_pools;

/// Asks for the full figures; `cargo xtask faults --long` sets it.
const LONG_VARIABLE: &str = "KOROB_FAULTS_LONG";

/// One of two figures: that of every change, or the full one.
fn figure<T>(of_every_change: T, full: T) -> T {
    if std::env::var_os(LONG_VARIABLE).is_some() { full } else { of_every_change }
}
