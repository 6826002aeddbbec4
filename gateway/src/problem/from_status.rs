//! A service's refusal as a problem.

use std::time::Duration;

use tonic::Status;
use tonic_types::{FieldViolation, StatusExt};
use transcode::lower_camel_case;

use super::codes::{REASONS, row_of};
use super::{FieldError, Problem};

/// When a service says that it makes sense to ask again and not when.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl From<&Status> for Problem {
    fn from(status: &Status) -> Self {
        let row = row_of(status.code());
        if !row.shown {
            tracing::error!(code = ?status.code(), message = status.message(), "a service failed");
            return Problem::internal();
        }
        let details = status.get_error_details();
        let mut problem = Problem::new(row.status, row.reason, status.message());
        let mut retry = row.retry;
        if let Some(info) = details.error_info() {
            problem.reason.clone_from(&info.reason);
            problem.metadata.extend(info.metadata.clone());
        }
        if let Some((_, status, again)) = REASONS.into_iter().find(|(reason, ..)| *reason == problem.reason) {
            problem.status = status;
            retry = again;
        }
        if let Some(bad_request) = details.bad_request().filter(|bad| !bad.field_violations.is_empty()) {
            problem.errors = bad_request.field_violations.iter().map(field_error).collect();
            // The status names fields as the contract does; callers know them by their JSON names.
            problem.detail = problem.errors.iter().map(FieldError::to_string).collect::<Vec<_>>().join("; ");
        }
        let delay = details.retry_info().and_then(|info| info.retry_delay);
        problem.retry_after = delay.or(retry.then_some(RETRY_AFTER));
        problem
    }
}

/// Services write `REASON: message` into the description, for want of a field of its own.
fn field_error(violation: &FieldViolation) -> FieldError {
    let parts = violation.description.split_once(": ").filter(|(reason, _)| is_reason(reason));
    let (reason, message) = parts.unwrap_or(("INVALID", &violation.description));
    FieldError {
        field: lower_camel_case(&violation.field),
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

fn is_reason(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}
