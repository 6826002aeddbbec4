//! Why customers refuses, and what a caller is told. No message names a phone, an e-mail or a person.

use ::rpc::{Fault, Invalid};
use tonic::Code;
use types::CustomerId;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("there is no customer {0}")]
    CustomerNotFound(CustomerId),
    #[error("{field} leads to another card")]
    IdentityTaken {
        field: String,
        /// The other card, when the caller may see it.
        owner: Option<CustomerId>,
    },
    #[error("the card was changed meanwhile; read it again")]
    EtagMismatch { current: i64 },
    #[error("others identify the same person; repeat it shortly")]
    Raced,
    /// What orders tells of an order is not understood.
    #[error("orders tells of an order: {0}")]
    Unreadable(String),
    /// Orders did not say what it knows; its answer is passed on.
    #[error("{}", .0.message())]
    Answered(Box<tonic::Status>),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
}

impl Error {
    fn status(self) -> tonic::Status {
        let message = self.to_string();
        let fault = match self {
            Self::Invalid(invalid) => Fault::invalid(&invalid),
            Self::CustomerNotFound(id) => {
                Fault::new(Code::NotFound, "CUSTOMER_NOT_FOUND", message).with("customer_id", id)
            }
            Self::IdentityTaken { field, owner } => {
                let fault = Fault::new(Code::AlreadyExists, "IDENTITY_TAKEN", message).with("field", field);
                match owner {
                    Some(owner) => fault.with("customer_id", owner),
                    None => fault,
                }
            }
            Self::EtagMismatch { current } => {
                Fault::new(Code::Aborted, "ETAG_MISMATCH", message).with("current_etag", current)
            }
            Self::Raced => Fault::new(Code::Aborted, "CONTENTION", message)
                .retry_after(std::time::Duration::from_secs(1)),
            Self::Answered(status) => return *status,
            Self::Unreadable(_) => Fault::new(Code::Internal, "INTERNAL", message),
            Self::Store(error) => error.fault(),
            Self::Database(error) => store::Error::from(error).fault(),
        };
        fault.into()
    }

    /// Whether the database is away or busy, so that trying request by request would only take longer.
    pub(crate) fn is_outage(&self) -> bool {
        use store::Error::{PoolExhausted, QueueFull, Unreachable};
        matches!(self, Self::Store(PoolExhausted | QueueFull | Unreachable(_)))
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        error.status()
    }
}
