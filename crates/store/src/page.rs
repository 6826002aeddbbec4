//! Keyset pages with sealed cursors.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use rpc::{Fields, Invalid};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::pool::Store;

/// Rows of a page when the caller does not say.
pub const PAGE_SIZE_DEFAULT: i32 = 20;
/// Most rows of a page.
pub const PAGE_SIZE_MAX: i32 = 200;

/// Which page is asked for: how many rows, after which key.
#[derive(Debug, Clone)]
pub struct Page<K> {
    size: usize,
    /// The key of the last row of the previous page.
    pub after: Option<K>,
    filter: [u8; 8],
}

impl<K: Serialize + DeserializeOwned> Page<K> {
    /// Reads `page_size` and `page_token`. `filter` is anything that names the other parameters of the list (the encoded
    /// request without the two is fine): a token of another filter, or one that was altered, is refused.
    pub fn parse(store: &Store, page_size: i32, page_token: &str, filter: &[u8]) -> Result<Self, Invalid> {
        let mut fields = Fields::new();
        let in_range = (0..=PAGE_SIZE_MAX).contains(&page_size);
        fields.check(in_range, "page_size", "OUT_OF_RANGE", "0 to 200; 0 means 20");
        let filter = digest(filter);
        let after = match page_token {
            "" => None,
            token => {
                let after = open(store, token, &filter);
                let problem = "not a token of this list with these filters; start from the first page";
                fields.check(after.is_some(), "page_token", "MALFORMED", problem);
                after
            }
        };
        fields.finish()?;
        let size = if page_size == 0 { PAGE_SIZE_DEFAULT } else { page_size };
        Ok(Self { size: usize::try_from(size).unwrap_or(1), after, filter })
    }

    /// How many rows to select: one more than the page, to see whether there is a next.
    pub fn limit(&self) -> i64 {
        self.size as i64 + 1
    }

    /// Cuts the surplus row and gives the token of the next page, empty when this is the last.
    pub fn cut<R>(&self, store: &Store, mut rows: Vec<R>, key: impl Fn(&R) -> K) -> (Vec<R>, String) {
        if rows.len() <= self.size {
            return (rows, String::new());
        }
        rows.truncate(self.size);
        let token = rows.last().map(|last| seal(store, &key(last), &self.filter)).unwrap_or_default();
        (rows, token)
    }
}

fn digest(filter: &[u8]) -> [u8; 8] {
    let hash = Sha256::digest(filter);
    let mut short = [0; 8];
    short.copy_from_slice(&hash[..8]);
    short
}

fn tag(store: &Store, key: &[u8], filter: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(store.seal_key()).ok()?;
    mac.update(b"page token");
    mac.update(filter);
    mac.update(key);
    Some(mac)
}

fn seal<K: Serialize>(store: &Store, key: &K, filter: &[u8; 8]) -> String {
    let key = serde_json::to_vec(key).unwrap_or_default();
    let Some(mac) = tag(store, &key, filter) else { return String::new() };
    let mut sealed = mac.finalize().into_bytes()[..12].to_vec();
    sealed.extend_from_slice(&key);
    URL_SAFE_NO_PAD.encode(sealed)
}

fn open<K: DeserializeOwned>(store: &Store, token: &str, filter: &[u8; 8]) -> Option<K> {
    let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (mac, key) = sealed.split_at_checked(12)?;
    tag(store, key, filter)?.verify_truncated_left(mac).ok()?;
    serde_json::from_slice(key).ok()
}
