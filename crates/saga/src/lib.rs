//! Durable processes across services: everything is done, or everything done is undone.
//!
//! A [`Definition`] reads from top to bottom: its `run` calls [`Saga::step`] after step. The saga's row is written in the
//! commit that records what the process is about, and closed in its last commit; between the two nothing is written.
//! That is safe because the ids of all parts derive from the saga's own id, so every step may run again, and every undo
//! may come before, after or without its step.
//!
//! Refused answers unwind. Unknown answers are asked again, from the top, for as long as it takes. A process that dies
//! leaves its lease to expire; the next one goes on. A process that runs [`RUNNING_MAX`] of a kind takes over no more, and lets go of
//! those that must try again.

mod definition;
mod figure;
mod record;
mod records;
mod runner;
mod steps;

pub use definition::{Definition, Stop};
pub use figure::FIGURE;
pub use record::{Finished, NewSaga, finish, record, record_for_anybody, was_finished};
pub use records::{Decision, Lease, Orphan, Records};
pub use runner::{LEASE, RUNNING_MAX, Runner, wait};
pub use steps::Saga;
