//! Why payments refuses, and what the caller is told.

use std::time::Duration;

use rpc::Fault;
use tonic::Code;
use types::{Currency, Money};

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
    /// More than is still due.
    #[error("{due} is still due; record at most that")]
    AmountExceedsDue { due: Money },
    /// Another currency than the intent's.
    #[error("the payment is in {expected}")]
    CurrencyMismatch { expected: Currency },
    /// More than was taken and not given back.
    #[error("{refundable} can still be refunded; ask for at most that")]
    RefundExceedsCaptured { refundable: Money },
    /// The provider tells what came in; nobody records it by hand.
    #[error("{provider} reports its payments itself; they cannot be recorded by hand")]
    RecordedByProvider { provider: &'static str },
    /// Money kept coming in while the intent was being voided.
    #[error("others change the payment; repeat it shortly")]
    Contention,
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
            Self::AmountExceedsDue { due } => refuse(Code::FailedPrecondition, "AMOUNT_EXCEEDS_DUE")
                .with("due", due.amount())
                .with("currency_code", due.currency()),
            Self::CurrencyMismatch { expected } => {
                refuse(Code::FailedPrecondition, "CURRENCY_MISMATCH").with("currency_code", expected)
            }
            Self::RefundExceedsCaptured { refundable } => {
                refuse(Code::FailedPrecondition, "REFUND_EXCEEDS_CAPTURED")
                    .with("refundable", refundable.amount())
                    .with("currency_code", refundable.currency())
            }
            Self::Contention => refuse(Code::Aborted, "CONTENTION").retry_after(Duration::from_secs(1)),
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
