//! Publishes events.

use prost::{Message, Name};
use rpc::Call;
use store::{NewEvent, Tx};
use types::ShopId;

/// Publishes `event` when the transaction commits. `version` is the aggregate's after the change.
pub fn append<E: Message + Name>(
    tx: &mut Tx,
    aggregate_id: impl ToString,
    version: i64,
    shop: Option<ShopId>,
    event: &E,
) {
    tx.publish(new_event(aggregate_id, version, shop, event));
}

/// Publishes `event` of `call`, for transactions that serve a batch of calls.
pub fn append_for<E: Message + Name>(
    tx: &mut Tx,
    call: &Call,
    aggregate_id: impl ToString,
    version: i64,
    shop: Option<ShopId>,
    event: &E,
) {
    tx.publish_for(call, new_event(aggregate_id, version, shop, event));
}

fn new_event<E: Message + Name>(
    aggregate_id: impl ToString,
    version: i64,
    shop: Option<ShopId>,
    event: &E,
) -> NewEvent {
    NewEvent {
        aggregate_id: aggregate_id.to_string(),
        version,
        type_name: E::full_name(),
        body: event.encode_to_vec(),
        shop_id: shop.map(|shop| shop.uuid()),
        origin: None,
    }
}
