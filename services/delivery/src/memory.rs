//! Remembers what carriers said, for a while and not without end.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Answers by question.
pub struct Memory<K, V> {
    answers: Mutex<HashMap<K, (Instant, Arc<V>)>>,
    life: Duration,
    entries_max: usize,
}

impl<K: Eq + Hash + Clone, V> Memory<K, V> {
    /// Remembers at most `entries_max` answers, each for `life`.
    pub fn new(life: Duration, entries_max: usize) -> Self {
        Self { answers: Mutex::default(), life, entries_max }
    }

    /// The answer, unless it is too old.
    pub fn recall(&self, question: &K) -> Option<Arc<V>> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let (time, answer) = answers.get(question)?;
        (time.elapsed() < self.life).then(|| answer.clone())
    }

    /// Keeps an answer; when there is no room, the old ones go first and then all.
    pub fn keep(&self, question: K, answer: Arc<V>) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= self.entries_max {
            answers.retain(|_, (time, _)| time.elapsed() < self.life);
        }
        if answers.len() >= self.entries_max {
            answers.clear();
        }
        answers.insert(question, (Instant::now(), answer));
    }
}
