//! Lists carts, those touched last first.

use chrono::TimeDelta;
use prost::Message;
use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::ShopId;

use crate::error::Result;
use crate::model::cart::{CartState, KEPT};
use crate::model::cart_rows::{CartFilter, ListKey};
use crate::{Orders, wire};

/// There are no more states.
const STATES_MAX: usize = 4;

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::ListCartsRequest,
) -> Result<pb::ListCartsResponse> {
    let (page, filter) = parse(orders, call, request)?;

    let mut connection = orders.store.connection().await?;
    let rows = filter.page(&mut connection, page.after, page.limit()).await?;

    let (rows, next_page_token) = page.cut(&orders.store, rows, |cart| (cart.update_time, cart.key().uuid()));
    Ok(pb::ListCartsResponse { carts: rows.iter().map(wire::cart).collect(), next_page_token })
}

fn parse(orders: &Orders, call: &Call, request: pb::ListCartsRequest) -> Result<(Page<ListKey>, CartFilter)> {
    let mut fields = Fields::new();
    let shop_id: Option<ShopId> = fields.parse_optional("shop_id", &request.shop_id);
    let minutes = i64::from(request.untouched_minutes);
    let in_range = (0..=KEPT.num_minutes()).contains(&minutes);
    fields.check(in_range, "untouched_minutes", "OUT_OF_RANGE", "0 to 129600; 0 does not filter");
    let untouched = Some(TimeDelta::minutes(minutes)).filter(|_| in_range && minutes > 0);
    let filter = CartFilter {
        shops: shops(call, shop_id),
        states: states(&mut fields, &request.states),
        untouched_since: untouched.map(|untouched| orders.store.clock().now() - untouched),
        source_id: fields.parse_optional("source_id", &request.source_id),
        reachable: request.reachable,
    };
    fields.finish()?;
    let unpaged = pb::ListCartsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page = Page::parse(&orders.store, request.page_size, &request.page_token, &unpaged.encode_to_vec())?;
    Ok((page, filter))
}

/// A shop that the caller may not see has as many carts as one that does not exist.
fn shops(call: &Call, wanted: Option<ShopId>) -> Option<Vec<uuid::Uuid>> {
    match wanted {
        None => call.caller.shops.filter(),
        Some(shop_id) if call.caller.shops.allow(shop_id) => Some(vec![shop_id.uuid()]),
        Some(_) => Some(Vec::new()),
    }
}

fn states(fields: &mut Fields, numbers: &[i32]) -> Vec<CartState> {
    fields.check(numbers.len() <= STATES_MAX, "states", "TOO_MANY", "at most 4 entries");
    let mut states = Vec::new();
    for (at, number) in numbers.iter().enumerate().take(STATES_MAX) {
        match pb::CartState::try_from(*number) {
            Ok(pb::CartState::Open) => states.push(CartState::Open),
            Ok(pb::CartState::Abandoned) => states.push(CartState::Abandoned),
            Ok(pb::CartState::Ordered) => states.push(CartState::Ordered),
            Ok(pb::CartState::Cleared) => states.push(CartState::Cleared),
            Ok(pb::CartState::Unspecified) | Err(_) => {
                fields.refuse(format!("states[{at}]"), "UNKNOWN", "not a state of a cart");
            }
        }
    }
    states
}
