//! Any method, path and query: routed or not, and turned into a message that can be read, or refused.

#![no_main]

use http::Method;
use libfuzzer_sys::fuzz_target;
use transcode::{Api, Inbound};

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

fuzz_target!(|input: (u8, &str, &str, &[u8])| {
    let (which, path, query, body) = input;
    let method = &METHODS[usize::from(which) % METHODS.len()];
    let Ok(matched) = Api::suite().find(method, path) else { return };
    let inbound = Inbound { query, body, ..Inbound::default() };
    let _ = Api::suite().read_request(&matched, inbound, &mut Vec::new());
});
