//! Moves many orders to a state or status.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};

use crate::Orders;
use crate::error::Result;
use crate::rpc::bulk::{Done, Row, Rows, Run};
use crate::rpc::change_order_state;

const METHOD: &str = "orders.change_order_states";

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::ChangeOrderStatesRequest,
) -> Result<pb::ChangeOrderStatesResponse> {
    let mut fields = Fields::new();
    let run = if request.dry_run { Run::Dry } else { Run::Real };
    let rows = Rows::parse(&mut fields, &request.orders, &request.idempotency_key, run);
    change_order_state::check(&mut fields, request.state, &request.status);
    fields.finish()?;

    let of_row = |row: Row| pb::ChangeOrderStateRequest {
        order_id: row.order_id.to_string(),
        state: request.state,
        status: request.status.clone(),
        etag: row.etag,
        idempotency_key: row.key,
    };
    let each = async |row: Row| match run {
        Run::Dry => Ok(Done::preview(&change_order_state::preview(orders, call, of_row(row)).await?)),
        Run::Real => Ok(Done::of(&change_order_state::handle(orders, call, of_row(row)).await?)),
    };
    let results = rows.run(orders, call, METHOD, &request, each).await?;

    Ok(pb::ChangeOrderStatesResponse { results })
}
