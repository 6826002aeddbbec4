//! What somebody wants changed about an order, and what the order becomes.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use types::{DeliveryMethodId, DeliveryPlanId, Money, MoneyError, PaymentId};
use uuid::Uuid;

use crate::model::adjustment;
use crate::model::buyer::Address;
use crate::model::fulfilment::FulfilmentState;
use crate::model::order::{Delivery, Order};
use crate::model::order_line::OrderLine;
use crate::model::order_payment::OrderPayment;
use crate::model::placement::{Planned, TOTAL_MINOR_MAX};

/// Lines of one order.
pub const LINES_MAX: usize = 1000;

/// An edit. What is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// All lines as they are to be.
    pub lines: Option<Vec<EditedLine>>,
    /// How it is delivered; `Some(None)`: not at all.
    pub delivery: Option<Option<Delivery>>,
    /// What delivery was sold for already.
    pub delivery_price: Option<Money>,
    /// When its goods must have left.
    pub ship_by: Option<Option<DateTime<Utc>>>,
    /// Whom to call.
    pub contact: Option<Contact>,
    /// What the buyer asks for.
    pub comment: Option<String>,
}

/// One line as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditedLine {
    /// A line of the order, its price as it was.
    Kept {
        /// The line's.
        position: i32,
        /// Units from now on.
        quantity: i32,
    },
    /// A new line, priced; its position is given when it is added.
    New(Box<OrderLine>),
}

/// Whom to call.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// His name.
    pub name: String,
    /// His phone.
    pub phone: String,
    /// His e-mail.
    pub email: String,
}

/// Everything personal of an edit; it is stored apart, and removed when the edit ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditPersonal {
    /// Whom to call.
    pub contact: Option<Contact>,
    /// What the buyer asks for.
    pub comment: Option<String>,
    /// Where to.
    pub address: Option<Address>,
}

/// Why an edit cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditRefusal {
    /// The order has no such line.
    #[error("the order has no line {position}")]
    UnknownLine {
        /// The line's.
        position: i32,
    },
    /// Units of the line have left or are in a part.
    #[error("lines[{position}]: {bound} units have left or are in a part, {wanted} are too few")]
    Bound {
        /// The line's.
        position: i32,
        /// Units asked for.
        wanted: i32,
        /// The fewest there can be.
        bound: i32,
    },
    /// Nothing would be left.
    #[error("an order without lines is cancelled, not changed")]
    Empty,
    /// There would be very many.
    #[error("an order has at most {LINES_MAX} lines")]
    TooManyLines,
    /// A part has its delivery already, or nothing is left to deliver.
    #[error("a part of the order is delivered as it was agreed; redirect the part, or take it back first")]
    DeliveryBound,
    /// The method does not deliver this there.
    #[error("the delivery method does not deliver this to the address")]
    DeliveryUnavailable,
    /// More was credited for what came back than all of it would cost.
    #[error("{credited} was credited for what came back, and all of it would cost {total}")]
    BelowCredited {
        /// What it would cost.
        total: Money,
        /// What was credited.
        credited: Money,
    },
    /// Beyond what an order may cost.
    #[error("the total cannot be computed: {0}")]
    Sum(#[from] MoneyError),
}

/// What is to be paid differently, so that all that is open is what is owed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PaymentChanges {
    /// Payments that took nothing, and their new amounts.
    pub changed: Vec<(PaymentId, Money)>,
    /// What is opened besides.
    pub opened: Option<Money>,
    /// Payments that took nothing and are not needed.
    pub voided: Vec<PaymentId>,
}

