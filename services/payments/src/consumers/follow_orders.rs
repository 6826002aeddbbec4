//! Has what is reserved on cards captured when goods of its order leave.

use anyhow::Context;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use events::{Applied, Event, Subscription};
use prost::Message;
use proto::orders::v1::{OrderChanged, OrderSnapshot};
use store::Tx;
use types::{OrderId, PaymentId};
use uuid::Uuid;

use crate::keeping;
use crate::model::payment::Method;
use crate::schema::payments as rows;

/// What of an order changes when goods leave, and again when they arrive.
const FULFILMENT: &str = "fulfilment_status";

/// The subscription to the events of orders.
pub fn subscription() -> Subscription {
    Subscription::new("payments.follow_orders", "orders", |tx, event| Box::pin(handle(tx, event)))
        .of::<OrderChanged>()
}

async fn handle(tx: &mut Tx, event: &Event) -> Applied {
    let OrderChanged { order, changed_fields } = OrderChanged::decode(event.body.as_ref())?;
    let order = order.context("an order's event without the order")?;
    if !changed_fields.iter().any(|field| field == FULFILMENT) || !has_left(&order) {
        return Ok(());
    }
    let order_id: OrderId = order.order_id.parse()?;
    for payment_id in card_payments(tx, order_id).await? {
        let before = keeping::lock(tx, payment_id).await?;

        let mut payment = before.clone();
        let change = payment.let_goods_leave(tx.now())?;

        keeping::keep(tx, "payments.follow_orders", &before, &payment, &change).await?;
    }
    Ok(())
}

fn has_left(order: &OrderSnapshot) -> bool {
    order.lines.iter().any(|line| line.shipped > 0)
}

/// In the order in which everybody locks them.
async fn card_payments(tx: &mut Tx, order_id: OrderId) -> anyhow::Result<Vec<PaymentId>> {
    let of_order = rows::table
        .filter(rows::order_id.eq(order_id.uuid()))
        .filter(rows::method.eq(Method::Card.as_str()))
        .filter(rows::state.ne("canceled"))
        .order(rows::payment_id)
        .select(rows::payment_id);
    let ids: Vec<Uuid> = of_order.load(tx.conn()).await?;
    Ok(ids.into_iter().map(PaymentId::from_uuid).collect())
}
