//! Why payments refuses, and what the caller is told.

use std::time::Duration;

use rpc::Fault;
use tonic::Code;
use types::{AttemptId, Currency, Money};

/// The result of a verb or a decision.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal or a failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Invalid(#[from] rpc::Invalid),
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Absent, or of a shop the caller does not see.
    #[error("there is no such payment")]
    PaymentNotFound,
    /// The id belongs to another intent.
    #[error("this payment id was opened with other content; a new intent needs a new id")]
    PaymentMismatch,
    /// The intent was cancelled, perhaps before it was opened.
    #[error("the payment is voided; open another one")]
    PaymentVoided,
    /// Somebody has begun to pay.
    #[error("money came in for the payment, is reserved, or may be; it is not voided")]
    PaymentTouched { state: &'static str },
    /// More than is still due.
    #[error("{due} is still due; record at most that")]
    AmountExceedsDue { due: Money },
    /// Another currency than the intent's.
    #[error("the payment is in {expected}")]
    CurrencyMismatch { expected: Currency },
    /// More than was taken and not given back.
    #[error("{refundable} can still be refunded; ask for at most that")]
    RefundExceedsCaptured { refundable: Money, captured: Money },
    /// The provider tells what came in; nobody records it by hand.
    #[error("{provider} reports its payments itself; they cannot be recorded by hand")]
    RecordedByProvider { provider: &'static str },
    /// A later revision of the amount is known.
    #[error("revision {current} of the amount is known already; send a higher one")]
    StaleRevision { current: i32 },
    /// Less than came in already.
    #[error("{captured} was taken already; refund the difference instead")]
    BelowCaptured { captured: Money },
    /// More than is reserved on the card, or was taken from it.
    #[error(
        "{authorized} is what the card was asked for, and that cannot grow: capture it first, or wait until it is decided; what \
         is owed beyond is then a payment of its own"
    )]
    AboveAuthorized { authorized: Money },
    /// Not a card payment.
    #[error("only card payments are confirmed and captured")]
    NotByCard,
    /// Nothing is to be paid any more.
    #[error("nothing is due")]
    NothingDue,
    /// Another attempt may still take the money.
    #[error("another attempt is not decided yet; read the payment, or repeat it shortly")]
    AttemptInProgress { attempt: AttemptId },
    /// Too many cards were tried.
    #[error("{most} attempts were made; open another payment")]
    TooManyAttempts { most: usize },
    /// Nothing is reserved that could be taken.
    #[error("nothing is reserved on the card")]
    NotAuthorized,
    /// Captured once with another amount.
    #[error("{captured} was captured; a payment is captured once")]
    AlreadyCaptured { captured: Money },
    /// The provider refused to capture.
    #[error("the provider refused to capture: {code}")]
    CaptureRefused { code: String },
    /// No account of the shop takes this payment.
    #[error("the shop has no enabled account for card payments in {currency}")]
    NoPaymentAccount { currency: Currency },
    /// Absent, of another shop, or of another purpose.
    #[error("there is no such payment account")]
    PaymentAccountNotFound,
    /// Somebody else changed it since it was read.
    #[error("it was changed since it was read; read it again")]
    EtagMismatch { current: i64 },
    /// Not proved to be the provider's.
    #[error("the webhook does not prove to be the provider's")]
    InvalidSignature,
    /// Absent, or of a shop the caller does not see.
    #[error("there is no such notification")]
    NotificationNotFound,
    /// Absent, or of a shop the caller does not see.
    #[error("there is no such receipt")]
    ReceiptNotFound,
    /// Only what was refused is sent again.
    #[error("the receipt is {state}; only failed ones are sent again")]
    ReceiptNotFailed { state: &'static str },
}

