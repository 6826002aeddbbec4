//! Tests of the gateway over real sockets, in front of services that answer what a test says.

#![allow(clippy::unwrap_used)]

mod answers;
mod buyers;
mod connections;
mod documents;
mod event_streams;
mod fakes;
mod feeds;
mod files;
mod keys;
mod reasons;
mod repeats;
mod requests;
mod shop;
mod tracker;
mod webhooks;
