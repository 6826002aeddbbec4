//! Bearer tokens that end: handed out, known for a while, forgotten.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// Tokens that are known at a time; the oldest are forgotten first.
const TOKENS_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Tokens {
    /// Account and end of each token.
    known: HashMap<String, (String, DateTime<Utc>)>,
}

impl Tokens {
    pub fn issue(&mut self, account: &str, now: DateTime<Utc>, lives: TimeDelta) -> String {
        self.known.retain(|_, (_, ends)| *ends > now);
        if self.known.len() >= TOKENS_MAX {
            let oldest = self.known.iter().min_by_key(|(_, (_, ends))| *ends).map(|(token, _)| token.clone());
            self.known.remove(&oldest.unwrap_or_default());
        }
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        self.known.insert(token.clone(), (account.to_owned(), now + lives));
        token
    }

    /// Whose token it is, while it lives.
    pub fn account(&self, token: &str, now: DateTime<Utc>) -> Option<&str> {
        self.known.get(token).filter(|(_, ends)| *ends > now).map(|(account, _)| account.as_str())
    }

    pub fn revoke(&mut self, token: &str) {
        self.known.remove(token);
    }
}
