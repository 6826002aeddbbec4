//! Payments that payments has lost are opened again; what was paid and given back is what payments says.

use proto::payments::v1 as pb;
use rpc::Call;
use types::{Money, PaymentId};

use crate::Orders;
use crate::error::{Error, Result};
use crate::model::order::Order;
use crate::model::order_payment::OrderPayment;
use crate::upstreams::read_payment;

const WHY: &str = "the order was given up";

pub(super) async fn reconcile(orders: &Orders, call: &Call, order: &Order) -> Result<()> {
    let mut news = Vec::new();
    for known in order.known_payments() {
        let payment_id = PaymentId::from_uuid(known.payment_id);
        let payment = match orders.ask.payments.find(call, payment_id).await.map_err(Error::Answered)? {
            Some(payment) => payment,
            None => open_again(orders, call, order, &known).await?,
        };
        news.push(payment);
    }
    super::write(orders, call, order, |order| {
        for payment in news {
            // One of another currency is not ours, whatever its id says.
            if let Ok(news) = read_payment(&payment, order.currency) {
                order.follow_payment(news);
            }
        }
    })
    .await
}

/// As it was to be paid. What came in for it is not known there any more, and is to be recorded by somebody who knows.
async fn open_again(
    orders: &Orders,
    call: &Call,
    order: &Order,
    known: &OrderPayment,
) -> Result<pb::Payment> {
    let payment_id = PaymentId::from_uuid(known.payment_id);
    let amount = Money::new(order.currency, known.amount.max(1));
    orders.ask.payments.open_as(call, order, payment_id, amount).await.map_err(Error::Answered)?;
    if !order.state.is_owed() || known.amount == 0 {
        orders.ask.payments.void(call, payment_id, WHY).await.map_err(Error::Answered)?;
    }
    Ok(orders.ask.payments.find(call, payment_id).await.map_err(Error::Answered)?.unwrap_or_default())
}
