//! Cancels many orders that have not left.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};

use crate::Orders;
use crate::error::Result;
use crate::rpc::bulk::{Done, Row, Rows, Run};
use crate::rpc::cancel_order;

const METHOD: &str = "orders.cancel_orders";

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::CancelOrdersRequest,
) -> Result<pb::CancelOrdersResponse> {
    let mut fields = Fields::new();
    let run = if request.dry_run { Run::Dry } else { Run::Real };
    let rows = Rows::parse(&mut fields, &request.orders, &request.idempotency_key, run);
    cancel_order::check(&mut fields, &request.reason, &request.comment);
    fields.finish()?;

    let of_row = |row: &Row| pb::CancelOrderRequest {
        order_id: row.order_id.to_string(),
        reason: request.reason.clone(),
        comment: request.comment.clone(),
        idempotency_key: row.key.clone(),
    };
    let each = async |row: Row| match run {
        Run::Dry => Ok(Done::preview(&cancel_order::preview(orders, call, of_row(&row), &row.etag).await?)),
        Run::Real => Ok(Done::of(&cancel_order::cancel(orders, call, of_row(&row), &row.etag).await?)),
    };
    let results = rows.run(orders, call, METHOD, &request, each).await?;

    Ok(pb::CancelOrdersResponse { results })
}
