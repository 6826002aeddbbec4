//! What a loop without end does about what fails: it pauses and tries again, and says so aloud once that lasts.

use std::time::Duration;

pub(crate) const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(500);
/// Whoever is asked may start a moment later than this service.
const EXPECTED: u32 = 3;

/// Failures in a row.
#[derive(Default)]
pub(crate) struct Failures(u32);

impl Failures {
    pub(crate) fn count(&mut self) {
        self.0 = self.0.saturating_add(1);
    }

    /// Whether there are more than a start explains.
    pub(crate) fn are_lasting(&self) -> bool {
        self.0 > EXPECTED
    }

    /// It works again.
    pub(crate) fn end(&mut self) {
        self.0 = 0;
    }
}
