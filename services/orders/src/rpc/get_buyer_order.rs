//! Shows a buyer one of his orders.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use types::OrderId;

use crate::Orders;
use crate::error::{Error, Result};
use crate::model::order::Order;
use crate::rpc::buyer_view::BuyerView;

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::GetBuyerOrderRequest,
) -> Result<pb::BuyerOrder> {
    let mut fields = Fields::new();
    let order_id: Option<OrderId> = fields.parse("order_id", &request.order_id);
    let order_id = fields.finish_with(order_id)?;
    let view = BuyerView::of(orders, call, &request.language).await?;

    let mut connection = orders.store.connection().await?;
    let order = Order::snapshot(&mut connection, order_id).await?;
    let order = order.filter(|order| view.sees(order)).ok_or(Error::OrderNotFound)?;

    Ok(view.show(&order))
}
