//! HTTP to systems outside the suite: carriers, payment providers, receivers of webhooks.
//!
//! What matters about a call to somebody else's system is not whether it failed but whether it may have been done.
//! [`Failure`] tells the two apart: what was [`Unsent`](Failure::Unsent) may be sent again; what is
//! [`Unknown`](Failure::Unknown) must be asked about, never repeated under another key.
//!
//! Whom a call may reach is the operator's to say ([`Reach`]); it is looked at when a connection is made, so no name and no
//! answer leads elsewhere. There are no redirects, no retries and no cookies. Bodies have a limit, calls have a deadline, and what a trace shows is
//! the method and the host: paths, query strings and headers carry secrets.

mod answer;
mod client;
mod connector;
mod failure;
mod reach;
mod request;

pub use answer::Answer;
pub use client::Client;
pub use failure::Failure;
pub use reach::{Forbidden, Reach};
pub use request::{ANSWER_BYTES_MAX, DEADLINE, Request};
