//! Shows what an order lacks when inventory loses units that it held.

use anyhow::Context;
use events::{Applied, Event};
use prost::Message;
use proto::inventory::v1::StockShort;
use store::Tx;

use crate::consumers::follow;
use crate::upstreams::held;

/// Applies one event of inventory.
pub async fn handle(tx: &mut Tx, event: &Event) -> Applied {
    let reservation = StockShort::decode(event.body.as_ref())?.reservation;
    let reservation = reservation.context("an event of a reservation without the reservation")?;
    let owner = reservation.owner.clone();
    follow(tx, &owner, "orders.follow_stock", |order| {
        if order.own_reservation_id().to_string() == reservation.reservation_id {
            order.follow_stock(held(reservation));
        }
        Ok(())
    })
    .await
}
