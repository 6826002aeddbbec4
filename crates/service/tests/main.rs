//! A service keeps working and tells the truth about it.

mod bench;
mod calls;
mod health;
mod jobs;
mod telemetry;
