//! What an answer means for whoever must go on: ask again, or give up.

use rpc::is_unknown_outcome;
use tonic::{Code, Status};

#[test]
fn a_refusal_is_final_and_everything_else_is_asked_again() {
    let refusals = [
        Code::InvalidArgument,
        Code::NotFound,
        Code::AlreadyExists,
        Code::PermissionDenied,
        Code::FailedPrecondition,
        Code::OutOfRange,
        Code::DataLoss,
    ];
    for code in (1..=16).map(Code::from_i32) {
        let refused = refusals.contains(&code);
        assert_eq!(is_unknown_outcome(&Status::new(code, "")), !refused, "{code:?}");
    }
}
