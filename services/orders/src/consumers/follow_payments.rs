//! Keeps what was paid for an order, and given back.

use anyhow::Context;
use events::{Applied, Event, Subscription};
use prost::{Message, Name};
use proto::payments::v1::{Payment, PaymentRecorded, PaymentRefundFailed, PaymentRefunded, PaymentVoided};
use store::Tx;

use crate::consumers::{self, follow};
use crate::upstreams::read_payment;

/// What payments tells.
pub fn subscription() -> Subscription {
    Subscription::new("orders.follow_payments", "payments", |tx, event| Box::pin(handle(tx, event)))
        .preceded_by(|tx, events| Box::pin(consumers::lock(tx, events, owner)))
        .of::<PaymentRecorded>()
        .of::<PaymentRefunded>()
        .of::<PaymentRefundFailed>()
        .of::<PaymentVoided>()
}

fn owner(event: &Event) -> anyhow::Result<Option<String>> {
    Ok(read(event)?.map(|payment| payment.order_id))
}

async fn handle(tx: &mut Tx, event: &Event) -> Applied {
    let payment = read(event)?.context("an event of a payment without the payment")?;
    follow(tx, &payment.order_id, "orders.follow_payments", |order| {
        // Payments of another order's id, or made by hand, are none of ours.
        if let Ok(news) = read_payment(&payment, order.currency) {
            order.follow_payment(news);
        }
        Ok(())
    })
    .await?;
    Ok(())
}

fn read(event: &Event) -> anyhow::Result<Option<Payment>> {
    let body = event.body.as_ref();
    Ok(match event.r#type.as_str() {
        name if name == PaymentRecorded::full_name() => PaymentRecorded::decode(body)?.payment,
        name if name == PaymentRefunded::full_name() => PaymentRefunded::decode(body)?.payment,
        // What was on its way back is not given back after all.
        name if name == PaymentRefundFailed::full_name() => PaymentRefundFailed::decode(body)?.payment,
        name if name == PaymentVoided::full_name() => PaymentVoided::decode(body)?.payment,
        name => anyhow::bail!("{name} is not followed"),
    })
}
