//! Places an order: recorded first, then everything is held, or nothing is.

pub(super) mod wanted;

use proto::orders::v1 as pb;
use rpc::Call;

use crate::error::{Error, Result};
use crate::model::order_state::OrderState;
use crate::rpc::place_order::wanted::Wanted;
use crate::{Orders, wire};

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::PlaceOrderRequest,
) -> Result<pb::PlaceOrderResponse> {
    let wanted = Wanted::parse(call, request)?;

    let shop = orders.ask.access.shop(call, wanted.shop_id).await?;
    let source = orders.ask.access.source(call, wanted.source_id).await?;

    let new = wanted.into_order(call, &shop, &source)?;

    let recorded = orders.record.submit(new).await?;

    let existing = recorded.existing;
    let order = orders.outcome(recorded, orders.patience(call)).await?;
    match (order.state, &order.rejection) {
        (OrderState::Rejected, Some(rejection)) => Err(Error::Rejected {
            order_id: order.order_id,
            number: order.number.clone(),
            rejection: Box::new(rejection.clone()),
        }),
        _ => Ok(wire::receipt(&order, existing)),
    }
}
