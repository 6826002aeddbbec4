//! Shows who changed an order, when and how.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::OrderId;

use crate::Orders;
use crate::error::Result;
use crate::rpc::load;

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::ListOrderHistoryRequest,
) -> Result<pb::ListOrderHistoryResponse> {
    let mut fields = Fields::new();
    let order_id: Option<OrderId> = fields.parse("order_id", &request.order_id);
    let order_id = fields.finish_with(order_id)?;
    let filter = request.order_id.as_bytes();
    let page = Page::parse(&orders.store, request.page_size, &request.page_token, filter)?;

    let order = load(orders, call, order_id).await?;
    let (entries, next_page_token) = orders.store.history(&order.order_id.to_string(), &page).await?;

    Ok(pb::ListOrderHistoryResponse { entries, next_page_token })
}
