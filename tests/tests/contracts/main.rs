//! What every contract in `proto/` must say, checked on the descriptors themselves: a new method, message or field is
//! covered the moment it is written. Each test collects everything that is wrong and says what to do about it.

mod comments;
mod criticality;
mod events;
mod fields;
mod http;
mod idempotency;
mod lists;
mod methods;
mod personal;
mod suite;
mod updates;

/// Fails with all `problems` at once.
#[track_caller]
fn nothing_wrong(problems: Vec<String>) {
    assert!(
        problems.is_empty(),
        "{} problem(s) in proto/:\n  - {}\n",
        problems.len(),
        problems.join("\n  - ")
    );
}
