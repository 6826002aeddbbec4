//! How much is worked on at once: as much as is done in time, and what matters most is refused last.
//!
//! The limit follows what answers take, as TCP's window follows the network (a gradient with additive increase). A
//! method's contract says how long it may take; an answer that needed more than the twentieth part of that has waited
//! for others. While answers are timely the limit grows by a sixteenth every tenth of a second; when they are late it
//! is cut in the proportion in which they are. A cut is judged only by those who were let in after it, so a queue that
//! is still running dry does not cut twice. One answer counts as twice too late at most: a minority that hangs does
//! not slow down all the others.
//!
//! Every class has a share of the limit, and what is counted against it is everything that runs: browsing is let in
//! while the place is half empty, a placement as long as there is a place. Only placements wait for one, few and
//! briefly. To let in and to let go is an atomic operation each.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use proto::api::v1::Criticality;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long answers are collected before the limit follows them.
const WINDOW_MS: u64 = 100;
/// So many answers are collected at least, or as many as half of the places: one or two say nothing of the others.
const ANSWERS_MIN: u64 = 8;
/// An answer is late when it took more than this part of the time its method allows.
const LATE_PART: u32 = 20;
/// What is just in time, in thousandths.
const IN_TIME: u64 = 1000;
/// No answer counts as later than this, in thousandths of what is just in time.
const LATENESS_MAX: u64 = 2 * IN_TIME;
/// Every window of timely answers adds this part of the limit, and one.
const GROWTH_PART: usize = 16;
/// How often it is told that something is refused.
const TELL_MS: u64 = 10_000;

/// Between which numbers a limit moves, and who may wait for a place.
#[derive(Debug, Clone, Copy)]
pub struct AdmissionLimits {
    /// What is worked on at once when all is well.
    pub max: usize,
    /// What is worked on at once at worst; more than `max` means `max`.
    pub min: usize,
    /// Critical requests that may wait for a place at once.
    pub waiting_max: usize,
    /// How long one of them may wait.
    pub wait_max: Duration,
}

/// Lets in or refuses. One per process and port.
#[derive(Debug)]
pub struct Admission {
    /// Whose it is, for metrics.
    name: &'static str,
    limits: AdmissionLimits,
    limit: AtomicUsize,
    in_flight: AtomicUsize,
    waiting: AtomicUsize,
    freed: Notify,
    begun: Instant,
    window: Window,
    refused: AtomicU64,
    told_ms: AtomicU64,
}

/// What was seen since the limit was last looked at.
#[derive(Debug, Default)]
struct Window {
    begin_ms: AtomicU64,
    /// Only who was let in later tells of the limit as it is.
    cut_ms: AtomicU64,
    answers: AtomicU64,
    /// Of all answers together, in thousandths of what is just in time.
    lateness: AtomicU64,
    /// Whether half of the places were taken when somebody came: otherwise it is not their number that makes answers late.
    pressed: AtomicBool,
}

/// A place; given back when dropped.
#[derive(Debug)]
pub struct Admitted<'a> {
    admission: &'a Admission,
}

/// Begins when a request is worked on, ends with [`Admission::observe`].
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Since it was started.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

impl Admission {
    /// Lets in up to `limits.max` at first.
    pub fn new(name: &'static str, limits: AdmissionLimits) -> Self {
        for class in [Criticality::Critical, Criticality::Normal, Criticality::Sheddable] {
            // There from the beginning, so that the first refusal is seen as one more.
            metrics::counter!("korob_admission_refused_total", "at" => name, "class" => class_name(class))
                .increment(0);
        }
        metrics::gauge!("korob_admission_limit", "at" => name).set(limits.max as f64);
        metrics::gauge!("korob_admission_in_flight", "at" => name).set(0.0);
        Self {
            name,
            limits,
            limit: AtomicUsize::new(limits.max),
            in_flight: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            freed: Notify::new(),
            begun: Instant::now(),
            window: Window::default(),
            refused: AtomicU64::new(0),
            told_ms: AtomicU64::new(0),
        }
    }

