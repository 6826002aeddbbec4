//! Where an order stands, and who may move it where.

use std::fmt;
use std::str::FromStr;

/// The closed set of states. What a shop calls it is the order's status inside the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderState {
    /// Recorded; stock, delivery and payment are being arranged.
    Placing,
    /// Placed: everything is held.
    New,
    /// Somebody looks into it.
    Approval,
    /// Goods are being picked and packed.
    Assembling,
    /// Goods have left.
    Delivery,
    /// The buyer has everything.
    Complete,
    /// Given up; everything was given back.
    Cancelled,
    /// Could not be placed.
    Rejected,
}

/// Who moves an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mover {
    /// The saga that places it.
    Placement,
    /// A person or a partner, by `ChangeOrderState`.
    Operator,
    /// The saga that cancels it.
    Cancellation,
    /// What is heard of its parcel.
    Carrier,
}

impl OrderState {
    /// Every state, in the order of an order's life.
    pub const ALL: [Self; 8] = [
        Self::Placing,
        Self::New,
        Self::Approval,
        Self::Assembling,
        Self::Delivery,
        Self::Complete,
        Self::Cancelled,
        Self::Rejected,
    ];

    /// The name in the database and in facts of refusals; also the default status.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Placing => "placing",
            Self::New => "new",
            Self::Approval => "approval",
            Self::Assembling => "assembling",
            Self::Delivery => "delivery",
            Self::Complete => "complete",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
        }
    }

    /// Who may move an order from this state to `to`; staying in a state changes the status only.
    pub const fn movers(self, to: Self) -> &'static [Mover] {
        use OrderState::{Approval, Assembling, Cancelled, Complete, Delivery, New, Placing, Rejected};
        match (self, to) {
            (Placing, New | Rejected) => &[Mover::Placement],
            (New | Approval, New | Approval | Assembling) => &[Mover::Operator],
            (Assembling, Approval | Assembling | Complete) => &[Mover::Operator],
            (New | Approval, Delivery) => &[Mover::Carrier],
            (Assembling, Delivery) | (Delivery, Complete) => &[Mover::Operator, Mover::Carrier],
            (Delivery, Delivery) | (Complete, Complete) => &[Mover::Operator],
            (New | Approval | Assembling, Cancelled) => &[Mover::Cancellation],

            (Placing, Placing | Approval | Assembling | Delivery | Complete | Cancelled)
            | (New | Approval, Placing | Complete | Rejected)
            | (Assembling, Placing | New | Rejected)
            | (Delivery, Placing | New | Approval | Assembling | Cancelled | Rejected)
            | (Complete, Placing | New | Approval | Assembling | Delivery | Cancelled | Rejected)
            | (
                Cancelled | Rejected,
                Placing | New | Approval | Assembling | Delivery | Complete | Cancelled | Rejected,
            ) => &[],
        }
    }

    /// Whether `mover` may move an order from this state to `to`.
    pub fn allows(self, to: Self, mover: Mover) -> bool {
        self.movers(to).contains(&mover)
    }

    /// Where `mover` may move an order from this state.
    pub fn allowed(self, mover: Mover) -> Vec<Self> {
        Self::ALL.into_iter().filter(|to| self.allows(*to, mover)).collect()
    }

    /// The states from which `mover` may move an order to `to`.
    pub fn sources(to: Self, mover: Mover) -> Vec<Self> {
        Self::ALL.into_iter().filter(|from| from.allows(to, mover)).collect()
    }

    /// Whether the order was placed at some time, so that its totals are agreed.
    pub const fn was_placed(self) -> bool {
        match self {
            Self::Placing | Self::Rejected => false,
            Self::New
            | Self::Approval
            | Self::Assembling
            | Self::Delivery
            | Self::Complete
            | Self::Cancelled => true,
        }
    }
}

impl OrderState {
    /// Whether the buyer is to pay for an order in this state.
    pub const fn is_owed(self) -> bool {
        match self {
            Self::New | Self::Approval | Self::Assembling | Self::Delivery | Self::Complete => true,
            Self::Placing | Self::Cancelled | Self::Rejected => false,
        }
    }
}

impl fmt::Display for OrderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for OrderState {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|state| state.name() == name);
        found.ok_or_else(|| format!("the order state {name}"))
    }
}
