//! Lists returns, newest first.

use prost::Message;
use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::ShopId;

use crate::error::Result;
use crate::model::return_rows::{ReturnFilter, ReturnKey};
use crate::model::return_state::ReturnState;
use crate::model::returns::Return;
use crate::rpc::list_orders::shops;
use crate::{Orders, wire};

/// There are no more states.
const STATES_MAX: usize = 7;

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::ListReturnsRequest,
) -> Result<pb::ListReturnsResponse> {
    let mut fields = Fields::new();
    let shop_id: Option<ShopId> = fields.parse_optional("shop_id", &request.shop_id);
    let filter = ReturnFilter {
        shops: shops(call, shop_id),
        states: states(&mut fields, &request.states),
        order_id: fields.parse_optional("order_id", &request.order_id),
        customer_id: fields.parse_optional("customer_id", &request.customer_id),
        created_from: fields.time_optional("created_from_time", request.created_from_time),
        created_until: fields.time_optional("created_until_time", request.created_until_time),
    };
    fields.finish()?;
    let unpaged = pb::ListReturnsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page: Page<ReturnKey> =
        Page::parse(&orders.store, request.page_size, &request.page_token, &unpaged.encode_to_vec())?;

    let mut connection = orders.store.connection().await?;
    let mut moment = connection.build_transaction().read_only().repeatable_read();
    let rows = moment.run(async |conn| filter.page(conn, page.after, page.limit()).await).await?;

    let (rows, next_page_token) = page.cut(&orders.store, rows, Return::key);
    Ok(pb::ListReturnsResponse { returns: rows.iter().map(wire::returns::whole).collect(), next_page_token })
}

fn states(fields: &mut Fields, states: &[i32]) -> Vec<ReturnState> {
    fields.check(states.len() <= STATES_MAX, "states", "TOO_MANY", "at most 7 entries");
    let mut read = Vec::new();
    for (at, number) in states.iter().enumerate().take(STATES_MAX) {
        match pb::ReturnState::try_from(*number).ok().and_then(wire::returns::read_state) {
            Some(state) => read.push(state),
            None => fields.refuse(format!("states[{at}]"), "UNKNOWN", "not a state of a return"),
        }
    }
    read
}