    /// What is let in at once at the moment.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// What is worked on at the moment.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// A place for a request of `class`, if there is one now or, for a critical one, soon.
    pub async fn admit(&self, class: Criticality) -> Option<Admitted<'_>> {
        if let Some(admitted) = self.try_admit(class) {
            return Some(admitted);
        }
        let admitted = match class {
            Criticality::Critical => self.wait().await,
            Criticality::Normal | Criticality::Sheddable | Criticality::Unspecified => None,
        };
        if admitted.is_none() {
            self.refused.fetch_add(1, Ordering::Relaxed);
            metrics::counter!("korob_admission_refused_total", "at" => self.name, "class" => class_name(class))
                .increment(1);
            self.look();
        }
        admitted
    }

    /// Notes an answer: how long the work took since `stopwatch` was started, of how long its method `allows`.
    pub fn observe(&self, stopwatch: Stopwatch, allows: Duration) {
        let in_time_us = (allows / LATE_PART).as_micros().max(1) as u64;
        let took_us = stopwatch.elapsed().as_micros() as u64;
        self.note(stopwatch, (took_us.saturating_mul(IN_TIME) / in_time_us).min(LATENESS_MAX));
    }

    /// Notes an answer that says that a part behind has too much to do, however soon it came.
    pub fn observe_busy(&self, stopwatch: Stopwatch) {
        self.note(stopwatch, LATENESS_MAX);
    }

    /// How long a client who was refused is asked to wait: not all the same, or they all come back together.
    pub fn come_back_after(&self) -> Duration {
        Duration::from_secs(rand::random_range(1..=3))
    }

    fn try_admit(&self, class: Criticality) -> Option<Admitted<'_>> {
        let limit = self.limit.load(Ordering::Relaxed);
        let places = share(class, limit);
        let one_more = |taken: usize| (taken < places).then_some(taken + 1);
        let taken = self.in_flight.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more).ok();
        // Refused for want of a place, or of the last half of them.
        let pressed = taken.is_none_or(|taken| (taken + 1) * 2 >= limit);
        if pressed && !self.window.pressed.load(Ordering::Relaxed) {
            self.window.pressed.store(true, Ordering::Relaxed);
        }
        taken.map(|_| Admitted { admission: self })
    }

    /// Waits in line for a place. Who comes meanwhile may be quicker; the wait has an end in any case.
    async fn wait(&self) -> Option<Admitted<'_>> {
        let one_more = |waiting: usize| (waiting < self.limits.waiting_max).then_some(waiting + 1);
        self.waiting.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more).ok()?;
        let _in_line = InLine(&self.waiting);
        let until = Instant::now() + self.limits.wait_max;
        loop {
            let mut freed = std::pin::pin!(self.freed.notified());
            // From here on a place that is given back wakes this one.
            freed.as_mut().enable();
            if let Some(admitted) = self.try_admit(Criticality::Critical) {
                return Some(admitted);
            }
            tokio::time::timeout_at(until, freed).await.ok()?;
        }
    }

    fn note(&self, stopwatch: Stopwatch, lateness: u64) {
        let window = &self.window;
        if self.ms_of(stopwatch.0) >= window.cut_ms.load(Ordering::Relaxed) {
            window.answers.fetch_add(1, Ordering::Relaxed);
            window.lateness.fetch_add(lateness, Ordering::Relaxed);
        }
        self.look();
    }

    /// Lets the limit follow what was seen, once per window.
    fn look(&self) {
        let (now_ms, window) = (self.ms_of(Instant::now()), &self.window);
        self.tell(now_ms);
        let begin_ms = window.begin_ms.load(Ordering::Relaxed);
        let (passed_ms, limit) = (now_ms.saturating_sub(begin_ms), self.limit());
        let enough = ANSWERS_MIN.min(limit as u64 / 2).max(1);
        if passed_ms < WINDOW_MS || window.answers.load(Ordering::Relaxed) < enough {
            return;
        }
        let won = window.begin_ms.compare_exchange(begin_ms, now_ms, Ordering::Relaxed, Ordering::Relaxed);
        if won.is_err() {
            return;
        }
        let (answers, lateness) =
            (window.answers.swap(0, Ordering::Relaxed), window.lateness.swap(0, Ordering::Relaxed));
        let pressed = window.pressed.swap(false, Ordering::Relaxed) || self.in_flight() * 2 >= limit;
        let followed = match lateness.checked_div(answers) {
            Some(mean) if mean > IN_TIME && pressed => {
                window.cut_ms.store(now_ms, Ordering::Relaxed);
                self.at_least_min(limit * IN_TIME as usize / mean as usize)
            }
            Some(mean) if mean <= IN_TIME => self.grown(limit, passed_ms / WINDOW_MS),
            Some(_) | None => limit,
        };
        self.limit.store(followed, Ordering::Relaxed);
        metrics::gauge!("korob_admission_limit", "at" => self.name).set(followed as f64);
        metrics::gauge!("korob_admission_in_flight", "at" => self.name).set(self.in_flight() as f64);
    }

    fn at_least_min(&self, limit: usize) -> usize {
        limit.max(self.limits.min).min(self.limits.max)
    }

    /// Grown for as many windows as have passed; a quiet time makes up for a busy one.
    fn grown(&self, mut limit: usize, windows: u64) -> usize {
        for _ in 0..windows {
            if limit >= self.limits.max {
                break;
            }
            limit += limit / GROWTH_PART + 1;
        }
        limit.min(self.limits.max)
    }

    /// One line for all that was refused lately: a line each would be one more thing to do.
    fn tell(&self, now_ms: u64) {
        let told_ms = self.told_ms.load(Ordering::Relaxed);
        if self.refused.load(Ordering::Relaxed) == 0
            || (told_ms > 0 && now_ms.saturating_sub(told_ms) < TELL_MS)
        {
            return;
        }
        self.told_ms.store(now_ms.max(1), Ordering::Relaxed);
        let refused = self.refused.swap(0, Ordering::Relaxed);
        let (limit, in_flight) = (self.limit(), self.in_flight());
        tracing::warn!(at = self.name, refused, limit, in_flight, "there is too much to do; some is refused");
    }

    fn ms_of(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.begun).as_millis() as u64
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        self.admission.in_flight.fetch_sub(1, Ordering::SeqCst);
        if self.admission.waiting.load(Ordering::SeqCst) > 0 {
            self.admission.freed.notify_one();
        }
    }
}

/// Somebody who waits.
struct InLine<'a>(&'a AtomicUsize);

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// How far the places may be filled for a request of `class` to be let in.
fn share(class: Criticality, limit: usize) -> usize {
    match class {
        Criticality::Critical => limit,
        Criticality::Normal | Criticality::Unspecified => limit * 4 / 5,
        Criticality::Sheddable => limit / 2,
    }
}

fn class_name(class: Criticality) -> &'static str {
    match class {
        Criticality::Critical => "critical",
        Criticality::Normal | Criticality::Unspecified => "normal",
        Criticality::Sheddable => "sheddable",
    }
}
