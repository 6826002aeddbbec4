//! `korob check`: silent over a suite that is well, and loud about everything that is planted into it.

#![allow(clippy::unwrap_used)] // Tests: a failure is a panic.

#[path = "../../services/korob/src/new_shop.rs"]
mod new_shop;
#[path = "../../services/korob/src/rest.rs"]
#[allow(dead_code)]
mod rest;
#[path = "../scenarios/suite.rs"]
#[allow(dead_code)]
mod suite;

mod command;
mod copies;
mod day;
mod drill;
mod embedded;
mod examination;
mod long_list;
mod plants;
