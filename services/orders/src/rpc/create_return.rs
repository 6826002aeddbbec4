//! Asks to give goods back: of an order never more than left and did not come back, or without an order.

use std::collections::HashSet;

use chrono::DateTime;
use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::{CustomerId, LineId, Money, OrderId, Quantity, ReturnId, ShopId, Sku};

use crate::error::{Error, Result};
use crate::model::order::Order;
use crate::model::return_reason::ReturnReason;
use crate::model::return_state::ReturnState;
use crate::model::returns::{Return, ReturnLine};
use crate::rpc::{load, visible};
use crate::{Orders, return_changes, wire};

const METHOD: &str = "orders.create_return";

/// Who holds it may give money back for goods that nobody knows the order of.
const SCOPE_REFUND: &str = "orders.refund";

const LINES_MAX: usize = 1000;
const PHOTOS_MAX: usize = 10;
const URL_LENGTH_MAX: usize = 2000;
const NOTE_LENGTH_MAX: usize = 1000;
const COMMENT_LENGTH_MAX: usize = rpc::TEXT_LENGTH_MAX;

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::CreateReturnRequest,
) -> Result<pb::Return> {
    let wanted = Wanted::parse(call, &request)?;

    let shop_id = match &wanted.of {
        Of::Order(order_id) => load(orders, call, *order_id).await?.shop_id,
        Of::Nobody { shop_id, .. } => orders.ask.access.shop(call, *shop_id).await?.shop_id,
    };
    let scope = shop_id.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &wanted.key };
    let answer = orders.store.once(call, once, &request, async |tx: &mut Tx| {
        let mut new = match &wanted.of {
            Of::Order(order_id) => {
                // Locked: two returns of the same units must not pass each other.
                let order = visible(call, Order::lock(tx, *order_id).await?)?;
                let others = Return::of_order(tx.conn(), *order_id).await?;
                wanted.of_order(&order, &others)?
            }
            Of::Nobody { customer_id, amount, .. } => wanted.of_nobody(shop_id, *customer_id, *amount),
        };

        return_changes::insert(tx, METHOD, &mut new).await?;
        Ok::<_, Error>(wire::returns::whole(&new))
    });
    answer.await
}

struct Wanted {
    of: Of,
    lines: Vec<WantedLine>,
    comment: String,
    key: String,
}

/// What the goods left with.
enum Of {
    Order(OrderId),
    Nobody { shop_id: ShopId, customer_id: Option<CustomerId>, amount: Money },
}

struct WantedLine {
    line_id: Option<LineId>,
    sku: Option<Sku>,
    quantity: Quantity,
    reason: ReturnReason,
    photo_urls: Vec<String>,
    note: String,
}

impl Wanted {
    fn parse(call: &Call, request: &pb::CreateReturnRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let of = match request.order_id.is_empty() {
            false => of_order(&mut fields, request),
            true => of_nobody(&mut fields, call, request),
        };
        let with_order = !request.order_id.is_empty();
        let wanted = Self {
            lines: lines(&mut fields, &request.lines, with_order),
            comment: fields.text("comment", &request.comment, COMMENT_LENGTH_MAX),
            key: fields.idempotency_key(&request.idempotency_key),
            // Stands in until `finish` has refused its absence.
            of: of.unwrap_or(Of::Order(OrderId::default())),
        };
        fields.finish()?;
        if let Of::Nobody { shop_id, .. } = wanted.of
            && !call.caller.shops.allow(shop_id)
        {
            return Err(Error::ShopNotFound);
        }
        Ok(wanted)
    }

    fn of_order(&self, order: &Order, others: &[Return]) -> Result<Return> {
        let mut lines = Vec::with_capacity(self.lines.len());
        for (line, position) in self.lines.iter().zip(0..) {
            let of_order = order.lines.iter().find(|one| Some(one.line_id(order.order_id)) == line.line_id);
            let of_order = of_order.ok_or(Error::LineNotFound)?;
            lines.push(line.at(position, Some(of_order.position), of_order.sku.clone()));
        }
        let nothing = Money::zero(order.currency);
        let new = self.new_return(order.shop_id, nothing, lines);
        let new = Return { order_id: Some(order.order_id), customer_id: order.customer_id, ..new };
        new.check_units(order, others)?;
        Ok(new)
    }

    fn of_nobody(&self, shop_id: ShopId, customer_id: Option<CustomerId>, amount: Money) -> Return {
        let line = |(line, position): (&WantedLine, i32)| Some(line.at(position, None, line.sku.clone()?));
        let lines = self.lines.iter().zip(0..).filter_map(line).collect();
        Return { customer_id, ..self.new_return(shop_id, amount, lines) }
    }

