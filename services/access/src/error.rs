//! Why access refuses, and what a caller is told.

use ::rpc::{Fault, Invalid};
use tonic::Code;
use types::{KeyId, LegalEntityId, ShopId, SourceId};

use crate::model::RETIRED_SECRETS_MAX;

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("there is no shop {0}")]
    ShopNotFound(ShopId),
    #[error("there is no legal entity {0}")]
    LegalEntityNotFound(LegalEntityId),
    #[error("there is no channel account {0}")]
    ChannelAccountNotFound(SourceId),
    #[error("there is no API key {0}")]
    ApiKeyNotFound(KeyId),
    #[error("the API key {0} is revoked")]
    ApiKeyRevoked(KeyId),
    #[error("a key grants only what it holds itself, and not {scope}")]
    ScopeNotHeld { scope: String },
    #[error(
        "{RETIRED_SECRETS_MAX} older secrets of {0} still work; let one expire, or rotate with 0 minutes"
    )]
    TooManySecrets(KeyId),
    #[error("the API key is not valid")]
    KeyInvalid,
    #[error("it was changed meanwhile; read it again")]
    EtagMismatch { current: i64 },
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
            Self::ShopNotFound(id) => {
                Fault::new(Code::NotFound, "SHOP_NOT_FOUND", message).with("shop_id", id)
            }
            Self::LegalEntityNotFound(id) => {
                Fault::new(Code::NotFound, "LEGAL_ENTITY_NOT_FOUND", message).with("legal_entity_id", id)
            }
            Self::ChannelAccountNotFound(id) => {
                Fault::new(Code::NotFound, "CHANNEL_ACCOUNT_NOT_FOUND", message).with("source_id", id)
            }
            Self::ApiKeyNotFound(id) => {
                Fault::new(Code::NotFound, "API_KEY_NOT_FOUND", message).with("key_id", id)
            }
            Self::ApiKeyRevoked(id) => {
                Fault::new(Code::FailedPrecondition, "API_KEY_REVOKED", message).with("key_id", id)
            }
            Self::ScopeNotHeld { scope } => {
                Fault::new(Code::PermissionDenied, "SCOPE_NOT_HELD", message).with("scope", scope)
            }
            Self::TooManySecrets(id) => {
                Fault::new(Code::FailedPrecondition, "TOO_MANY_SECRETS", message).with("key_id", id)
            }
            Self::KeyInvalid => Fault::new(Code::Unauthenticated, "KEY_INVALID", message),
            Self::EtagMismatch { current } => {
                Fault::new(Code::Aborted, "ETAG_MISMATCH", message).with("current_etag", current)
            }
            Self::Store(error) => error.fault(),
            Self::Database(error) => store::Error::from(error).fault(),
        }
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        error.fault().into()
    }
}
