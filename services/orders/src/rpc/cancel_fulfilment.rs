//! Takes a part of an order back that has not left.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::Tx;
use types::{FulfilmentId, OrderId};
use uuid::Uuid;

use crate::Orders;
use crate::error::{Error, Result};
use crate::model::fulfilment::{Fulfilment, FulfilmentState};
use crate::model::order::Order;
use crate::rpc::keyed::{self, Begun};
use crate::rpc::{free, load, visible};
use crate::sagas::cancel_fulfilment::{CancelFulfilment, METHOD};
use crate::sagas::keyed::Key;
use crate::sagas::part_input::PartInput;

const REASON_LENGTH_MAX: usize = 1000;

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::CancelFulfilmentRequest,
) -> Result<pb::Order> {
    let mut fields = Fields::new();
    let order_id: Option<OrderId> = fields.parse("order_id", &request.order_id);
    let fulfilment_id: Option<FulfilmentId> = fields.parse("fulfilment_id", &request.fulfilment_id);
    fields.text("reason", &request.reason, REASON_LENGTH_MAX);
    let key = fields.idempotency_key(&request.idempotency_key);
    let (order_id, fulfilment_id) = fields.finish_with(order_id.zip(fulfilment_id))?;

    let shop_id = load(orders, call, order_id).await?.shop_id;
    let key = Key { scope: shop_id.to_string(), key };
    let begun = orders.store.transaction(call, async |tx: &mut Tx| -> Result<Begun<PartInput>> {
        let mut order = visible(call, Order::lock(tx, order_id).await?)?;
        let part = order.part(fulfilment_id).cloned().ok_or(Error::FulfilmentNotFound)?;
        if let Some(begun) = keyed::claim(tx, key.once(METHOD), &request, part.cancelling).await? {
            return Ok(begun);
        }

        check(&order, &part)?;

        let (saga_id, key) = (Uuid::now_v7(), key.clone());
        let input = PartInput::record::<CancelFulfilment>(tx, saga_id, order_id, &part, key).await?;
        if let Some(marked) = order.part_mut(fulfilment_id) {
            // Nothing else is done with it from now on.
            marked.cancelling = Some(saga_id);
        }
        order.save(tx).await?;
        Ok(Begun::Now(saga_id, input))
    });
    keyed::conclude(&orders.parts_back, call, begun.await?, orders.patience(call)).await
}

fn check(order: &Order, part: &Fulfilment) -> Result<()> {
    free(order)?;
    if part.cancelling.is_some() || part.state == FulfilmentState::Planning {
        return Err(Error::BeingEdited);
    }
    if part.state.waits() { Ok(()) } else { Err(Error::FulfilmentState(part.state)) }
}