impl Order {
    /// The order as `edit` makes it, but for what delivery costs and what is held.
    pub fn edited(&self, edit: &Edit) -> Result<Self, EditRefusal> {
        // What was opened was opened for the total that was.
        let mut order = Self { payments: self.known_payments(), ..self.clone() };
        if let Some(lines) = &edit.lines {
            order.lines = self.edited_lines(lines)?;
            let first_free = order.lines.iter().map(|line| line.position + 1).max().unwrap_or_default();
            order.progress.lines_made = self.lines_made().max(first_free);
            order.goods_total = Money::sum(self.currency, order.lines.iter().map(|line| line.total))?;
            if order.goods_total.minor() > TOTAL_MINOR_MAX {
                return Err(MoneyError::TooLarge.into());
            }
        }
        if let Some(contact) = &edit.contact {
            let reached = (&self.buyer.phone, &self.buyer.email) == (&contact.phone, &contact.email);
            order.customer_wanted = self.customer_wanted || !reached;
            order.buyer.name.clone_from(&contact.name);
            order.buyer.phone.clone_from(&contact.phone);
            order.buyer.email.clone_from(&contact.email);
        }
        if let Some(comment) = &edit.comment {
            order.buyer.comment.clone_from(comment);
        }
        if let Some(ship_by) = edit.ship_by {
            order.deadlines.ship_by = ship_by;
        }
        if edit.delivery.is_some() || edit.delivery_price.is_some() {
            if self.delivery_is_bound() || order.everything_left().is_empty() {
                return Err(EditRefusal::DeliveryBound);
            }
            if let Some(delivery) = &edit.delivery {
                order.delivery.clone_from(delivery);
            }
            if let Some(delivery) = &mut order.delivery {
                let as_before = self.delivery.as_ref().is_some_and(|old| {
                    (old.method_id, &old.address) == (delivery.method_id, &delivery.address)
                });
                delivery.price_fixed = edit.delivery_price.is_some()
                    || as_before && self.delivery.as_ref().is_some_and(|old| old.price_fixed);
                if as_before && let Some(old) = &self.delivery {
                    delivery.method_name.clone_from(&old.method_name);
                }
            }
        }
        order.deliver_for(match &order.delivery {
            None => Money::zero(self.currency),
            Some(_) => edit.delivery_price.unwrap_or(self.delivery_total),
        })?;
        Ok(order)
    }

    /// Whether `after` needs another plan of its delivery.
    pub fn needs_plan(&self, after: &Self) -> bool {
        if after.delivery.is_none() || self.delivery_is_bound() {
            return false;
        }
        let lines = |order: &Self| {
            order.lines.iter().map(|line| (line.position, line.ordered, line.total)).collect::<Vec<_>>()
        };
        let recipient = |order: &Self| (order.buyer.name.clone(), order.buyer.phone.clone());
        self.delivery != after.delivery
            || self.delivery_total != after.delivery_total
            || lines(self) != lines(after)
            || recipient(self) != recipient(after)
    }

    /// Its delivery was planned anew.
    pub fn replan(&mut self, ordinal: i32, planned: Planned) -> Result<(), MoneyError> {
        if let Some(delivery) = &mut self.delivery {
            delivery.method_name = planned.method_name;
        }
        self.delivery_plan_id = Some(DeliveryPlanId::derived(self.order_id.uuid(), ordinal.unsigned_abs()));
        self.deliver_for(planned.price)
    }

    /// What delivery costs from now on.
    pub fn deliver_for(&mut self, price: Money) -> Result<(), MoneyError> {
        self.delivery_total = price;
        self.total = self.goods_total.checked_add(price)?;
        if self.delivery.is_none() {
            self.delivery_plan_id = None;
        }
        Ok(())
    }

    /// What must be opened, changed or voided, so that what is open is what is owed.
    pub fn payment_changes(&self) -> PaymentChanges {
        let mut changes = PaymentChanges::default();
        let money = |minor| Money::new(self.currency, minor);
        let payments = self.known_payments();
        let open: i64 = payments.iter().map(|payment| (payment.amount - payment.paid).max(0)).sum();
        let owed = self.balance().minor().max(0);
        let untouched = |payment: &&OrderPayment| payment.paid == 0 && payment.amount > 0;
        let id = |payment: &OrderPayment| PaymentId::from_uuid(payment.payment_id);
        if owed > open {
            match payments.iter().rev().find(untouched) {
                Some(last) => changes.changed.push((id(last), money(last.amount + owed - open))),
                None => changes.opened = Some(money(owed - open)),
            }
        }
        let mut surplus = (open - owed).max(0);
        for payment in payments.iter().rev().filter(untouched) {
            let less = surplus.min(payment.amount);
            if less > 0 && less < payment.amount {
                changes.changed.push((id(payment), money(payment.amount - less)));
            } else if less > 0 {
                changes.voided.push(id(payment));
            }
            surplus -= less;
        }
        changes
    }

