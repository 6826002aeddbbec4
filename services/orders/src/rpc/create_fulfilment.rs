//! Makes a part of an order, with a delivery and a parcel of its own.

use std::collections::HashSet;

use prost::Message;
use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::Tx;
use types::{LineId, OrderId, Quantity};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::edit::LINES_MAX;
use crate::model::order::{Delivery, Forbidden, Order};
use crate::model::order_state::OrderState;
use crate::model::parts::Departure;
use crate::rpc::keyed::{self, Begun};
use crate::rpc::order_fields::delivery;
use crate::rpc::{free, load, visible};
use crate::sagas::keyed::Key;
use crate::sagas::next::Next;
use crate::sagas::part_input::PartInput;
use crate::sagas::plan_fulfilment::{METHOD, PlanFulfilment};
use crate::{Orders, changes, wire};

/// Where parts may be made.
const STATES: [OrderState; 4] =
    [OrderState::New, OrderState::Approval, OrderState::Assembling, OrderState::Delivery];

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::CreateFulfilmentRequest,
) -> Result<pb::Order> {
    let wanted = Wanted::parse(&request)?;

    let shop_id = load(orders, call, wanted.order_id).await?.shop_id;
    let key = Key { scope: shop_id.to_string(), key: wanted.key.clone() };
    let mut next = Next::default();
    let begun = orders.store.transaction(call, async |tx: &mut Tx| -> Result<Begun<PartInput>> {
        let before = visible(call, Order::lock(tx, wanted.order_id).await?)?;
        if let Some(begun) = keyed::claim(tx, key.once(METHOD), &request, None).await? {
            return Ok(begun);
        }

        wanted.check(&before)?;
        let mut order = before.clone();
        let (units, departure) = wanted.decide(&order)?;
        let planned = matches!(departure, Departure::Planned(_));
        let fulfilment_id = order.add_part(&units, departure)?;
        if !planned && matches!(order.state, OrderState::Assembling | OrderState::Delivery) {
            order.ask_for_parcels();
        }

        changes::save(tx, METHOD, &before, &mut order).await?;
        next = Next::record(tx, &before, &order).await?;
        match order.part(fulfilment_id).filter(|_| planned) {
            Some(part) => {
                let (saga_id, key) = (Uuid::now_v7(), key.clone());
                let input =
                    PartInput::record::<PlanFulfilment>(tx, saga_id, wanted.order_id, part, key).await?;
                Ok(Begun::Now(saga_id, input))
            }
            None => {
                let answer = key.answer(tx, METHOD, wire::order(&order)).await?;
                Ok(Begun::Before(answer.encode_to_vec()))
            }
        }
    });
    let begun = begun.await?;
    next.start(orders, call);
    keyed::conclude(&orders.new_parts, call, begun, orders.patience(call)).await
}

struct Wanted {
    order_id: OrderId,
    lines: Vec<(LineId, Quantity)>,
    delivery: Option<Delivery>,
    etag: Option<String>,
    key: String,
}

impl Wanted {
    fn parse(request: &pb::CreateFulfilmentRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let order_id = fields.parse("order_id", &request.order_id);
        fields.check(request.lines.len() <= LINES_MAX, "lines", "TOO_MANY", "at most 1000 entries");
        let mut named = HashSet::new();
        let lines = request.lines.iter().take(LINES_MAX).enumerate().filter_map(|(at, line)| {
            let line_id: Option<LineId> = fields.parse(&format!("lines[{at}].line_id"), &line.line_id);
            let quantity = fields.convert(&format!("lines[{at}].quantity"), line.quantity);
            let once = line_id.is_none_or(|id| named.insert(id));
            fields.check(once, &format!("lines[{at}].line_id"), "DUPLICATE", "a line is named once");
            Some((line_id?, quantity?))
        });
        let lines = lines.collect();
        let given = delivery(&mut fields, request.delivery.as_ref(), false);
        let etag = Some(request.etag.clone()).filter(|etag| !etag.is_empty());
        let key = fields.idempotency_key(&request.idempotency_key);
        let delivery = given.map(|(delivery, _)| delivery);
        let wanted = order_id.map(|order_id| Self { order_id, lines, delivery, etag, key });
        Ok(fields.finish_with(wanted)?)
    }

    fn check(&self, order: &Order) -> Result<()> {
        let current = wire::etag(order);
        if self.etag.as_ref().is_some_and(|etag| *etag != current) {
            return Err(Error::EtagMismatch { current });
        }
        if !STATES.contains(&order.state) {
            let (from, to) = (order.state, order.state);
            return Err(Error::EditForbidden(Forbidden { from, to, allowed: STATES.to_vec() }));
        }
        free(order)
    }

    /// Which units, and how they leave.
    fn decide(&self, order: &Order) -> Result<(Vec<(i32, i32)>, Departure)> {
        let left = order.everything_left();
        let mut units = Vec::with_capacity(self.lines.len());
        for (line_id, quantity) in &self.lines {
            let line = order.lines.iter().find(|line| line.line_id(order.order_id) == *line_id);
            units.push((line.ok_or(Error::LineNotFound)?.position, quantity.get()));
        }
        if units.is_empty() {
            units.clone_from(&left);
        }
        units.sort_unstable();
        let departure = match (&self.delivery, &order.delivery) {
            (Some(delivery), _) => Departure::Planned(Box::new(delivery.clone())),
            (None, Some(_)) if units == left && order.plan_is_unused() => Departure::AsOrdered,
            (None, Some(delivery)) => Departure::Planned(Box::new(delivery.clone())),
            (None, None) => Departure::HandedOver,
        };
        Ok((units, departure))
    }
}
