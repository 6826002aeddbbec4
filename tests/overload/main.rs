//! More than the suite can do: too many requests, too few connections, deadlines that pass. What is refused is refused
//! soon, in order and without a trace; what goes on goes on; and afterwards everything is as before.

#![allow(clippy::unwrap_used)] // Tests: a failure is a panic.

#[path = "../../services/korob/src/new_shop.rs"]
mod new_shop;
#[path = "../../services/korob/src/rest.rs"]
#[allow(dead_code)]
mod rest;
#[path = "../scenarios/suite.rs"]
#[allow(dead_code)]
mod suite;

mod deadlines;
mod one_connection;
mod too_much;

use rest::Answer;

/// Whether an answer says that there is too much to do; a refusal must say when to come back.
fn is_refused(answer: &Answer) -> bool {
    let refused = matches!(answer.reason(), "OVERLOADED" | "BUSY");
    if refused {
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert!(answer.retry_after, "it says when to come back: {}", answer.body);
    }
    refused
}
