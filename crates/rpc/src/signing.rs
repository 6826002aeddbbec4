//! Signs and verifies the caller's statement, so that the audit's "who" cannot be forged.
//!
//! The statement is a protobuf message with an HMAC-SHA256 under a key that changes every hour: the key of an hour is
//! itself an HMAC of the hour under the installation's master secret, so that all processes rotate without talking.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use prost::Message;
use proto::internal::v1::CallerContext;
use sha2::Sha256;
use types::{Clock, ShopId};

use crate::caller::{Caller, Shops};

/// The metadata key that carries the statement.
pub const CALLER_HEADER: &str = "korob-caller";

const LIFE: Duration = Duration::from_secs(60);
const KEY_HOUR_MS: i64 = 3_600_000;
/// Processes on several machines may disagree by this much.
const CLOCK_SKEW_MS: i64 = 5_000;

type HourKey = (i64, Hmac<Sha256>);

/// The installation's secret for statements about callers.
#[derive(Clone)]
pub struct CallerKeys {
    master: Arc<Vec<u8>>,
    clock: Clock,
    last_hour: Arc<Mutex<Option<HourKey>>>,
}

/// Why a statement is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// There is none.
    #[error("the call carries no caller context")]
    Missing,
    /// Not made with the installation's secret, or altered.
    #[error("the caller context is not genuine")]
    Forged,
    /// Too old.
    #[error("the caller context has expired")]
    Expired,
    /// Made for another service.
    #[error("the caller context is meant for another service")]
    WrongAudience,
}

impl CallerKeys {
    /// Keys under `master`, which needs at least 16 bytes of randomness.
    pub fn new(master: impl Into<Vec<u8>>) -> Self {
        Self { master: Arc::new(master.into()), clock: Clock::system(), last_hour: Arc::default() }
    }

    /// The same keys by another clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Keys under a secret made now; only this process knows it.
    pub fn random() -> Self {
        Self::new(rand::random::<[u8; 32]>())
    }

    /// Whether what these sign is genuine to `others`. Those of one process are clones of each other.
    pub(crate) fn are(&self, others: &Self) -> bool {
        if Arc::ptr_eq(&self.master, &others.master) {
            return true;
        }
        const PURPOSE: &str = "korob compare keys";
        let tag = self.derived(PURPOSE).finalize().into_bytes();
        others.derived(PURPOSE).verify_slice(&tag).is_ok()
    }

    /// A statement that `caller` calls `audience`, made by `issuer`.
    pub fn sign(&self, caller: &Caller, issuer: &str, audience: &str) -> String {
        let (shop_ids, all_shops) = match &caller.shops {
            Shops::All => (Vec::new(), true),
            Shops::Only(shops) => (shops.iter().map(ShopId::to_string).collect(), false),
        };
        let expire_time_ms = self.clock.now().timestamp_millis() + LIFE.as_millis() as i64;
        let statement = CallerContext {
            actor: caller.actor.to_string(),
            shop_ids,
            all_shops,
            scopes: caller.scopes.clone(),
            audience: audience.to_owned(),
            expire_time_ms,
            issuer: issuer.to_owned(),
            on_behalf_of: caller.on_behalf_of.clone().unwrap_or_default(),
        };
        let payload = statement.encode_to_vec();
        let mut mac = self.hour_key(expire_time_ms);
        mac.update(&payload);
        let mut text = URL_SAFE_NO_PAD.encode(&payload);
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(mac.finalize().into_bytes(), &mut text);
        text
    }

    /// The caller that `text` states, when it is genuine, fresh and meant for `audience`.
    pub fn verify(&self, text: &str, audience: &str) -> Result<Caller, SigningError> {
        let (payload, tag) = text.split_once('.').ok_or(SigningError::Forged)?;
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| SigningError::Forged)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| SigningError::Forged)?;
        let statement = CallerContext::decode(payload.as_slice()).map_err(|_| SigningError::Forged)?;
        let mut mac = self.hour_key(statement.expire_time_ms);
        mac.update(&payload);
        mac.verify_slice(&tag).map_err(|_| SigningError::Forged)?;

        let now_ms = self.clock.now().timestamp_millis();
        if statement.expire_time_ms < now_ms - CLOCK_SKEW_MS {
            return Err(SigningError::Expired);
        }
        if statement.audience != audience {
            return Err(SigningError::WrongAudience);
        }
        caller_of(statement).ok_or(SigningError::Forged)
    }

    /// A key for one other purpose. It tells nothing of the secret, nor of the keys of other purposes.
    pub(crate) fn derived(&self, purpose: &str) -> Hmac<Sha256> {
        let mut derive = keyed(&self.master);
        derive.update(purpose.as_bytes());
        keyed(&derive.finalize().into_bytes())
    }

    fn hour_key(&self, time_ms: i64) -> Hmac<Sha256> {
        let hour = time_ms.div_euclid(KEY_HOUR_MS);
        let mut last = self.last_hour.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((known, key)) = last.as_ref()
            && *known == hour
        {
            return key.clone();
        }
        let mut derive = keyed(&self.master);
        derive.update(b"korob caller context");
        derive.update(&hour.to_be_bytes());
        let key = keyed(&derive.finalize().into_bytes());
        *last = Some((hour, key.clone()));
        key
    }
}

fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    #[allow(clippy::expect_used)]
    Hmac::new_from_slice(secret).expect("HMAC takes keys of any length")
}

fn caller_of(statement: CallerContext) -> Option<Caller> {
    let shops = match statement.all_shops {
        true => Shops::All,
        false => Shops::Only(statement.shop_ids.iter().map(|id| id.parse().ok()).collect::<Option<_>>()?),
    };
    let on_behalf_of = Some(statement.on_behalf_of).filter(|who| !who.is_empty());
    Some(Caller { actor: statement.actor.parse().ok()?, on_behalf_of, shops, scopes: statement.scopes })
}
