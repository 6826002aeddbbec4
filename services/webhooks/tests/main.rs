//! The webhooks service against a real PostgreSQL and a real receiver; the logs of the others are written by the tests.

#![allow(clippy::unwrap_used)] // A test that panics has said what is wrong.

mod addresses;
mod desk;
mod down_for_an_hour;
mod endpoints;
mod feed;
mod logs;
mod replays;
mod sending;
