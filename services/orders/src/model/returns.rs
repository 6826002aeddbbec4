//! Goods that come back: what was asked for, what was found, what is given back for it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use types::{
    Currency, CustomerId, Money, MoneyError, OrderId, ReturnId, ShipmentId, ShopId, Sku, WarehouseId,
};
use uuid::Uuid;

use crate::model::fulfilment::FulfilmentLine;
use crate::model::order::Order;
use crate::model::order_line::OrderLine;
use crate::model::return_credit::ReturnRefund;
use crate::model::return_reason::ReturnReason;
use crate::model::return_state::{ReturnForbidden, ReturnMover, ReturnState};

/// A return. Invariant: what was found of a line is not more than was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Return {
    /// Its id.
    pub return_id: ReturnId,
    /// Whose it is.
    pub shop_id: ShopId,
    /// What the goods left with; `None`: nobody knows.
    pub order_id: Option<OrderId>,
    /// Who gives them back.
    pub customer_id: Option<CustomerId>,
    /// Where it stands.
    pub state: ReturnState,
    /// Of every sum.
    pub currency: Currency,
    /// What comes back; never empty.
    pub lines: Vec<ReturnLine>,
    /// Who brings it.
    pub carrier: String,
    /// Its waybill.
    pub tracking_number: String,
    /// Where it was received.
    pub warehouse_id: Option<WarehouseId>,
    /// What was paid for what was found; without an order what is to be given back.
    pub amount: Money,
    /// What was credited when it was resolved, or is about to be.
    pub credited_total: Money,
    /// What of it is for delivery.
    pub delivery_credit: Money,
    /// What was given back.
    pub refunds: Vec<ReturnRefund>,
    /// Times that somebody tried to receive or resolve it.
    pub attempts: i32,
    /// The saga under way.
    pub working: Option<Uuid>,
    /// What was found, until it is posted: positions of lines, and the units.
    pub pending: Vec<(i32, Found)>,
    /// What was written with it.
    pub comment: String,
    /// Why it was refused.
    pub explanation: String,
    /// That of its last event.
    pub version: i64,
    /// When it was asked for.
    pub create_time: DateTime<Utc>,
    /// When it changed last.
    pub update_time: DateTime<Utc>,
}

/// Units of one line that come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnLine {
    /// 0, 1, 2 … within the return.
    pub position: i32,
    /// That of the order's line; `None` without an order.
    pub order_position: Option<i32>,
    /// What comes back.
    pub sku: Sku,
    /// How many were asked for.
    pub quantity: i32,
    /// Why.
    pub reason: ReturnReason,
    /// What they look like.
    pub photo_urls: Vec<String>,
    /// What was written about them.
    pub note: String,
    /// What was found; `None` until the goods are there.
    pub received: Option<Vec<Found>>,
}

/// Units that were found, and what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// How many.
    pub quantity: i32,
    /// What becomes of them.
    pub disposition: Disposition,
    /// What was seen.
    pub note: String,
}

/// What becomes of goods that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// They are sold again.
    Sellable,
    /// Somebody looks at them first.
    Quarantine,
    /// They are worth nothing.
    WriteOff,
}

/// Units of stock that were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundUnits {
    /// What is kept in stock.
    pub sku: Sku,
    /// How many.
    pub quantity: i64,
    /// What becomes of them.
    pub disposition: Disposition,
    /// What was seen.
    pub note: String,
}

/// Why goods cannot be given back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReturnRefusal {
    /// They have not left, or came back already, or are on their way.
    #[error("lines[{position}]: {left} units can be given back, not {wanted}")]
    NotReturnable {
        /// The line's of the return.
        position: i32,
        /// Units asked for.
        wanted: i32,
        /// Units there are.
        left: i32,
    },
    /// More was found than was asked for.
    #[error("lines[{position}]: {found} units were found, {wanted} were to come")]
    MoreThanWanted {
        /// The line's of the return.
        position: i32,
        /// Units found.
        found: i32,
        /// Units asked for.
        wanted: i32,
    },
    /// More is to be given back than the goods are worth.
    #[error("{wanted} cannot be given back for goods of {value}")]
    AboveValue {
        /// What is to be given back.
        wanted: Money,
        /// What they are worth.
        value: Money,
    },
    /// Cannot happen to sums that were added before.
    #[error("the sum cannot be computed: {0}")]
    Sum(#[from] MoneyError),
}

impl ReturnLine {
    /// Units that were found.
    pub fn found(&self) -> i32 {
        self.received.iter().flatten().map(|found| found.quantity).sum()
    }
}

