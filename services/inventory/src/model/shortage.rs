//! Units that a reservation wants and does not hold: somebody's task until they are found or no longer wanted.

use chrono::{DateTime, Utc};
use types::{ShortageId, Sku};

use crate::error::{Error, Result};

/// Where a shortage stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShortageState {
    /// Units are missing.
    Open,
    /// All of them are held now.
    Covered,
    /// They are no longer wanted.
    Closed,
}

/// Missing units of one SKU of one reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    /// Its id.
    pub id: ShortageId,
    /// What.
    pub sku: Sku,
    /// How many units are missing; none when it is not open.
    pub missing: i64,
    /// Where it stands.
    pub state: ShortageState,
    /// Who takes care of it; empty means nobody yet.
    pub assignee: String,
    /// When it should be solved.
    pub due_time: DateTime<Utc>,
    /// When the first unit was found missing.
    pub create_time: DateTime<Utc>,
    /// When it was covered or closed.
    pub end_time: Option<DateTime<Utc>>,
    /// 1, 2, 3 …
    pub version: i64,
    /// What was missing when it was last told of; 0 when nobody knows of it yet.
    pub(super) told: i64,
}

/// What became of a shortage, with it as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortageChange {
    /// What.
    pub turn: Turn,
    /// What was missing before.
    pub before: i64,
    /// As it is now.
    pub shortage: Shortage,
}

/// What can become of a shortage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Units are missing that were not before.
    Opened,
    /// Fewer are missing, or none.
    Covered,
    /// They are no longer wanted.
    Closed,
}

/// Who changes reservations, when, and until when the shortages that this opens should be solved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// Who.
    pub actor: String,
    /// When.
    pub now: DateTime<Utc>,
    /// The time of new shortages.
    pub due_time: DateTime<Utc>,
}

impl Shortage {
    /// A new one, of which nobody knows yet.
    pub fn open(sku: Sku, missing: i64, occasion: &Occasion) -> Self {
        Self {
            id: ShortageId::new(),
            sku,
            missing,
            state: ShortageState::Open,
            assignee: String::new(),
            due_time: occasion.due_time,
            create_time: occasion.now,
            end_time: None,
            version: 0,
            told: 0,
        }
    }

    /// Whether units are missing.
    pub fn is_open(&self) -> bool {
        self.state == ShortageState::Open
    }

    /// Nobody has been told of it: it came and went in one change.
    pub fn is_unknown(&self) -> bool {
        self.version == 0
    }

    /// `missing` units are missing from now on; with none left it ends as `end`.
    pub fn set_missing(&mut self, missing: i64, end: ShortageState, now: DateTime<Utc>) {
        self.missing = missing;
        if missing == 0 {
            self.state = end;
            self.end_time = Some(now);
        }
    }

    /// What became of it since it was last told of, if anything.
    pub fn turn(&mut self) -> Option<ShortageChange> {
        let turn = match (self.state, self.missing, self.told) {
            // Found in the change in which it was missed.
            (ShortageState::Covered | ShortageState::Closed, _, 0) => return None,
            (ShortageState::Open, missing, told) if missing == told => return None,
            (ShortageState::Open, missing, told) if missing > told => Turn::Opened,
            (ShortageState::Open | ShortageState::Covered, _, _) => Turn::Covered,
            (ShortageState::Closed, _, _) => Turn::Closed,
        };
        let before = std::mem::replace(&mut self.told, self.missing);
        self.version += 1;
        Some(ShortageChange { turn, before, shortage: self.clone() })
    }
}

impl ShortageState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Open, Self::Covered, Self::Closed];

    /// The text in the database.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Covered => "covered",
            Self::Closed => "closed",
        }
    }

    /// The state of a stored text.
    pub fn stored(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|one| one.text() == text)
            .ok_or_else(|| Error::corrupt("a state of a shortage", text))
    }
}

impl ShortageChange {
    /// Units that were found or given up, or that are missing in addition.
    pub fn units(&self) -> i64 {
        (self.shortage.missing - self.before).abs()
    }
}
