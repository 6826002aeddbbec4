//! Where a return stands, and who may move it where.

use std::fmt;
use std::str::FromStr;

/// The closed set of states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReturnState {
    /// Somebody wants to give goods back.
    Requested,
    /// The shop agrees.
    Approved,
    /// The shop does not agree.
    Refused,
    /// The goods are on their way back.
    InTransit,
    /// The goods are there, and in stock as they were found.
    Received,
    /// What was paid for them was given back.
    Resolved,
    /// Given up.
    Cancelled,
}

/// Who moves a return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnMover {
    /// A person or a partner.
    Desk,
    /// The saga that posts what was found.
    Receipt,
    /// The saga that gives money back.
    Resolution,
}

/// A move that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnForbidden {
    /// Where the return stands.
    pub from: ReturnState,
    /// Where it was to go.
    pub to: ReturnState,
    /// Where it may go.
    pub allowed: Vec<ReturnState>,
}

impl ReturnState {
    /// Every state, in the order of a return's life.
    pub const ALL: [Self; 7] = [
        Self::Requested,
        Self::Approved,
        Self::Refused,
        Self::InTransit,
        Self::Received,
        Self::Resolved,
        Self::Cancelled,
    ];

    /// The name in the database and in facts of refusals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::InTransit => "in_transit",
            Self::Received => "received",
            Self::Resolved => "resolved",
            Self::Cancelled => "cancelled",
        }
    }

    /// Who may move a return from this state to `to`.
    pub const fn movers(self, to: Self) -> &'static [ReturnMover] {
        use ReturnState::{Approved, Cancelled, InTransit, Received, Refused, Requested, Resolved};
        match (self, to) {
            (Requested, Approved | Refused | Cancelled) => &[ReturnMover::Desk],
            (Approved, InTransit | Cancelled) | (InTransit, Cancelled) => &[ReturnMover::Desk],
            (Approved | InTransit, Received) => &[ReturnMover::Receipt],
            (Received, Resolved) => &[ReturnMover::Resolution],

            (Requested, Requested | InTransit | Received | Resolved)
            | (Approved, Requested | Approved | Refused | Resolved)
            | (InTransit, Requested | Approved | Refused | InTransit | Resolved)
            | (Received, Requested | Approved | Refused | InTransit | Received | Cancelled)
            | (
                Refused | Resolved | Cancelled,
                Requested | Approved | Refused | InTransit | Received | Resolved | Cancelled,
            ) => &[],
        }
    }

    /// Refuses a move that `mover` may not make.
    pub fn check(self, to: Self, mover: ReturnMover) -> Result<(), ReturnForbidden> {
        if self.movers(to).contains(&mover) {
            return Ok(());
        }
        let allowed = Self::ALL.into_iter().filter(|to| !self.movers(*to).is_empty()).collect();
        Err(ReturnForbidden { from: self, to, allowed })
    }

    /// Whether units that were asked for may still come.
    pub const fn expects_goods(self) -> bool {
        match self {
            Self::Requested | Self::Approved | Self::InTransit => true,
            Self::Refused | Self::Received | Self::Resolved | Self::Cancelled => false,
        }
    }
}

impl fmt::Display for ReturnState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ReturnState {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|state| state.name() == name);
        found.ok_or_else(|| format!("the state of a return {name}"))
    }
}
