//! Tokens that show buyers what is theirs: one customer of one shop, until a certain time.
//!
//! A token is `kbt_` and, in base64url, what it says with its HMAC-SHA256 under a key of its own, derived from the
//! installation's secret. It is stored nowhere, so it cannot be taken back: whoever issues one gives it a short life.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use types::{Clock, CustomerId, ShopId};
use uuid::Uuid;

use crate::caller::Caller;
use crate::signing::CallerKeys;

/// How every token begins. No key begins like this, so the two cannot be taken for each other.
pub const PREFIX: &str = "kbt_";

/// Before anything that is signed: no statement of another kind or version can be shown as a token.
const PURPOSE: &str = "korob buyer token 1";
const STATEMENT_BYTES: usize = 16 + 16 + 8;
const TAG_BYTES: usize = 32;

/// Issues and verifies the tokens of an installation. Cheap to clone.
#[derive(Clone)]
pub struct BuyerTokens {
    key: Hmac<Sha256>,
    clock: Clock,
}

/// Whom a token shows what is theirs, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buyer {
    /// Where.
    pub shop: ShopId,
    /// Who.
    pub customer: CustomerId,
    /// From then on the token is refused; kept in whole seconds.
    pub expire_time: DateTime<Utc>,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuyerTokenError {
    /// Not made with this installation's secret, or altered.
    #[error("the token is not genuine")]
    Forged,
    /// Genuine once.
    #[error("the token has expired")]
    Expired,
}

impl BuyerTokens {
    /// The tokens of the installation that `keys` belong to, by `clock`.
    pub fn new(keys: &CallerKeys, clock: Clock) -> Self {
        Self { key: keys.derived(PURPOSE), clock }
    }

    /// A token for `buyer`.
    pub fn issue(&self, buyer: &Buyer) -> String {
        let mut token = buyer.statement().to_vec();
        token.extend_from_slice(&self.mac(&token).finalize().into_bytes());
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(token))
    }

    /// Whose token this is.
    pub fn verify(&self, token: &str) -> Result<Buyer, BuyerTokenError> {
        let encoded = token.strip_prefix(PREFIX).ok_or(BuyerTokenError::Forged)?;
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| BuyerTokenError::Forged)?;
        let (statement, tag) = bytes.split_first_chunk().ok_or(BuyerTokenError::Forged)?;
        if tag.len() != TAG_BYTES {
            return Err(BuyerTokenError::Forged);
        }
        // Compares in constant time; nothing of what the token says is looked at before.
        self.mac(statement).verify_slice(tag).map_err(|_| BuyerTokenError::Forged)?;
        let buyer = Buyer::of_statement(statement).ok_or(BuyerTokenError::Forged)?;
        if buyer.expire_time <= self.clock.now() { Err(BuyerTokenError::Expired) } else { Ok(buyer) }
    }

    fn mac(&self, statement: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.key.clone();
        mac.update(statement);
        mac
    }
}

impl Buyer {
    /// The buyer as a caller.
    pub fn caller(&self) -> Caller {
        Caller::buyer(self.customer, self.shop)
    }

    fn statement(&self) -> [u8; STATEMENT_BYTES] {
        let (shop, customer) = (self.shop.uuid(), self.customer.uuid());
        let seconds = self.expire_time.timestamp().to_be_bytes();
        let mut statement = [0; STATEMENT_BYTES];
        let bytes = shop.as_bytes().iter().chain(customer.as_bytes()).chain(&seconds);
        for (to, from) in statement.iter_mut().zip(bytes) {
            *to = *from;
        }
        statement
    }

    fn of_statement(statement: &[u8; STATEMENT_BYTES]) -> Option<Self> {
        let (shop, rest) = statement.split_first_chunk()?;
        let (customer, rest) = rest.split_first_chunk()?;
        let (seconds, []) = rest.split_first_chunk()? else { return None };
        Some(Self {
            shop: ShopId::from_uuid(Uuid::from_bytes(*shop)),
            customer: CustomerId::from_uuid(Uuid::from_bytes(*customer)),
            expire_time: DateTime::from_timestamp(i64::from_be_bytes(*seconds), 0)?,
        })
    }
}

/// A token opens what it names: keys stay out of logs.
impl fmt::Debug for BuyerTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuyerTokens").finish_non_exhaustive()
    }
}
