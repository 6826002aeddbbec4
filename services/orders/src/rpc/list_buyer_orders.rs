//! Lists a buyer's own orders, newest first.

use proto::orders::v1 as pb;
use rpc::Call;
use store::Page;

use crate::Orders;
use crate::error::{Error, Result};
use crate::model::order::Order;
use crate::model::order_filter::{ListKey, OrderFilter, OrderSummary};
use crate::rpc::buyer_view::{BuyerView, SEEN};

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::ListBuyerOrdersRequest,
) -> Result<pb::ListBuyerOrdersResponse> {
    let view = BuyerView::of(orders, call, &request.language).await?;
    let buyer = format!("{} {}", view.shop_id, view.customer_id);
    let page: Page<ListKey> =
        Page::parse(&orders.store, request.page_size, &request.page_token, buyer.as_bytes())?;

    let filter = OrderFilter {
        shops: Some(vec![view.shop_id.uuid()]),
        states: SEEN.to_vec(),
        customer_id: Some(view.customer_id),
        ..OrderFilter::default()
    };
    let mut connection = orders.store.connection().await?;
    let mut moment = connection.build_transaction().read_only().repeatable_read();
    let listed = moment.run(async |conn| {
        let rows = filter.page(conn, page.after, page.limit()).await?;
        let (rows, next_page_token) = page.cut(&orders.store, rows, OrderSummary::key);
        let mut seen = Vec::with_capacity(rows.len());
        for row in rows {
            // One by one: a buyer has few orders, and a page of them is looked at seldom.
            let order = Order::load(conn, row.order_id).await?;
            seen.extend(order.filter(|order| view.sees(order)).map(|order| view.show(&order)));
        }
        Ok::<_, Error>((seen, next_page_token))
    });
    let (orders, next_page_token) = listed.await?;
    Ok(pb::ListBuyerOrdersResponse { orders, next_page_token })
}
