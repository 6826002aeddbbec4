//! Goods on their way from one warehouse to another: what was sent is received, lost, returned, or still on its way.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use types::{Sku, TransferId, WarehouseId};

use crate::error::{Error, Result};
use crate::model::{Condition, Kind, Lack, Movement, Stock};

/// Where a transfer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferState {
    /// Units are on their way.
    Dispatched,
    /// Nothing is on its way any more.
    Received,
    /// What was on its way went back.
    Cancelled,
}

/// Units of one SKU of a transfer: `received + lost + returned <= dispatched`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Journey {
    /// Were sent.
    pub dispatched: i64,
    /// Came, in whatever condition.
    pub received: i64,
    /// Did not come.
    pub lost: i64,
    /// Went back.
    pub returned: i64,
}

/// Goods on their way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// From where.
    pub from: WarehouseId,
    /// To where.
    pub to: WarehouseId,
    /// Where it stands.
    pub state: TransferState,
    /// What it brings.
    pub lines: BTreeMap<Sku, Journey>,
    /// The waybill or request behind it.
    pub reference: String,
    /// Who sent it.
    pub author: String,
    /// When it left.
    pub create_time: DateTime<Utc>,
    /// When it should arrive, as far as its sender knew.
    pub expect_time: Option<DateTime<Utc>>,
    /// When nothing was on its way any more.
    pub end_time: Option<DateTime<Utc>>,
    /// 1, 2, 3 …
    pub version: i64,
}

/// Units of a SKU that arrived in a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// What.
    pub sku: Sku,
    /// How many.
    pub units: i64,
    /// How they are.
    pub condition: Condition,
}

impl Transfer {
    /// The movements of its dispatch. Only units that nobody has reserved can leave.
    pub fn dispatch(&self, stock: &Stock) -> Result<Vec<Movement>> {
        let lacks: Vec<Lack> = self
            .lines
            .iter()
            .map(|(sku, journey)| Lack {
                sku: sku.clone(),
                wanted: journey.dispatched,
                available: stock.available(sku, self.from),
            })
            .filter(|lack| lack.available < lack.wanted)
            .collect();
        if !lacks.is_empty() {
            return Err(Error::OutOfStock { lacks });
        }
        let both = self.lines.iter().flat_map(|(sku, journey)| {
            let units = journey.dispatched;
            [moved(sku, self.from, Condition::Sellable, -units), self.on_the_way(sku, units)]
        });
        Ok(both.collect())
    }

    /// Receives what arrived; none named means everything that is on its way, in good condition.
    pub fn receive(&mut self, arrivals: &[Arrival], now: DateTime<Utc>) -> Result<Vec<Movement>> {
        self.require_open()?;
        let arrivals = if arrivals.is_empty() { self.all_arrives() } else { arrivals.to_vec() };
        let mut movements = Vec::with_capacity(arrivals.len() * 2);
        for Arrival { sku, units, condition } in arrivals {
            let id = self.id;
            let journey = self.lines.get_mut(&sku);
            let in_transit = journey.as_ref().map_or(0, |journey| journey.in_transit());
            match journey {
                Some(journey) if units <= in_transit => journey.received += units,
                _ => return Err(Error::OverReceipt { id, sku, units, in_transit }),
            }
            movements.push(self.on_the_way(&sku, -units));
            movements.push(moved(&sku, self.to, condition, units));
        }
        self.settle(TransferState::Received, now);
        Ok(movements)
    }

    /// Gives up what did not come.
    pub fn close(&mut self, now: DateTime<Utc>) -> Result<Vec<Movement>> {
        self.require_open()?;
        let mut movements = Vec::new();
        for (sku, units) in self.in_transit() {
            movements.push(Movement { kind: Kind::WriteOff, ..self.on_the_way(&sku, -units) });
            if let Some(journey) = self.lines.get_mut(&sku) {
                journey.lost += units;
            }
        }
        self.settle(TransferState::Received, now);
        Ok(movements)
    }

    /// Takes what is on its way back to where it came from.
    pub fn cancel(&mut self, now: DateTime<Utc>) -> Result<Vec<Movement>> {
        self.require_open()?;
        let mut movements = Vec::new();
        for (sku, units) in self.in_transit() {
            movements.push(self.on_the_way(&sku, -units));
            movements.push(moved(&sku, self.from, Condition::Sellable, units));
            if let Some(journey) = self.lines.get_mut(&sku) {
                journey.returned += units;
            }
        }
        self.settle(TransferState::Cancelled, now);
        Ok(movements)
    }

    /// What is still on its way.
    pub fn in_transit(&self) -> Vec<(Sku, i64)> {
        let under_way = self.lines.iter().filter(|(_, journey)| journey.in_transit() > 0);
        under_way.map(|(sku, journey)| (sku.clone(), journey.in_transit())).collect()
    }

    fn all_arrives(&self) -> Vec<Arrival> {
        let arrival = |(sku, units)| Arrival { sku, units, condition: Condition::Sellable };
        self.in_transit().into_iter().map(arrival).collect()
    }

    fn require_open(&self) -> Result<()> {
        match self.state {
            TransferState::Dispatched => Ok(()),
            TransferState::Received | TransferState::Cancelled => Err(Error::TransferEnded { id: self.id }),
        }
    }

    /// Units on their way lie at the destination, where nobody can sell them yet.
    fn on_the_way(&self, sku: &Sku, units: i64) -> Movement {
        moved(sku, self.to, Condition::InTransit, units)
    }

    fn settle(&mut self, end: TransferState, now: DateTime<Utc>) {
        if self.in_transit().is_empty() {
            self.state = end;
            self.end_time = Some(now);
        }
        self.version += 1;
    }
}

fn moved(sku: &Sku, warehouse_id: WarehouseId, condition: Condition, units: i64) -> Movement {
    Movement { sku: sku.clone(), warehouse_id, condition, units, kind: Kind::Transfer }
}

impl Journey {
    /// Units that are still on their way.
    pub fn in_transit(&self) -> i64 {
        self.dispatched - self.received - self.lost - self.returned
    }
}

impl TransferState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Dispatched, Self::Received, Self::Cancelled];

    /// The text in the database.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Dispatched => "dispatched",
            Self::Received => "received",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of a stored text.
    pub fn stored(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|one| one.text() == text)
            .ok_or_else(|| Error::corrupt("a state of a transfer", text))
    }
}
