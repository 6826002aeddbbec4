//! What is still to leave is held again, as far as it is there; what is short opens shortages.

use proto::inventory::v1::{Reservation, ReservationState};
use rpc::Call;
use types::ReservationId;

use crate::Orders;
use crate::error::{Error, Result};
use crate::model::edit::doing;
use crate::model::order::Order;
use crate::sagas::edit_order::wanted;
use crate::upstreams::Supply;

pub(super) async fn reconcile(orders: &Orders, call: &Call, order: &Order) -> Result<()> {
    if !order.state.is_owed() {
        return Ok(()); // Nothing is wanted; what is held for it is released by whoever sees it.
    }
    let lines = wanted(order);
    let id = order.reservation_id.unwrap_or(order.own_reservation_id());
    if lines.is_empty() && order.reservation_id.is_none() {
        return Ok(());
    }
    let shop = orders.ask.access.shop(call, order.shop_id).await?;
    let warehouse_ids: Vec<String> = shop.warehouse_ids.iter().map(ToString::to_string).collect();
    // It was sold: what is not there any more is missing, visibly.
    let supply =
        Supply { warehouse_ids: &warehouse_ids, accept_shortage: true, one_warehouse: !shop.split_allowed };

    let inventory = &orders.ask.inventory;
    let mut ordinals = order.clone();
    let (id, held, revision) = match inventory.find(call, id).await.map_err(Error::Answered)? {
        None => {
            (id, inventory.reserve_lines(call, order, id, lines, supply).await.map_err(Error::Answered)?, 0)
        }
        Some(there) if there.state() == ReservationState::Held => {
            let revision = next_revision(&mut ordinals, &there);
            (
                id,
                inventory.change(call, id, revision, lines, supply).await.map_err(Error::Answered)?,
                revision,
            )
        }
        Some(there) if there.state() == ReservationState::Shipped => {
            return Err(Error::PartlyShipped); // What left is for a person to look at.
        }
        // Released: that id holds nothing any more.
        Some(_) => {
            let id = ReservationId::derived(order.order_id.uuid(), ordinals.next_ordinal().unsigned_abs());
            (id, inventory.reserve_lines(call, order, id, lines, supply).await.map_err(Error::Answered)?, 0)
        }
    };
    super::write(orders, call, order, |order| {
        order.progress.ordinals = ordinals.progress.ordinals;
        order.progress.reservation_revision = revision;
        order.reservation_id = Some(id);
        order.hold(held);
    })
    .await
}

/// A later one than any that inventory knows, which may be of edits that are forgotten here.
fn next_revision(order: &mut Order, there: &Reservation) -> i32 {
    loop {
        let revision = doing(order.next_ordinal());
        if revision > there.revision {
            return revision;
        }
    }
}
