//! Handing a parcel over against a code that only the buyer knows.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::handover_rows::Code;

/// Wrong codes in a row until none is taken for a while.
pub const WRONG_CODES_MAX: i32 = 5;
/// For how long none is taken then.
pub const CODE_PAUSE: TimeDelta = TimeDelta::hours(1);
const CODES: u64 = 1_000_000;

/// A new code: six digits that nobody can guess.
pub fn new_code() -> String {
    let (_, random) = Uuid::new_v4().as_u64_pair();
    // The two highest bits are those of the version.
    format!("{:06}", (random & (u64::MAX >> 2)) % CODES)
}

/// What trying a code leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    Right,
    Missing,
    Wrong { tries_left: i32 },
    Locked { until: DateTime<Utc> },
}

impl Code {
    /// Tries what the buyer is said to have said; `right` is the code itself.
    pub fn try_code(&mut self, right: &str, said: &str, now: DateTime<Utc>) -> Tried {
        if let Some(until) = self.locked_until.filter(|until| now < *until) {
            return Tried::Locked { until };
        }
        if said.is_empty() {
            return Tried::Missing;
        }
        self.locked_until = None;
        if said == right {
            self.wrong = 0;
            return Tried::Right;
        }
        self.wrong += 1;
        if self.wrong < WRONG_CODES_MAX {
            return Tried::Wrong { tries_left: WRONG_CODES_MAX - self.wrong };
        }
        self.wrong = 0;
        let until = now + CODE_PAUSE;
        self.locked_until = Some(until);
        Tried::Locked { until }
    }
}

impl Tried {
    /// Whether the parcel may be handed over.
    pub fn allows(self) -> Result<()> {
        match self {
            Self::Right => Ok(()),
            Self::Missing => Err(Error::PickupCodeRequired),
            Self::Wrong { tries_left } => Err(Error::PickupCodeWrong { tries_left }),
            Self::Locked { until } => Err(Error::PickupCodeLocked { until }),
        }
    }
}
