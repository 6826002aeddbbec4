//! What a caller wants changed, read once.

use chrono::{DateTime, Utc};
use proto::orders::v1 as pb;
use rpc::{Call, Fields, Invalid};
use types::{Currency, LineId, Money, OrderId, Quantity, Sku};

use crate::error::{Error, Result};
use crate::model::edit::{Contact, Edit, EditRefusal, EditedLine, LINES_MAX};
use crate::model::order::{Delivery, Forbidden, Order};
use crate::model::order_line::{OrderLine, UnitPrice};
use crate::model::order_state::OrderState;
use crate::model::placement::TOTAL_MINOR_MAX;
use crate::rpc::free;
use crate::rpc::order_fields::{
    COMMENT_LENGTH_MAX, LINE_NAME_LENGTH_MAX, SCOPE_PRICE, amount, buyer, check_scope, delivery,
};
use crate::wire;

/// What may be changed.
const PATHS: [&str; 6] = ["lines", "contact", "delivery", "delivery_total", "comment", "ship_by_time"];

/// Where an order may be changed.
const STATES: [OrderState; 3] = [OrderState::New, OrderState::Approval, OrderState::Assembling];

pub(super) struct Wanted {
    pub(super) order_id: OrderId,
    pub(super) dry_run: bool,
    pub(super) may_price: bool,
    pub(super) key: String,
    etag: Option<String>,
    lines: Option<Vec<WantedLine>>,
    contact: Option<Contact>,
    delivery: Option<Option<Delivery>>,
    delivery_price: Option<Money>,
    comment: Option<String>,
    ship_by: Option<Option<DateTime<Utc>>>,
}

enum WantedLine {
    Kept { line_id: LineId, quantity: Quantity },
    New { sku: Sku, quantity: Quantity, unit_price: Option<Money>, name: String },
}

impl Wanted {
    pub(super) fn parse(call: &Call, request: &pb::UpdateOrderRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let may_price = call.caller.may(SCOPE_PRICE);
        let nothing = pb::Order::default();
        let order = fields.present("order", request.order.as_ref()).unwrap_or(&nothing);
        let order_id = fields.parse("order.order_id", &order.order_id);
        let paths = fields.update_mask(request.update_mask.as_ref(), &PATHS);
        let masked = |path: &str| paths.contains(&path);
        let wanted = Self {
            order_id: order_id.unwrap_or_default(),
            dry_run: request.dry_run,
            may_price,
            key: fields.idempotency_key(&request.idempotency_key),
            etag: Some(order.etag.clone()).filter(|etag| !etag.is_empty()),
            lines: masked("lines").then(|| lines(&mut fields, &order.lines, may_price)),
            contact: masked("contact").then(|| contact(&mut fields, order.contact.as_ref(), may_price)),
            delivery: masked("delivery").then(|| way(&mut fields, order.delivery.as_ref())),
            delivery_price: if masked("delivery_total") {
                check_scope(&mut fields, "order.delivery_total", may_price);
                let price = fields.present("order.delivery_total", order.delivery_total.as_ref());
                amount(&mut fields, "order.delivery_total", price)
            } else {
                None
            },
            comment: masked("comment")
                .then(|| fields.text("order.comment", &order.comment, COMMENT_LENGTH_MAX)),
            ship_by: masked("ship_by_time")
                .then(|| fields.time_optional("order.ship_by_time", order.ship_by_time)),
        };
        fields.finish()?;
        Ok(wanted)
    }

    /// Refuses an order that has changed since it was read, or cannot be changed now.
    pub(super) fn check(&self, order: &Order) -> Result<()> {
        let current = wire::etag(order);
        if self.etag.as_ref().is_some_and(|etag| *etag != current) {
            return Err(Error::EtagMismatch { current });
        }
        if order.state == OrderState::Placing {
            return Err(Error::StillPlacing);
        }
        if !STATES.contains(&order.state) {
            let (from, to) = (order.state, order.state);
            return Err(Error::EditForbidden(Forbidden { from, to, allowed: STATES.to_vec() }));
        }
        if order.is_leaving_stock() {
            return Err(Error::BeingEdited);
        }
        free(order)
    }