impl Return {
    /// A parcel that nobody took comes back: all that left with it and is not given back already. `None` when that is nothing.
    pub fn of_parcel(order: &Order, shipment_id: ShipmentId, others: &[Self]) -> Option<Self> {
        let part = order.fulfilments.iter().find(|part| part.shipment_id == Some(shipment_id))?;
        let left = |left: &FulfilmentLine| {
            let line = order.lines.iter().find(|line| line.position == left.position)?;
            let quantity = returnable(line, others).min(left.shipped);
            Some((line, quantity)).filter(|(line, quantity)| line.is_stocked() && *quantity > 0)
        };
        let line = |((line, quantity), position): ((&OrderLine, i32), i32)| ReturnLine {
            position,
            order_position: Some(line.position),
            sku: line.sku.clone(),
            quantity,
            reason: ReturnReason::NOT_COLLECTED,
            photo_urls: Vec::new(),
            note: String::new(),
            received: None,
        };
        let lines: Vec<_> = part.lines.iter().filter_map(left).zip(0..).map(line).collect();
        let nothing = Money::zero(order.currency);
        Some(Self {
            return_id: ReturnId::derived(shipment_id.uuid(), 0),
            shop_id: order.shop_id,
            order_id: Some(order.order_id),
            customer_id: order.customer_id,
            state: ReturnState::InTransit,
            currency: order.currency,
            lines,
            carrier: part.carrier.clone(),
            tracking_number: part.tracking_number.clone(),
            warehouse_id: None,
            amount: nothing,
            credited_total: nothing,
            delivery_credit: nothing,
            refunds: Vec::new(),
            attempts: 0,
            working: None,
            pending: Vec::new(),
            comment: String::new(),
            explanation: String::new(),
            version: 0,
            create_time: DateTime::UNIX_EPOCH,
            update_time: DateTime::UNIX_EPOCH,
        })
        .filter(|one| !one.lines.is_empty())
    }

    /// Refuses more units than left with `order` and neither came back nor are on their way in `others`.
    pub fn check_units(&self, order: &Order, others: &[Self]) -> Result<(), ReturnRefusal> {
        for line in &self.lines {
            let of_order = order.lines.iter().find(|one| Some(one.position) == line.order_position);
            let left = of_order.map_or(0, |one| returnable(one, others));
            if line.quantity > left {
                let position = line.position;
                return Err(ReturnRefusal::NotReturnable { position, wanted: line.quantity, left });
            }
        }
        Ok(())
    }

    /// Somebody moves it.
    pub fn change_state(&mut self, to: ReturnState) -> Result<(), ReturnForbidden> {
        self.state.check(to, ReturnMover::Desk)?;
        self.state = to;
        Ok(())
    }

    /// The goods are there: `found` names a line's position for each.
    pub fn check_found(&self, found: &[(i32, Found)]) -> Result<(), ReturnRefusal> {
        for line in &self.lines {
            let units: i32 =
                found.iter().filter(|(at, _)| *at == line.position).map(|(_, one)| one.quantity).sum();
            if units > line.quantity {
                let position = line.position;
                return Err(ReturnRefusal::MoreThanWanted { position, found: units, wanted: line.quantity });
            }
        }
        Ok(())
    }

    /// What was found, as stock knows it: of kits their components.
    pub fn stock(&self, order: Option<&Order>, found: &[(i32, Found)]) -> Vec<FoundUnits> {
        let mut units: Vec<FoundUnits> = Vec::new();
        for (position, found) in found {
            let Some(line) = self.lines.iter().find(|line| line.position == *position) else { continue };
            let of_order = order
                .and_then(|order| order.lines.iter().find(|one| Some(one.position) == line.order_position));
            let of_stock = match of_order {
                Some(one) if one.is_stocked() => one.stock(found.quantity),
                // Services and what inventory does not know do not come back to it.
                Some(_) => Vec::new(),
                None => vec![(&line.sku, i64::from(found.quantity))],
            };
            for (sku, quantity) in of_stock {
                units.push(FoundUnits {
                    sku: sku.clone(),
                    quantity,
                    disposition: found.disposition,
                    note: found.note.clone(),
                });
            }
        }
        units
    }

    /// The goods are there and in stock. Units of the order came back, and what was paid for them is known.
    pub fn receive(
        &mut self,
        order: Option<&mut Order>,
        warehouse_id: WarehouseId,
        found: Vec<(i32, Found)>,
    ) -> Result<(), MoneyError> {
        for line in &mut self.lines {
            let of_line = found.iter().filter(|(at, _)| *at == line.position);
            line.received = Some(of_line.map(|(_, one)| one.clone()).collect());
        }
        if let Some(order) = order {
            let mut amount = Money::zero(self.currency);
            for line in &self.lines {
                let of_order = order.lines.iter_mut().find(|one| Some(one.position) == line.order_position);
                let Some(of_order) = of_order else { continue };
                let before = of_order.value(of_order.returned)?;
                of_order.returned = (of_order.returned + line.found()).min(of_order.shipped);
                amount = amount.checked_add(of_order.value(of_order.returned)?.checked_sub(before)?)?;
            }
            self.amount = amount;
        }
        self.warehouse_id = Some(warehouse_id);
        self.pending.clear();
        self.state = ReturnState::Received;
        Ok(())
    }
}

/// Units of a line that left, did not come back, and are not on their way back in `others`.
fn returnable(line: &OrderLine, others: &[Return]) -> i32 {
    let expected = others.iter().filter(|other| other.state.expects_goods()).flat_map(|other| &other.lines);
    let expected = expected.filter(|one| one.order_position == Some(line.position));
    (line.shipped - line.returned - expected.map(|one| one.quantity).sum::<i32>()).max(0)
}
