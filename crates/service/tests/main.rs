//! A service keeps working and tells the truth about it.

mod bench;
mod health;
mod jobs;
