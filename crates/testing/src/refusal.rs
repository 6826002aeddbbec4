//! What a refused call said.

use std::time::Duration;

use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

/// A refusal, ready to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The gRPC code.
    pub code: Code,
    /// The stable reason.
    pub reason: String,
    /// The fields that were wrong.
    pub fields: Vec<String>,
}

/// The refusal of a call that must be refused.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> Refusal {
    let status = answer.expect_err("the call must be refused");
    let fields = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    Refusal {
        code: status.code(),
        reason: rpc::reason(&status).unwrap_or_default(),
        fields: fields.into_iter().map(|violation| violation.field).collect(),
    }
}

/// Waits until `probe` answers something, for at most 15 seconds.
pub async fn eventually<T, F, Fut>(what: &str, mut probe: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    for _ in 0..600 {
        if let Some(found) = probe().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("still not true after 15 s: {what}");
}
