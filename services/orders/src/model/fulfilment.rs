//! A part of an order: units that leave together, with a delivery and a parcel of their own.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use types::{DeliveryPlanId, FulfilmentId, Money, MoneyError, ShipmentId};
use uuid::Uuid;

use crate::model::order::Delivery;

/// Where a part stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FulfilmentState {
    /// Its delivery is being planned.
    Planning,
    /// Waits to be picked and packed.
    Open,
    /// The carrier is asked for a parcel.
    Booking,
    /// The carrier expects the parcel.
    Booked,
    /// The carrier refuses the parcel.
    BookingFailed,
    /// It has left.
    Shipped,
    /// The buyer has it.
    Delivered,
    /// Taken back; its units wait for another part.
    Cancelled,
}

impl FulfilmentState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Planning,
        Self::Open,
        Self::Booking,
        Self::Booked,
        Self::BookingFailed,
        Self::Shipped,
        Self::Delivered,
        Self::Cancelled,
    ];

    /// The name in the database and in history.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Open => "open",
            Self::Booking => "booking",
            Self::Booked => "booked",
            Self::BookingFailed => "booking_failed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether its units have left.
    pub const fn has_left(self) -> bool {
        match self {
            Self::Shipped | Self::Delivered => true,
            Self::Planning
            | Self::Open
            | Self::Booking
            | Self::Booked
            | Self::BookingFailed
            | Self::Cancelled => false,
        }
    }

    /// Whether it holds units that are to leave.
    pub const fn waits(self) -> bool {
        match self {
            Self::Planning | Self::Open | Self::Booking | Self::Booked | Self::BookingFailed => true,
            Self::Shipped | Self::Delivered | Self::Cancelled => false,
        }
    }
}

impl fmt::Display for FulfilmentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for FulfilmentState {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|state| state.name() == name);
        found.ok_or_else(|| format!("the state of a part {name}"))
    }
}

/// Units of one line in a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FulfilmentLine {
    /// The line's.
    pub position: i32,
    /// Units of the part.
    pub quantity: i32,
    /// Units that left with it.
    pub shipped: i32,
    /// Their share of the line's total.
    pub total: Money,
}

/// A part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fulfilment {
    /// Follows from the order and the ordinal.
    pub fulfilment_id: FulfilmentId,
    /// What its other ids follow from.
    pub ordinal: i32,
    /// Where it stands.
    pub state: FulfilmentState,
    /// What is in it; never empty.
    pub lines: Vec<FulfilmentLine>,
    /// Absent when nothing is delivered.
    pub delivery: Option<Delivery>,
    /// Absent when nothing is delivered.
    pub delivery_plan_id: Option<DeliveryPlanId>,
    /// Its parcel, once one is asked for.
    pub shipment_id: Option<ShipmentId>,
    /// Who has the parcel.
    pub carrier: String,
    /// The parcel's waybill.
    pub tracking_number: String,
    /// Why the carrier does not take it.
    pub incident: String,
    /// Its share of what delivery costs the buyer.
    pub delivery_total: Money,
    /// What the carrier takes from the buyer.
    pub cash_on_delivery: Money,
    /// The saga that takes it back.
    pub cancelling: Option<Uuid>,
    /// Whether what left with it was taken out of stock.
    pub stock_posted: bool,
    /// When it was made.
    pub create_time: DateTime<Utc>,
    /// When it changed last.
    pub update_time: DateTime<Utc>,
}

impl Fulfilment {
    /// Units of the line at `position` that are in it, or that left with it.
    pub fn units(&self, position: i32) -> i32 {
        let of_line = self.lines.iter().filter(|line| line.position == position);
        of_line.map(|line| if self.state.has_left() { line.shipped } else { line.quantity }).sum()
    }

    /// Its share of the order's lines.
    pub fn goods_total(&self) -> Result<Money, MoneyError> {
        Money::sum(self.delivery_total.currency(), self.lines.iter().map(|line| line.total))
    }

    /// Whether a parcel can be asked for, and was not.
    pub fn wants_parcel(&self) -> bool {
        self.state == FulfilmentState::Open && self.delivery_plan_id.is_some()
    }
}
