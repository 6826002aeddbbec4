//! Refusals: a code, a stable reason, facts, and the fields that are wrong.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::fields::Invalid;

/// The `domain` of every reason.
const DOMAIN: &str = "korob";

/// What a service answers when it refuses. Becomes a `google.rpc.Status` with `ErrorInfo`, `BadRequest`, `RetryInfo`.
#[derive(Debug, Clone)]
pub struct Fault {
    code: Code,
    reason: &'static str,
    message: String,
    metadata: HashMap<String, String>,
    invalid: Option<Invalid>,
    retry_after: Option<Duration>,
}

impl Fault {
    /// A refusal with an UPPER_SNAKE `reason` and a sentence that says what to do.
    pub fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            metadata: HashMap::new(),
            invalid: None,
            retry_after: None,
        }
    }

    /// INVALID_ARGUMENT with the fields that are wrong; the reason is that of the first.
    pub fn invalid(invalid: &Invalid) -> Self {
        let reason = invalid.violations().first().map_or("INVALID", |violation| violation.reason);
        Self {
            invalid: Some(invalid.clone()),
            ..Self::new(Code::InvalidArgument, reason, invalid.to_string())
        }
    }

    /// Our own failure. Logged here, once; the caller learns nothing but that it happened.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %chain(error), "a call failed inside");
        Self::new(Code::Internal, "INTERNAL", "something failed inside; the trace id tells where")
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The reason.
    pub fn reason(&self) -> &'static str {
        self.reason
    }
}

impl From<Fault> for Status {
    fn from(fault: Fault) -> Status {
        let mut details = ErrorDetails::new();
        details.set_error_info(fault.reason, DOMAIN, fault.metadata);
        if let Some(invalid) = &fault.invalid {
            details.set_bad_request(invalid.violations().iter().map(field_violation).collect::<Vec<_>>());
        }
        if let Some(delay) = fault.retry_after {
            details.set_retry_info(Some(delay));
        }
        Status::with_error_details(fault.code, fault.message, details)
    }
}

/// The stable reason of an answer, when it has one.
pub fn reason(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason)
}

/// The facts of an answer.
pub fn metadata(status: &Status) -> HashMap<String, String> {
    status.get_details_error_info().map(|info| info.metadata).unwrap_or_default()
}

/// Whether an answer leaves open if the call took effect or will: asking again is right, giving up is not.
pub fn is_unknown_outcome(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::Unknown | Code::Internal => true,
        Code::Cancelled | Code::ResourceExhausted | Code::Aborted => true,
        // Between services these tell of the installation – a secret that is being changed, a version that is not there
        // yet – and never of the order: an order is not given up for them.
        Code::Unauthenticated | Code::Unimplemented => true,
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::DataLoss => false,
    }
}

fn field_violation(violation: &crate::fields::Violation) -> FieldViolation {
    let text = format!("{}: {}", violation.reason, violation.message);
    FieldViolation::new(violation.field.clone(), text)
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