impl Error {
    /// The code, the stable reason and the facts.
    fn fault(&self) -> Fault {
        let refuse = |code, reason| Fault::new(code, reason, self.to_string());
        match self {
            Self::Invalid(invalid) => Fault::invalid(invalid),
            Self::Store(error) => error.fault(),
            Self::PaymentNotFound => refuse(Code::NotFound, "PAYMENT_NOT_FOUND"),
            Self::PaymentMismatch => refuse(Code::AlreadyExists, "PAYMENT_MISMATCH"),
            Self::PaymentVoided => refuse(Code::FailedPrecondition, "PAYMENT_VOIDED"),
            Self::PaymentTouched { state } => {
                refuse(Code::FailedPrecondition, "PAYMENT_TOUCHED").with("state", state)
            }
            Self::AmountExceedsDue { due } => refuse(Code::FailedPrecondition, "AMOUNT_EXCEEDS_DUE")
                .with("due", due.amount())
                .with("currency_code", due.currency()),
            Self::CurrencyMismatch { expected } => {
                refuse(Code::FailedPrecondition, "CURRENCY_MISMATCH").with("currency_code", expected)
            }
            Self::RefundExceedsCaptured { refundable, captured } => {
                refuse(Code::FailedPrecondition, "REFUND_EXCEEDS_CAPTURED")
                    .with("refundable", refundable.amount())
                    .with("captured", captured.amount())
                    .with("currency_code", refundable.currency())
            }
            Self::StaleRevision { current } => {
                refuse(Code::Aborted, "STALE_REVISION").with("revision", current)
            }
            Self::BelowCaptured { captured } => refuse(Code::FailedPrecondition, "BELOW_CAPTURED")
                .with("captured", captured.amount())
                .with("currency_code", captured.currency()),
            Self::AboveAuthorized { authorized } => refuse(Code::FailedPrecondition, "ABOVE_AUTHORIZED")
                .with("authorized", authorized.amount())
                .with("currency_code", authorized.currency()),
            Self::NotByCard => refuse(Code::FailedPrecondition, "NOT_BY_CARD"),
            Self::NothingDue => refuse(Code::FailedPrecondition, "NOTHING_DUE"),
            Self::AttemptInProgress { attempt } => refuse(Code::Aborted, "ATTEMPT_IN_PROGRESS")
                .with("attempt_id", attempt)
                .retry_after(Duration::from_secs(5)),
            Self::TooManyAttempts { most } => {
                refuse(Code::FailedPrecondition, "TOO_MANY_ATTEMPTS").with("most", most)
            }
            Self::NotAuthorized => refuse(Code::FailedPrecondition, "NOT_AUTHORIZED"),
            Self::AlreadyCaptured { captured } => refuse(Code::FailedPrecondition, "ALREADY_CAPTURED")
                .with("captured", captured.amount())
                .with("currency_code", captured.currency()),
            Self::CaptureRefused { code } => {
                refuse(Code::FailedPrecondition, "CAPTURE_REFUSED").with("code", code)
            }
            Self::NoPaymentAccount { currency } => {
                refuse(Code::FailedPrecondition, "NO_PAYMENT_ACCOUNT").with("currency_code", currency)
            }
            Self::PaymentAccountNotFound => refuse(Code::NotFound, "PAYMENT_ACCOUNT_NOT_FOUND"),
            Self::EtagMismatch { current } => {
                refuse(Code::Aborted, "ETAG_MISMATCH").with("current_etag", current)
            }
            Self::InvalidSignature => refuse(Code::Unauthenticated, "INVALID_SIGNATURE"),
            Self::NotificationNotFound => refuse(Code::NotFound, "NOTIFICATION_NOT_FOUND"),
            Self::ReceiptNotFound => refuse(Code::NotFound, "RECEIPT_NOT_FOUND"),
            Self::ReceiptNotFailed { state } => {
                refuse(Code::FailedPrecondition, "RECEIPT_NOT_FAILED").with("state", state)
            }
            Self::RecordedByProvider { provider } => {
                refuse(Code::FailedPrecondition, "RECORDED_BY_PROVIDER").with("provider", provider)
            }
        }
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        error.fault().into()
    }
}
