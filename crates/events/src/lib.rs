//! Events between services: appended in the transaction that made them true, read by position, applied exactly once.
//!
//! - [`append`] is the only way to publish.
//! - [`EventLog`] serves a service's log to the others.
//! - [`Subscription`] applies another service's events: the effect and the cursor are committed together. What cannot be
//!   applied is parked together with its aggregate's later events; the other aggregates go on.
//! - [`Carrier`] brings events by a broker instead, if the [`Settings`] say so. The logs stay the truth.

mod append;
mod backlog;
mod carrier;
mod consumer;
mod cursor;
mod cursor_desk;
mod failures;
mod log;
mod page;
mod parked;
mod reader;
mod restored;
mod server;
mod settings;
mod source;
mod subscription;
mod told;

/// The method of [`EventLog`] that subscribers call.
pub const READ_EVENTS: &str = "ReadEvents";

pub use append::{append, append_for};
pub use backlog::{BACKLOG_MAX, Backlog, backlog};
pub use carrier::{Carrier, publish};
pub use consumer::{run, run_over};
pub use cursor_desk::CursorDesk;
pub use page::log_client;
pub use parked::TRIES_MAX;
pub use proto::events::v1::Event;
pub use restored::{RestoredLog, restored};
pub use server::EventLog;
pub use settings::{CarrierKind, NatsSettings, Settings};
pub use subscription::{Applied, Subscription};
pub use told::{Told, last_position, told_since};
