//! Keeps what was paid for an order, and given back.

use anyhow::Context;
use events::{Applied, Event};
use prost::{Message, Name};
use proto::payments::v1::{Payment, PaymentRecorded, PaymentRefunded, PaymentVoided};
use store::Tx;
use types::{Currency, Money};

use crate::consumers::follow;

/// Applies one event of payments.
pub async fn handle(tx: &mut Tx, event: &Event) -> Applied {
    let payment = read(event)?.context("an event of a payment without the payment")?;
    follow(tx, &payment.order_id, "orders.follow_payments", |order| {
        if order.own_payment_id().to_string() != payment.payment_id {
            return Ok(());
        }
        let paid = money(payment.captured.as_ref(), order.currency)?;
        let refunded = money(payment.refunded.as_ref(), order.currency)?;
        order.follow_payment(paid, refunded);
        Ok(())
    })
    .await
}

fn read(event: &Event) -> anyhow::Result<Option<Payment>> {
    let body = event.body.as_ref();
    Ok(match event.r#type.as_str() {
        name if name == PaymentRecorded::full_name() => PaymentRecorded::decode(body)?.payment,
        name if name == PaymentRefunded::full_name() => PaymentRefunded::decode(body)?.payment,
        name if name == PaymentVoided::full_name() => PaymentVoided::decode(body)?.payment,
        name => anyhow::bail!("{name} is not followed"),
    })
}

/// An absent sum is nothing.
fn money(money: Option<&proto::r#type::v1::Money>, currency: Currency) -> anyhow::Result<Money> {
    let Some(money) = money else { return Ok(Money::zero(currency)) };
    anyhow::ensure!(money.currency_code == currency.code(), "the payment is in {}", money.currency_code);
    Ok(Money::parse(&money.amount, currency)?)
}
