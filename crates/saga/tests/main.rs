//! Durable processes: everything is done, or everything done is undone, whoever dies in between.

mod crowd;
mod errand;
mod run_to_the_end;
mod take_over;
mod unwind;
