//! Idempotency keys: one effect and one answer for each, for as long as the vendor remembers it.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::answer::Answer;
use crate::asked::Asked;

/// Keys that one system remembers at a time.
pub const KEYS_MAX: usize = 100_000;
/// How long vendors remember a key.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);

/// What a key was used for, and what was answered.
#[derive(Debug, Clone)]
struct Use {
    fingerprint: [u8; 32],
    answer: Answer,
}

#[derive(Debug, Default)]
pub(crate) struct Keys {
    uses: HashMap<String, Use>,
    ages: VecDeque<(DateTime<Utc>, String)>,
}

/// What is known of a key.
#[derive(Debug)]
pub(crate) enum Known {
    New,
    /// The same request came before, and got this.
    Same(Answer),
    /// The key came before with another request.
    Other,
}

impl Keys {
    pub fn is_full(&self) -> bool {
        self.uses.len() >= KEYS_MAX
    }

    pub fn look_up(&mut self, now: DateTime<Utc>, account: &str, key: &str, asked: &Asked) -> Known {
        self.forget_old(now);
        match self.uses.get(&name(account, key)) {
            None => Known::New,
            Some(known) if known.fingerprint == fingerprint(asked) => Known::Same(known.answer.clone()),
            Some(_) => Known::Other,
        }
    }

    pub fn remember(&mut self, now: DateTime<Utc>, account: &str, key: &str, asked: &Asked, answer: &Answer) {
        let name = name(account, key);
        self.ages.push_back((now, name.clone()));
        self.uses.insert(name, Use { fingerprint: fingerprint(asked), answer: answer.clone() });
    }

    fn forget_old(&mut self, now: DateTime<Utc>) {
        while let Some((_, name)) = self.ages.pop_front_if(|(time, _)| *time + REMEMBERED < now) {
            self.uses.remove(&name);
        }
    }
}

fn name(account: &str, key: &str) -> String {
    format!("{account}\n{key}")
}

fn fingerprint(asked: &Asked) -> [u8; 32] {
    let digest = Sha256::new()
        .chain_update(asked.method.as_str())
        .chain_update([0])
        .chain_update(asked.path.join("/"))
        .chain_update([0])
        .chain_update(&asked.body);
    digest.finalize().into()
}
