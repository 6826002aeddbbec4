//! What happened, line by line, and one number that stands for all of it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::day::Keep;

/// Lines that are shown when something is broken.
const TAIL: usize = 80;
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// The trace of a day: nothing random is in it but what chance decided.
pub struct Trace(Mutex<Lines>);

struct Lines {
    hash: u64,
    tail: VecDeque<String>,
    /// All of it, when somebody wants to read it.
    kept: usize,
}

impl Trace {
    pub fn new(keep: Keep) -> Self {
        let kept = match keep {
            Keep::Everything => usize::MAX,
            Keep::Tail => TAIL,
        };
        Self(Mutex::new(Lines { hash: FNV_OFFSET, tail: VecDeque::new(), kept }))
    }

    pub fn note(&self, at: Duration, what: fmt::Arguments<'_>) {
        let line = format!("{:>9.3} {what}", at.as_secs_f64());
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hash =
            line.bytes().fold(lines.hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
        lines.hash = hash;
        if lines.tail.len() == lines.kept {
            lines.tail.pop_front();
        }
        lines.tail.push_back(line);
    }

    /// Of all lines.
    pub fn hash(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).hash
    }

    /// The last lines.
    pub fn tail(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).tail.iter().cloned().collect()
    }
}
