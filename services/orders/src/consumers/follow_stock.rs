//! Shows what an order holds and lacks whenever inventory says that it holds something else.

use events::{Applied, Event, Subscription};
use prost::{Message, Name};
use proto::inventory::v1::{
    Reservation, ShortageClosed, ShortageCovered, ShortageOpened, StockShipped, StockShort,
};
use store::Tx;

use crate::consumers::{self, follow};
use crate::upstreams::held;

/// What inventory tells.
pub fn subscription() -> Subscription {
    Subscription::new("orders.follow_stock", "inventory", |tx, event| Box::pin(handle(tx, event)))
        .preceded_by(|tx, events| Box::pin(consumers::lock(tx, events, owner)))
        .of::<StockShort>()
        .of::<StockShipped>()
        .of::<ShortageOpened>()
        .of::<ShortageCovered>()
        .of::<ShortageClosed>()
}

fn owner(event: &Event) -> anyhow::Result<Option<String>> {
    Ok(read(event)?.map(|reservation| reservation.owner))
}

async fn handle(tx: &mut Tx, event: &Event) -> Applied {
    // Of many shortages that change at once only the last event tells the reservation.
    let Some(reservation) = read(event)? else { return Ok(()) };
    let owner = reservation.owner.clone();
    follow(tx, &owner, "orders.follow_stock", |order| {
        let ours = order.reservation_id.unwrap_or(order.own_reservation_id());
        if ours.to_string() == reservation.reservation_id {
            order.follow_stock(held(reservation));
        }
        Ok(())
    })
    .await?;
    Ok(())
}

/// The whole reservation after the change.
fn read(event: &Event) -> anyhow::Result<Option<Reservation>> {
    let body = event.body.as_ref();
    Ok(match event.r#type.as_str() {
        name if name == StockShort::full_name() => StockShort::decode(body)?.reservation,
        name if name == StockShipped::full_name() => StockShipped::decode(body)?.reservation,
        name if name == ShortageOpened::full_name() => ShortageOpened::decode(body)?.reservation,
        name if name == ShortageCovered::full_name() => ShortageCovered::decode(body)?.reservation,
        name if name == ShortageClosed::full_name() => ShortageClosed::decode(body)?.reservation,
        name => anyhow::bail!("{name} is not followed"),
    })
}
