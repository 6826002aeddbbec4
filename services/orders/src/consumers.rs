//! What orders learns from the other services.

pub mod follow_payments;
pub mod follow_shipments;
pub mod follow_stock;

use events::{Applied, Event};
use store::Tx;
use types::OrderId;

use crate::changes;
use crate::model::order::Order;
use crate::model::order_rows;

/// Locks the orders that `events` are about, in the order in which batches settle them: else two who each hold what the
/// other waits for would meet. A lone one is locked by whoever follows it; what cannot be read is its handler's to report.
async fn lock(
    tx: &mut Tx,
    events: &[&Event],
    owner: fn(&Event) -> anyhow::Result<Option<String>>,
) -> Applied {
    let owners = events.iter().filter_map(|event| owner(event).ok()?);
    let order_ids: Vec<OrderId> = owners.filter_map(|owner| owner.parse().ok()).collect();
    if order_ids.len() > 1 {
        order_rows::lock_all(tx, &order_ids).await?;
    }
    Ok(())
}

/// Changes the order that an event is about, if it is one of ours: answers what it was and what it is. The event's own
/// sender is the history's who.
async fn follow<F>(
    tx: &mut Tx,
    order_id: &str,
    action: &'static str,
    change: F,
) -> anyhow::Result<Option<(Order, Order)>>
where
    F: FnOnce(&mut Order) -> anyhow::Result<()> + Send,
{
    // Other owners, such as carts, and orders of a restored past are none of ours.
    let Ok(order_id) = order_id.parse::<OrderId>() else { return Ok(None) };
    let Some(before) = Order::lock(tx, order_id).await? else {
        tracing::info!(%order_id, action, "an event speaks of an order that is not here");
        return Ok(None);
    };
    let mut order = before.clone();
    change(&mut order)?;
    changes::save(tx, action, &before, &mut order).await?;
    Ok(Some((before, order)))
}
