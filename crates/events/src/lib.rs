//! Events between services: appended in the transaction that made them true, read by position, applied exactly once.
//!
//! - [`append`] is the only way to publish.
//! - [`EventLog`] serves a service's log to the others.
//! - [`Subscription`] applies another service's events: the effect and the cursor are committed together. What cannot be
//!   applied is parked together with its aggregate's later events; the other aggregates go on.

mod append;
mod backlog;
mod consumer;
mod cursor;
mod log;
mod parked;
mod server;
mod subscription;
mod told;

pub use append::{append, append_for};
pub use backlog::{BACKLOG_MAX, Backlog, backlog};
pub use consumer::run;
pub use parked::TRIES_MAX;
pub use proto::events::v1::Event;
pub use server::EventLog;
pub use subscription::{Applied, Subscription};
pub use told::{Told, last_position, told_since};
