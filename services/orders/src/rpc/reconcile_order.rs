//! Brings an order and a neighbour together again that tell different things, after one of their databases was restored.
//!
//! What a neighbour has lost it is asked for again, under the id that it had; what it knows is written down.

mod customer;
mod delivery;
mod number;
mod payments;
mod process;
mod stock;

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::Tx;
use types::OrderId;

use crate::error::{Error, Result};
use crate::model::order::Order;
use crate::rpc::{free, load};
use crate::{Orders, changes, wire};

const METHOD: &str = "orders.reconcile_order";
const NUMBER_LENGTH_MAX: usize = 64;

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::ReconcileOrderRequest,
) -> Result<pb::Order> {
    let mut fields = Fields::new();
    let order_id: Option<OrderId> = fields.parse("order_id", &request.order_id);
    let matter = match pb::OrderMatter::try_from(request.matter) {
        Ok(pb::OrderMatter::Unspecified) => {
            fields.refuse("matter", "REQUIRED", "what is to be brought together");
            None
        }
        Ok(matter) => Some(matter),
        Err(_) => {
            fields.refuse("matter", "UNKNOWN", "not a matter of orders");
            None
        }
    };
    let number = fields.text("number", &request.number, NUMBER_LENGTH_MAX);
    let of_number = matter == Some(pb::OrderMatter::Number);
    fields.check(
        of_number != number.is_empty(),
        "number",
        "NUMBER_NEEDED",
        "only with ORDER_MATTER_NUMBER, and then always",
    );
    let (order_id, matter) = fields.finish_with(order_id.zip(matter))?;

    let order = load(orders, call, order_id).await?;
    if matter == pb::OrderMatter::Process {
        process::mend(orders, call, &order).await?;
    } else {
        // What is being changed is for the process that changes it.
        free(&order)?;
        match matter {
            pb::OrderMatter::Payments => payments::reconcile(orders, call, &order).await?,
            pb::OrderMatter::Stock => stock::reconcile(orders, call, &order).await?,
            pb::OrderMatter::Delivery => delivery::reconcile(orders, call, &order).await?,
            pb::OrderMatter::Customer => customer::reconcile(orders, call, &order).await?,
            pb::OrderMatter::Number => number::replace(orders, call, &order, &number).await?,
            pb::OrderMatter::Process | pb::OrderMatter::Unspecified => {}
        }
    }

    let order = load(orders, call, order_id).await?;
    Ok(wire::order(&order))
}

/// Changes the order as it was read: what has changed it meanwhile may have changed what was asked about, too.
async fn write(
    orders: &Orders,
    call: &Call,
    read: &Order,
    change: impl FnOnce(&mut Order) + Send,
) -> Result<()> {
    let written = orders.store.transaction(call, async |tx: &mut Tx| {
        let before = unchanged(tx, read).await?;
        let mut after = before.clone();
        change(&mut after);
        changes::save(tx, METHOD, &before, &mut after).await?;
        if after.version == before.version && after != before {
            // What differs is none of what history shows, such as a revision.
            after.save(tx).await?;
        }
        Ok::<_, Error>(())
    });
    written.await
}

/// The order, locked, if it is as it was read.
async fn unchanged(tx: &mut Tx, read: &Order) -> Result<Order> {
    let order = Order::lock(tx, read.order_id).await?.ok_or(Error::OrderNotFound)?;
    free(&order)?;
    match order.version == read.version {
        true => Ok(order),
        false => Err(Error::EtagMismatch { current: wire::etag(&order) }),
    }
}
