//! Events between services: every one is applied once, in the order of its aggregate, whatever fails.

mod exactly_once;
mod log;
mod newsroom;
mod parked;