    /// Every sum is in the order's currency, and new lines stay countable.
    pub(super) fn check_money(&self, currency: Currency) -> Result<(), Invalid> {
        let mut fields = Fields::new();
        let mut check = |field: String, money: Option<Money>| {
            if money.is_some_and(|money| money.currency() != currency) {
                fields.refuse(field, "CURRENCY_MISMATCH", format!("the order is in {currency}"));
            }
        };
        check("order.delivery_total".to_owned(), self.delivery_price);
        let mut sum = 0_i128;
        for (at, line) in self.lines.iter().flatten().enumerate() {
            if let WantedLine::New { quantity, unit_price, .. } = line {
                check(format!("order.lines[{at}].unit_price"), *unit_price);
                sum += i128::from(unit_price.map_or(0, Money::minor)) * i128::from(quantity.get());
            }
        }
        fields.check(
            sum <= i128::from(TOTAL_MINOR_MAX),
            "order.lines",
            "OUT_OF_RANGE",
            "the total is too large",
        );
        fields.finish()
    }

    /// The new lines, not priced yet.
    pub(super) fn new_lines(&self, currency: Currency) -> Vec<OrderLine> {
        let new = self.lines.iter().flatten().filter_map(|line| match line {
            WantedLine::Kept { .. } => None,
            WantedLine::New { sku, quantity, unit_price, name } => {
                Some(new_line(sku, *quantity, *unit_price, name, currency))
            }
        });
        new.collect()
    }

    /// The edit of `order`; `priced` are its new lines, one for one.
    pub(super) fn edit(&self, order: &Order, priced: Vec<OrderLine>) -> Result<Edit> {
        let mut priced = priced.into_iter();
        let position_of = |line_id: LineId| {
            let known = order.lines.iter().find(|line| line.line_id(order.order_id) == line_id);
            known.map(|line| line.position)
        };
        let mut lines = Vec::new();
        for (at, line) in self.lines.iter().flatten().enumerate() {
            let unknown = || EditRefusal::UnknownLine { position: i32::try_from(at).unwrap_or(i32::MAX) };
            lines.push(match line {
                WantedLine::Kept { line_id, quantity } => EditedLine::Kept {
                    position: position_of(*line_id).ok_or_else(unknown)?,
                    quantity: quantity.get(),
                },
                WantedLine::New { .. } => EditedLine::New(Box::new(priced.next().ok_or_else(unknown)?)),
            });
        }
        Ok(Edit {
            lines: self.lines.as_ref().map(|_| lines),
            delivery: self.delivery.clone(),
            delivery_price: self.delivery_price,
            ship_by: self.ship_by,
            contact: self.contact.clone(),
            comment: self.comment.clone(),
        })
    }
}

fn lines(fields: &mut Fields, lines: &[pb::OrderLine], may_price: bool) -> Vec<WantedLine> {
    fields.list_length("order.lines", lines.len(), LINES_MAX);
    let mut named = std::collections::HashSet::new();
    let read = lines.iter().take(LINES_MAX).enumerate().filter_map(|(at, line)| {
        let path = |name: &str| format!("order.lines[{at}].{name}");
        let quantity = fields.convert(&path("ordered"), line.ordered);
        if !line.line_id.is_empty() {
            let line_id: Option<LineId> = fields.parse(&path("line_id"), &line.line_id);
            let once = line_id.is_none_or(|id| named.insert(id));
            fields.check(once, &path("line_id"), "DUPLICATE", "a line is named once");
            return Some(WantedLine::Kept { line_id: line_id?, quantity: quantity? });
        }
        let sku = fields.parse(&path("sku"), &line.sku);
        let unit_price = amount(fields, &path("unit_price"), line.unit_price.as_ref());
        let name = fields.text(&path("name"), &line.name, LINE_NAME_LENGTH_MAX);
        if line.unit_price.is_some() {
            check_scope(fields, &path("unit_price"), may_price);
        }
        if !name.is_empty() {
            check_scope(fields, &path("name"), may_price);
        }
        Some(WantedLine::New { sku: sku?, quantity: quantity?, unit_price, name })
    });
    read.collect()
}

fn contact(fields: &mut Fields, given: Option<&pb::Contact>, may_price: bool) -> Contact {
    let buyer = buyer(fields, given, "", may_price);
    Contact { name: buyer.name, phone: buyer.phone, email: buyer.email }
}

fn way(fields: &mut Fields, given: Option<&pb::Delivery>) -> Option<Delivery> {
    let given = given?;
    let new = pb::NewDelivery {
        delivery_method_id: given.delivery_method_id.clone(),
        address: given.address.clone(),
        price: None,
    };
    delivery(fields, Some(&new), false).map(|(delivery, _)| delivery)
}

fn new_line(
    sku: &Sku,
    quantity: Quantity,
    unit_price: Option<Money>,
    name: &str,
    currency: Currency,
) -> OrderLine {
    let unit_price = unit_price.map_or(UnitPrice::Open, UnitPrice::Fixed);
    let line = OrderLine::wanted(0, sku.clone(), quantity.get(), unit_price, currency);
    OrderLine { name: name.to_owned(), ..line }
}
