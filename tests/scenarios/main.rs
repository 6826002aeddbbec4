//! The suite as its users meet it: the real binary, over REST, in one process and as many.

#![allow(clippy::unwrap_used)] // Tests: a failure is a panic.

#[path = "../../services/korob/src/load.rs"]
#[allow(dead_code)]
mod load;
#[path = "../../services/korob/src/new_shop.rs"]
mod new_shop;
#[path = "../../services/korob/src/rest.rs"]
#[allow(dead_code)]
mod rest;

mod bad_collectors;
mod card_orders;
mod carrier;
mod chart;
mod collector;
mod demo;
mod documents;
mod hang_ups;
mod health;
mod hostile_bodies;
mod hot_sku;
mod identities;
mod import;
mod kill;
mod operators;
mod order_path;
mod outside;
mod partners;
#[allow(dead_code)] // Other suites of tests include it.
mod suite;
mod trace;
mod tracker;
mod wrong_start;
