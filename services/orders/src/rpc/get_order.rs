//! Shows one order.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use types::OrderId;

use crate::error::Result;
use crate::rpc::load;
use crate::{Orders, wire};

pub(super) async fn handle(orders: &Orders, call: &Call, request: pb::GetOrderRequest) -> Result<pb::Order> {
    let mut fields = Fields::new();
    let order_id: Option<OrderId> = fields.parse("order_id", &request.order_id);
    let order_id = fields.finish_with(order_id)?;

    let order = load(orders, call, order_id).await?;

    Ok(wire::order(&order))
}
