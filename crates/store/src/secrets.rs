//! Secrets at rest: credentials of providers and carriers, sealed under the installation's key.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::error::{Error, Result};
use crate::pool::Store;

/// The first byte of everything sealed this way.
const VERSION: u8 = 1;
const NONCE_LENGTH: usize = 24;

impl Store {
    /// Encrypts a secret for a column. `context` names the row it belongs to, such as the account's id: sealed bytes that
    /// are moved to another row do not open.
    pub fn seal(&self, secret: &[u8], context: &str) -> Vec<u8> {
        let nonce: [u8; NONCE_LENGTH] = rand::random();
        let payload = Payload { msg: secret, aad: &self.context(context) };
        // Fails only for messages beyond the cipher's 256 GiB.
        let sealed = self.cipher().encrypt(XNonce::from_slice(&nonce), payload).unwrap_or_default();
        [&[VERSION][..], &nonce, &sealed].concat()
    }

    /// Decrypts what [`seal`](Store::seal) made.
    ///
    /// # Errors
    /// [`Error::Unsealable`]: sealed under another key, for another context, or altered.
    pub fn unseal(&self, sealed: &[u8], context: &str) -> Result<Vec<u8>> {
        let rest = sealed.strip_prefix(&[VERSION]).ok_or(Error::Unsealable)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LENGTH).ok_or(Error::Unsealable)?;
        let payload = Payload { msg: sealed, aad: &self.context(context) };
        self.cipher().decrypt(XNonce::from_slice(nonce), payload).map_err(|_| Error::Unsealable)
    }

    /// The key is derived, so that what the same secret signs elsewhere says nothing about it.
    fn cipher(&self) -> XChaCha20Poly1305 {
        let mut derive = <Hmac<Sha256> as KeyInit>::new_from_slice(self.seal_key())
            .unwrap_or_else(|_| unreachable!("HMAC takes keys of every length"));
        derive.update(b"secrets at rest");
        XChaCha20Poly1305::new(&derive.finalize().into_bytes())
    }

    fn context(&self, context: &str) -> Vec<u8> {
        [self.service().as_bytes(), b"\0", context.as_bytes()].concat()
    }
}
