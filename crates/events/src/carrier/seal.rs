//! Proves that an event comes from a process of this installation: whoever may publish at the broker is not believed for that.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, Mac};
use prost::Message;
use proto::events::v1::Event;
use sha2::Sha256;

/// Only this purpose's key is derived with it.
const PURPOSE: &[u8] = b"events over a carrier, 1";

/// Seals and tries events.
#[derive(Clone)]
pub(crate) struct Seal(Hmac<Sha256>);

impl Seal {
    /// From the secret that all processes of the installation share.
    pub(crate) fn new(secret: &[u8]) -> Self {
        let key = keyed(secret).chain_update(PURPOSE).finalize().into_bytes();
        Self(keyed(&key))
    }

    /// The seal of an event of the log `epoch`, as text.
    pub(crate) fn of(&self, producer: &str, epoch: &str, event: &Event) -> String {
        STANDARD_NO_PAD.encode(self.begun(producer, epoch, event).finalize().into_bytes())
    }

    /// Whether `seal` is that of this event.
    pub(crate) fn fits(&self, seal: &str, producer: &str, epoch: &str, event: &Event) -> bool {
        STANDARD_NO_PAD
            .decode(seal)
            .is_ok_and(|bytes| self.begun(producer, epoch, event).verify_slice(&bytes).is_ok())
    }

    /// A newer release may tell more of an event than an older one reads: then the seal does not fit, and the log is asked.
    fn begun(&self, producer: &str, epoch: &str, event: &Event) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in [producer.as_bytes(), epoch.as_bytes()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.update(&event.encode_to_vec());
        mac
    }
}

#[allow(clippy::expect_used)]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("any length will do")
}
