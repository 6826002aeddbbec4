//! Why webhooks refuses, and what a caller is told.

use ::rpc::{Fault, Invalid};
use tonic::{Code, Status};
use types::{ShopId, WebhookDeliveryId, WebhookEndpointId};

use crate::model::endpoint::ENDPOINTS_MAX;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("there is no webhook endpoint {0}")]
    EndpointNotFound(WebhookEndpointId),
    #[error("there is no webhook delivery {0}")]
    DeliveryNotFound(WebhookDeliveryId),
    #[error("there is no shop {0}")]
    ShopNotFound(ShopId),
    #[error("a key is told only what it may read, and not without {scope}")]
    ScopeNotHeld { scope: &'static str },
    #[error("{ENDPOINTS_MAX} endpoints have these shops already; delete one")]
    TooManyEndpoints,
    #[error("the endpoint {0} is disabled; enable it first")]
    EndpointDisabled(WebhookEndpointId),
    #[error("what was sent with the delivery {0} is no longer kept")]
    MessageForgotten(WebhookDeliveryId),
    #[error("it was changed meanwhile; read it again")]
    EtagMismatch { current: i64 },
    #[error(
        "changes after this cursor are no longer kept in {stream}: list what there is, and go on with the cursor \"latest\" of before"
    )]
    CursorExpired { stream: &'static str },
    #[error(
        "{stream} was restored to an earlier moment, and the cursor is of before: list what there is, and go on with the cursor \"latest\" of before"
    )]
    CursorVoid { stream: &'static str },
    #[error("too many streams are open; try again later")]
    TooManyWatchers,
    /// A log does not answer.
    #[error("changes cannot be read at the moment")]
    Upstream(Box<Status>),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Database(#[from] diesel::result::Error),
}

impl Error {
    fn fault(self) -> Fault {
        let message = self.to_string();
        match self {
            Self::Invalid(invalid) => Fault::invalid(&invalid),
            Self::EndpointNotFound(id) => {
                Fault::new(Code::NotFound, "WEBHOOK_ENDPOINT_NOT_FOUND", message).with("endpoint_id", id)
            }
            Self::DeliveryNotFound(id) => {
                Fault::new(Code::NotFound, "WEBHOOK_DELIVERY_NOT_FOUND", message).with("delivery_id", id)
            }
            Self::ShopNotFound(id) => {
                Fault::new(Code::NotFound, "SHOP_NOT_FOUND", message).with("shop_id", id)
            }
            Self::ScopeNotHeld { scope } => {
                Fault::new(Code::PermissionDenied, "SCOPE_NOT_HELD", message).with("scope", scope)
            }
            Self::TooManyEndpoints => {
                Fault::new(Code::FailedPrecondition, "TOO_MANY_WEBHOOK_ENDPOINTS", message)
            }
            Self::EndpointDisabled(id) => {
                Fault::new(Code::FailedPrecondition, "WEBHOOK_ENDPOINT_DISABLED", message)
                    .with("endpoint_id", id)
            }
            Self::MessageForgotten(id) => {
                Fault::new(Code::FailedPrecondition, "WEBHOOK_MESSAGE_FORGOTTEN", message)
                    .with("delivery_id", id)
            }
            Self::EtagMismatch { current } => {
                Fault::new(Code::Aborted, "ETAG_MISMATCH", message).with("current_etag", current)
            }
            Self::CursorExpired { stream } => {
                Fault::new(Code::FailedPrecondition, "CURSOR_EXPIRED", message).with("stream", stream)
            }
            Self::CursorVoid { stream } => {
                Fault::new(Code::FailedPrecondition, "CURSOR_VOID", message).with("stream", stream)
            }
            Self::TooManyWatchers => Fault::new(Code::ResourceExhausted, "TOO_MANY_STREAMS", message)
                .retry_after(std::time::Duration::from_secs(5)),
            Self::Upstream(status) => {
                tracing::warn!(code = ?status.code(), message = status.message(), "a log does not answer");
                Fault::new(Code::Unavailable, "EVENTS_UNAVAILABLE", message)
            }
            Self::Store(error) => error.fault(),
            Self::Database(error) => store::Error::from(error).fault(),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        error.fault().into()
    }
}
