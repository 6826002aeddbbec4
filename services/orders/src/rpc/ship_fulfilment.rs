//! Says that a part of an order has left, when no parcel tells it.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::{FulfilmentId, OrderId};

use crate::error::{Error, Result};
use crate::model::fulfilment::FulfilmentState;
use crate::model::order::{Forbidden, Order};
use crate::model::order_state::OrderState;
use crate::rpc::{free, load, visible};
use crate::sagas::next::Next;
use crate::{Orders, changes, wire};

const METHOD: &str = "orders.ship_fulfilment";

/// Where parts leave.
const STATES: [OrderState; 2] = [OrderState::Assembling, OrderState::Delivery];

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::ShipFulfilmentRequest,
) -> Result<pb::Order> {
    let mut fields = Fields::new();
    let order_id: Option<OrderId> = fields.parse("order_id", &request.order_id);
    let fulfilment_id: Option<FulfilmentId> = fields.parse("fulfilment_id", &request.fulfilment_id);
    let key = fields.idempotency_key(&request.idempotency_key);
    let (order_id, fulfilment_id) = fields.finish_with(order_id.zip(fulfilment_id))?;

    let scope = load(orders, call, order_id).await?.shop_id.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &key };
    let mut next = Next::default();
    let answer = orders.store.once(call, once, &request, async |tx: &mut Tx| {
        let before = visible(call, Order::lock(tx, order_id).await?)?;

        check(&before, fulfilment_id)?;
        let mut order = before.clone();
        order.ship_part(fulfilment_id);

        changes::save(tx, METHOD, &before, &mut order).await?;
        next = Next::record(tx, &before, &order).await?;
        Ok::<_, Error>(wire::order(&order))
    });
    let answer = answer.await?;

    next.start(orders, call);
    Ok(answer)
}

fn check(order: &Order, fulfilment_id: FulfilmentId) -> Result<()> {
    free(order)?;
    let part = order.part(fulfilment_id).ok_or(Error::FulfilmentNotFound)?;
    if part.cancelling.is_some() {
        return Err(Error::BeingEdited);
    }
    if !part.state.waits() || part.state == FulfilmentState::Planning {
        return Err(Error::FulfilmentState(part.state));
    }
    if !STATES.contains(&order.state) {
        let (from, to) = (order.state, OrderState::Delivery);
        return Err(Error::EditForbidden(Forbidden { from, to, allowed: STATES.to_vec() }));
    }
    Ok(())
}
