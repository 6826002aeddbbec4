//! HMAC-SHA256 over a timestamp and a raw body, as card providers sign their webhooks.

use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::Untrusted;

/// How much the provider's clock may differ from ours; an older webhook may be a replay by somebody else.
pub const TOLERANCE_SECONDS: i64 = 300;

/// Whether one of `signatures` (hexadecimal) is that of `<timestamp>.<body>` under `secret`, and the timestamp is of now.
pub fn verify(
    secret: &str,
    timestamp: &str,
    signatures: &[&str],
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), Untrusted> {
    let sent: i64 = timestamp.parse().map_err(|_| Untrusted)?;
    if secret.is_empty() || now.timestamp().saturating_sub(sent).saturating_abs() > TOLERANCE_SECONDS {
        return Err(Untrusted);
    }
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(secret.as_bytes()).map_err(|_| Untrusted)?;
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    let matches = |signature: &&str| {
        unhex(signature).is_some_and(|signature| mac.clone().verify_slice(&signature).is_ok())
    };
    if signatures.iter().any(matches) { Ok(()) } else { Err(Untrusted) }
}

/// The parts `name=value` of a header, for one name.
pub fn parts<'a>(header: &'a str, name: &str) -> Vec<&'a str> {
    let pairs = header.split(',').filter_map(|part| part.trim().split_once('='));
    pairs.filter(|(found, _)| *found == name).map(|(_, value)| value).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let even = text.len().is_multiple_of(2) && text.is_ascii();
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    even.then(|| (0..text.len()).step_by(2).map(byte).collect())?
}
