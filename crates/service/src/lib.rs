//! What makes a crate a service of the suite: start, serve, consume, work by the clock, drain.
//!
//! A service implements [`Service`]; [`launch`] gives it a database, a directory of the others and a clock, and runs
//! what it answers: its routes behind the server stack, its subscriptions and its jobs. The same service runs in the
//! all-in-one and as a process of its own ([`listen`]).

pub mod configuration;
mod duty;
mod launch;
mod listen;
mod measure;
mod ops;
mod parts;
mod process;
mod quiet;
pub mod telemetry;

pub use launch::{Running, launch, launch_with};
pub use listen::listen;
pub use ops::{Readiness, serve_ops};
pub use parts::{Configured, Job, Parts, Platform, Service};
