//! Misses answers that will never come.
//!
//! A server may vanish without a word, with the line to it or behind something that forgets lines; whoever waits for its
//! answer would wait until TCP gives up, or for ever. But a statement may also take its time. Which of both it is the server
//! knows: after a moment of silence it is asked over another connection. A session that it does not have, or in which it
//! waits for us while we wait for it, is closed, and so is a silent one when the server cannot be asked at all. Whoever waits
//! hears what he hears when a connection breaks: the outcome is unknown.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::Config;

use crate::backend::{self, Answer};
use crate::session::Pulse;

/// How often sessions are looked at.
const PERIOD: Duration = Duration::from_millis(500);
/// How long a statement may be without an answer until the server is asked about it, and asked again.
const SILENCE: Duration = Duration::from_secs(2);
/// How long the server may take to tell.
const ASK_PATIENCE: Duration = Duration::from_secs(2);
/// A server that could not be asked so many times in a row is gone.
const ASKED_MAX: u32 = 2;

/// Looks after the sessions of a pool, as long as there is the pool.
pub(crate) struct Watch {
    config: Config,
    watched: Arc<Mutex<Vec<Watched>>>,
    begun: AtomicBool,
}

/// A session as it was seen last.
struct Watched {
    pulse: Weak<Pulse>,
    beats: u64,
    /// Since when it looks like that, or was found at work.
    since: Instant,
    /// Whether the server, at least once since, waited for us while we waited for it. An answer may be on its way.
    doubted: bool,
}

impl Watch {
    pub(crate) fn new(config: Config) -> Self {
        Self { config, watched: Arc::default(), begun: AtomicBool::new(false) }
    }

    /// Looks after one more.
    pub(crate) fn begin(&self, pulse: &Arc<Pulse>) {
        let watched = Watched {
            pulse: Arc::downgrade(pulse),
            beats: pulse.beats(),
            since: Instant::now(),
            doubted: false,
        };
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).push(watched);
        if !self.begun.swap(true, Ordering::Relaxed) {
            tokio::spawn(look_after(self.config.clone(), Arc::downgrade(&self.watched)));
        }
    }
}

async fn look_after(config: Config, watched: Weak<Mutex<Vec<Watched>>>) {
    let mut unanswered = 0;
    loop {
        tokio::time::sleep(PERIOD).await;
        let Some(watched) = watched.upgrade() else { return };
        let lock = || watched.lock().unwrap_or_else(PoisonError::into_inner);
        look(&mut lock());
        // Those of now: of a session that is opened meanwhile the server may have told nothing.
        let known = lock().len();
        if !lock().iter().any(Watched::is_silent) {
            unanswered = 0;
            continue;
        }
        let answer = tokio::time::timeout(ASK_PATIENCE, backend::ask(&config)).await;
        let mut watched = lock();
        let watched = watched.iter_mut().take(known);
        match answer.unwrap_or(Answer::Silence) {
            Answer::Sessions(sessions) => {
                unanswered = 0;
                watched.for_each(|session| session.judge(|pulse| sessions.get(&pulse.backend).copied()));
            }
            Answer::Refused => {}
            Answer::Silence => {
                unanswered += 1;
                if unanswered >= ASKED_MAX {
                    watched.for_each(Watched::give_up);
                }
            }
        }
    }
}

/// Forgets sessions that were closed and notes what others have done.
fn look(watched: &mut Vec<Watched>) {
    watched.retain_mut(|session| {
        let Some(pulse) = session.pulse.upgrade() else { return false };
        let beats = pulse.beats();
        if session.beats != beats {
            (session.beats, session.since, session.doubted) = (beats, Instant::now(), false);
        }
        true
    });
}

impl Watched {
    /// Whether a statement runs for long without an answer.
    fn is_silent(&self) -> bool {
        self.since.elapsed() >= SILENCE && self.pulse.upgrade().is_some_and(|pulse| pulse.is_running())
    }

    /// `at_work` is `None` for a session that the server does not have.
    fn judge(&mut self, at_work: impl Fn(&Pulse) -> Option<bool>) {
        let Some(pulse) = self.pulse.upgrade() else { return };
        match at_work(&pulse) {
            None => cut(&pulse, "the server does not know it any more"),
            Some(true) => (self.since, self.doubted) = (Instant::now(), false),
            Some(false) if !self.is_silent() || pulse.beats() != self.beats => {}
            Some(false) if self.doubted => cut(&pulse, "its answer was lost"),
            Some(false) => self.doubted = true,
        }
    }

    fn give_up(&mut self) {
        let silent = self.pulse.upgrade().filter(|pulse| self.is_silent() && pulse.beats() == self.beats);
        if let Some(pulse) = silent {
            cut(&pulse, "the server cannot be asked");
        }
    }
}

fn cut(pulse: &Pulse, why: &'static str) {
    pulse.cut();
    metrics::counter!("korob_database_connections_lost_total").increment(1);
    tracing::warn!(why, "a database connection is given up");
}
