//! How webhooks prove who sent them.

use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The way a vendor signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signature {
    /// YooKassa and CDEK: anybody could have sent it.
    None,
    /// Stripe: `t=<unix time>,v1=<HMAC of "t.body">` in `Stripe-Signature`.
    Stripe,
    /// Korob's card contract: `Card-Timestamp` and `Card-Signature: v1=<HMAC of "timestamp.body">`.
    Card,
    /// Korob's parcel contract: the same under `Parcel-…`.
    Parcel,
}

impl Signature {
    pub fn headers(self, secret: &str, now: DateTime<Utc>, body: &[u8]) -> Vec<(&'static str, String)> {
        let time = now.timestamp();
        let signed = || format!("v1={}", hmac_hex(secret, &timed(time, body)));
        match self {
            Self::None => Vec::new(),
            Self::Stripe => vec![("stripe-signature", format!("t={time},{}", signed()))],
            Self::Card => vec![("card-timestamp", time.to_string()), ("card-signature", signed())],
            Self::Parcel => vec![("parcel-timestamp", time.to_string()), ("parcel-signature", signed())],
        }
    }
}

/// HMAC-SHA256 in lower-case hexadecimal.
pub(crate) fn hmac_hex(secret: &str, message: &[u8]) -> String {
    // An HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(message);
    hex(&mac.finalize().into_bytes())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn timed(time: i64, body: &[u8]) -> Vec<u8> {
    let mut message = format!("{time}.").into_bytes();
    message.extend_from_slice(body);
    message
}
