//! A service keeps working and tells the truth about it.

mod bench;
mod calls;
mod duty;
mod health;
mod jobs;
mod telemetry;
