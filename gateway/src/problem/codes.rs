//! The published table: gRPC code → HTTP status, and the reasons that have a status of their own.

use http::StatusCode;
use tonic::Code;

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct CodeRow {
    /// What the service answered.
    pub code: Code,
    /// What the client gets.
    pub status: StatusCode,
    /// The reason when the service gave none.
    pub reason: &'static str,
    /// Whether the service's sentence and facts are shown; those of our own failures are not.
    pub shown: bool,
    /// Whether asking again later makes sense.
    pub retry: bool,
}

/// Every gRPC code but OK.
pub const CODES: [CodeRow; 16] = [
    row(Code::InvalidArgument, StatusCode::BAD_REQUEST, "INVALID_ARGUMENT"),
    row(Code::OutOfRange, StatusCode::BAD_REQUEST, "OUT_OF_RANGE"),
    row(Code::Unauthenticated, StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
    row(Code::PermissionDenied, StatusCode::FORBIDDEN, "PERMISSION_DENIED"),
    row(Code::NotFound, StatusCode::NOT_FOUND, "NOT_FOUND"),
    row(Code::AlreadyExists, StatusCode::CONFLICT, "ALREADY_EXISTS"),
    row(Code::FailedPrecondition, StatusCode::CONFLICT, "FAILED_PRECONDITION"),
    row(Code::Aborted, StatusCode::CONFLICT, "ABORTED"),
    again(Code::ResourceExhausted, StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED"),
    again(Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
    row(Code::DeadlineExceeded, StatusCode::GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED"),
    row(Code::Unimplemented, StatusCode::NOT_IMPLEMENTED, "UNIMPLEMENTED"),
    again(Code::Cancelled, StatusCode::SERVICE_UNAVAILABLE, "CANCELLED"),
    hidden(Code::Internal),
    hidden(Code::Unknown),
    hidden(Code::DataLoss),
];

/// Reasons whose HTTP status differs from that of their code, and whether a repeat makes sense.
pub(super) const REASONS: [(&str, StatusCode, bool); 6] = [
    // The caller did nothing wrong: there is too much to do for all.
    ("OVERLOADED", StatusCode::SERVICE_UNAVAILABLE, true),
    ("BUSY", StatusCode::SERVICE_UNAVAILABLE, true),
    ("IDEMPOTENCY_KEY_REUSED", StatusCode::UNPROCESSABLE_ENTITY, false),
    ("IDEMPOTENCY_KEY_IN_USE", StatusCode::CONFLICT, true),
    // What the cursor leads to is no more, and asking again does not bring it back.
    ("CURSOR_EXPIRED", StatusCode::GONE, false),
    ("CURSOR_VOID", StatusCode::GONE, false),
];

/// The HTTP status of a reason that comes with the code of this UPPER_SNAKE name.
pub(crate) fn status_of(reason: &str, code: &str) -> Option<StatusCode> {
    let own = REASONS.into_iter().find(|(known, ..)| *known == reason).map(|(_, status, _)| status);
    own.or_else(|| CODES.into_iter().find(|row| name_of(row.code) == code).map(|row| row.status))
}

fn name_of(code: Code) -> String {
    transcode::snake_case(&format!("{code:?}")).to_uppercase()
}

/// The row of a code; that of UNKNOWN when there is none.
pub(super) fn row_of(code: Code) -> CodeRow {
    CODES.into_iter().find(|row| row.code == code).unwrap_or(hidden(Code::Unknown))
}

const fn row(code: Code, status: StatusCode, reason: &'static str) -> CodeRow {
    CodeRow { code, status, reason, shown: true, retry: false }
}

const fn again(code: Code, status: StatusCode, reason: &'static str) -> CodeRow {
    CodeRow { code, status, reason, shown: true, retry: true }
}

const fn hidden(code: Code) -> CodeRow {
    CodeRow {
        code,
        status: StatusCode::INTERNAL_SERVER_ERROR,
        reason: "INTERNAL",
        shown: false,
        retry: false,
    }
}