    fn new_return(&self, shop_id: ShopId, amount: Money, lines: Vec<ReturnLine>) -> Return {
        let nothing = Money::zero(amount.currency());
        Return {
            return_id: ReturnId::new(),
            shop_id,
            order_id: None,
            customer_id: None,
            state: ReturnState::Requested,
            currency: amount.currency(),
            lines,
            carrier: String::new(),
            tracking_number: String::new(),
            warehouse_id: None,
            amount,
            credited_total: nothing,
            delivery_credit: nothing,
            refunds: Vec::new(),
            attempts: 0,
            working: None,
            pending: Vec::new(),
            comment: self.comment.clone(),
            explanation: String::new(),
            version: 0,
            create_time: DateTime::UNIX_EPOCH,
            update_time: DateTime::UNIX_EPOCH,
        }
    }
}

impl WantedLine {
    fn at(&self, position: i32, order_position: Option<i32>, sku: Sku) -> ReturnLine {
        ReturnLine {
            position,
            order_position,
            sku,
            quantity: self.quantity.get(),
            reason: self.reason,
            photo_urls: self.photo_urls.clone(),
            note: self.note.clone(),
            received: None,
        }
    }
}

fn of_order(fields: &mut Fields, request: &pb::CreateReturnRequest) -> Option<Of> {
    let of_nobody = "only without an order";
    fields.check(request.amount.is_none(), "amount", "NOT_ALLOWED", of_nobody);
    fields.check(request.customer_id.is_empty(), "customer_id", "NOT_ALLOWED", of_nobody);
    fields.check(request.shop_id.is_empty(), "shop_id", "NOT_ALLOWED", of_nobody);
    fields.parse("order_id", &request.order_id).map(Of::Order)
}

fn of_nobody(fields: &mut Fields, call: &Call, request: &pb::CreateReturnRequest) -> Option<Of> {
    let may = call.caller.may(SCOPE_REFUND);
    fields.check(may, "order_id", "REQUIRED", "is required without the scope orders.refund");
    let shop_id = match request.shop_id.as_str() {
        "" if call.caller.shops.single().is_some() => call.caller.shops.single(),
        text => fields.parse("shop_id", text),
    };
    // Somebody who came to the counter need not have a card.
    let customer_id = match request.customer_id.as_str() {
        "" => Some(None),
        text => fields.parse("customer_id", text).map(Some),
    };
    let amount = fields.money("amount", request.amount.as_ref());
    let positive = amount.is_none_or(|amount| amount.minor() > 0);
    fields.check(positive, "amount", "OUT_OF_RANGE", "must be more than nothing");
    Some(Of::Nobody { shop_id: shop_id?, customer_id: customer_id?, amount: amount? })
}

fn lines(fields: &mut Fields, lines: &[pb::NewReturnLine], with_order: bool) -> Vec<WantedLine> {
    fields.list_length("lines", lines.len(), LINES_MAX);
    let mut named = HashSet::new();
    let read = lines.iter().take(LINES_MAX).enumerate().filter_map(|(at, line)| {
        let path = |name: &str| format!("lines[{at}].{name}");
        let (line_id, sku): (Option<LineId>, Option<Sku>) = match with_order {
            true => (fields.parse(&path("line_id"), &line.line_id), None),
            false => (None, fields.parse(&path("sku"), &line.sku)),
        };
        let once = line_id.is_none_or(|id| named.insert(id));
        fields.check(once, &path("line_id"), "DUPLICATE", "a line is named once");
        let quantity = fields.convert(&path("quantity"), line.quantity);
        let reason = fields.parse(&path("reason"), &line.reason);
        let note = fields.text(&path("note"), &line.note, NOTE_LENGTH_MAX);
        let photo_urls = photos(fields, &path("photo_urls"), &line.photo_urls);
        Some(WantedLine { line_id, sku, quantity: quantity?, reason: reason?, photo_urls, note })
    });
    read.collect()
}

fn photos(fields: &mut Fields, field: &str, urls: &[String]) -> Vec<String> {
    fields.check(urls.len() <= PHOTOS_MAX, field, "TOO_MANY", "at most 10 entries");
    for url in urls.iter().take(PHOTOS_MAX) {
        let is_url = url.len() <= URL_LENGTH_MAX
            && url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty())
            && url.bytes().all(|byte| byte.is_ascii_graphic());
        fields.check(is_url, field, "MALFORMED", "expected addresses that begin with https://");
    }
    urls.iter().take(PHOTOS_MAX).cloned().collect()
}
