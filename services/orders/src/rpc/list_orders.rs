//! Lists orders, newest first.

use prost::Message;
use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::ShopId;

use crate::error::Result;
use crate::model::order_filter::{ListKey, OrderFilter, OrderSummary};
use crate::{Orders, wire};

const TEXT_LENGTH_MAX: usize = 200;
/// There are no more states.
const STATES_MAX: usize = 8;

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::ListOrdersRequest,
) -> Result<pb::ListOrdersResponse> {
    let (page, filter) = parse(orders, call, request)?;

    let rows = filter.page(&mut *orders.store.connection().await?, page.after, page.limit()).await?;

    let (rows, next_page_token) = page.cut(&orders.store, rows, OrderSummary::key);
    Ok(pb::ListOrdersResponse { orders: rows.into_iter().map(wire::summary).collect(), next_page_token })
}

fn parse(
    orders: &Orders,
    call: &Call,
    request: pb::ListOrdersRequest,
) -> Result<(Page<ListKey>, OrderFilter)> {
    let mut fields = Fields::new();
    let shop_id: Option<ShopId> = fields.parse_optional("shop_id", &request.shop_id);
    let filter = OrderFilter {
        shops: shops(call, shop_id),
        states: read_states(&mut fields, &request.states),
        source_id: fields.parse_optional("source_id", &request.source_id),
        customer_id: fields.parse_optional("customer_id", &request.customer_id),
        created_from: fields.time_optional("created_from_time", request.created_from_time),
        created_until: fields.time_optional("created_until_time", request.created_until_time),
        text: fields.text("text", &request.text, TEXT_LENGTH_MAX),
    };
    fields.finish()?;
    let unpaged = pb::ListOrdersRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page = Page::parse(&orders.store, request.page_size, &request.page_token, &unpaged.encode_to_vec())?;
    Ok((page, filter))
}

/// A shop that the caller may not see has as many orders as one that does not exist.
pub(super) fn shops(call: &Call, wanted: Option<ShopId>) -> Option<Vec<uuid::Uuid>> {
    match wanted {
        None => call.caller.shops.filter(),
        Some(shop_id) if call.caller.shops.allow(shop_id) => Some(vec![shop_id.uuid()]),
        Some(_) => Some(Vec::new()),
    }
}

fn read_states(fields: &mut Fields, states: &[i32]) -> Vec<crate::model::order_state::OrderState> {
    fields.check(states.len() <= STATES_MAX, "states", "TOO_MANY", "at most 8 entries");
    let mut read = Vec::new();
    for (at, number) in states.iter().enumerate().take(STATES_MAX) {
        match pb::OrderState::try_from(*number).ok().and_then(wire::read_state) {
            Some(state) => read.push(state),
            None => fields.refuse(format!("states[{at}]"), "UNKNOWN", "not a state of an order"),
        }
    }
    read
}