    /// The payments were changed so.
    pub fn apply_payments(&mut self, ordinal: i32, changes: &PaymentChanges) {
        if *changes == PaymentChanges::default() {
            return;
        }
        let mut payments = self.known_payments();
        for payment in &mut payments {
            let id = PaymentId::from_uuid(payment.payment_id);
            if changes.voided.contains(&id) {
                payment.amount = 0;
            }
            if let Some((_, amount)) = changes.changed.iter().find(|(changed, _)| *changed == id) {
                payment.amount = amount.minor();
                payment.revision = doing(ordinal);
            }
        }
        if let Some(amount) = changes.opened {
            let id = PaymentId::derived(self.order_id.uuid(), ordinal.unsigned_abs());
            payments.push(OrderPayment::opened(id.uuid(), amount.minor()));
            self.payment_id = self.payment_id.or(Some(id));
        }
        self.payments = payments;
    }

    /// Positions that were given to lines.
    fn lines_made(&self) -> i32 {
        let first_free = self.lines.iter().map(|line| line.position + 1).max().unwrap_or_default();
        self.progress.lines_made.max(first_free)
    }

    /// Whether a part, or a parcel from before there were parts, is delivered as it was agreed for the order.
    fn delivery_is_bound(&self) -> bool {
        match self.fulfilments.as_slice() {
            [] => !self.shipment_ids.is_empty(),
            parts => parts.iter().any(|part| part.state != FulfilmentState::Cancelled),
        }
    }

    fn edited_lines(&self, wanted: &[EditedLine]) -> Result<Vec<OrderLine>, EditRefusal> {
        if wanted.is_empty() {
            return Err(EditRefusal::Empty);
        }
        if wanted.len() > LINES_MAX {
            return Err(EditRefusal::TooManyLines);
        }
        let kept = |position: i32| {
            wanted.iter().any(|line| matches!(line, EditedLine::Kept { position: at, .. } if *at == position))
        };
        for line in self.lines.iter().filter(|line| !kept(line.position)) {
            self.check_bound(line, 0)?;
        }
        let mut next = self.lines_made();
        let mut lines = Vec::with_capacity(wanted.len());
        for line in wanted {
            lines.push(match line {
                EditedLine::Kept { position, quantity } => {
                    let old = self.lines.iter().find(|line| line.position == *position);
                    let old = old.ok_or(EditRefusal::UnknownLine { position: *position })?;
                    self.check_bound(old, *quantity)?;
                    resized(old, *quantity)?
                }
                EditedLine::New(line) => {
                    next += 1;
                    OrderLine { position: next - 1, ..OrderLine::clone(line) }
                }
            });
        }
        lines.sort_by_key(|line| line.position);
        Ok(lines)
    }

    fn check_bound(&self, line: &OrderLine, wanted: i32) -> Result<(), EditRefusal> {
        let bound = self.bound(line);
        match wanted < bound {
            true => Err(EditRefusal::Bound { position: line.position, wanted, bound }),
            false => Ok(()),
        }
    }
}

/// The line with another quantity at its frozen price, discounts in proportion.
fn resized(line: &OrderLine, quantity: i32) -> Result<OrderLine, MoneyError> {
    if quantity == line.ordered {
        return Ok(line.clone());
    }
    let of_price = |units: i32| {
        line.unit_price
            .money()
            .map(|unit| unit.scaled(i64::from(units), i64::from(line.price_quantity)))
            .transpose()
    };
    let total = match of_price(line.ordered)? {
        Some(full) if full == line.total => of_price(quantity)?.unwrap_or(line.total),
        _ => line.value(quantity)?,
    };
    let full = of_price(quantity)?.unwrap_or(total);
    let adjustments = adjustment::resized(&line.adjustments, full.checked_sub(total)?)?;
    let reserved = line.reserved.min((quantity - line.shipped - line.cancelled).max(0));
    Ok(OrderLine { ordered: quantity, total, adjustments, reserved, ..line.clone() })
}

/// The id of the way to deliver, for what is stored of an edit.
pub(super) fn method_id(delivery: &Delivery) -> Uuid {
    DeliveryMethodId::uuid(&delivery.method_id)
}

/// The revision of what an edit does elsewhere.
pub const fn doing(ordinal: i32) -> i32 {
    2 * ordinal
}

/// The revision of its undo: later than what it undoes, earlier than the next edit.
pub const fn undoing(ordinal: i32) -> i32 {
    2 * ordinal + 1
}
