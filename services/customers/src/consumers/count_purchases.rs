//! Counts what each person has bought.

use anyhow::Context;
use chrono::DateTime;
use events::{Event, Subscription};
use prost::{Message, Name};
use proto::orders::v1::{
    OrderCancelled, OrderChanged, OrderPlaced, OrderRejected, OrderSnapshot, OrderState,
};
use store::Tx;
use types::{CustomerId, Money};

use crate::model::Purchase;

/// The subscription to the events of orders.
pub(crate) fn subscription() -> Subscription {
    Subscription::together("customers.count_purchases", "orders", |tx, events| Box::pin(handle(tx, events)))
        .of::<OrderPlaced>()
        .of::<OrderRejected>()
        .of::<OrderCancelled>()
        .of::<OrderChanged>()
        .as_read_model()
}

async fn handle(tx: &mut Tx, events: &[&Event]) -> anyhow::Result<()> {
    let purchases = events.iter().map(|event| purchase(event)).collect::<anyhow::Result<Vec<_>>>()?;
    Purchase::count(tx.conn(), purchases).await
}

fn purchase(event: &Event) -> anyhow::Result<Purchase> {
    let order = snapshot(event)?.context("an order's event without the order")?;
    let customer: Option<CustomerId> =
        Some(&order.customer_id).filter(|id| !id.is_empty()).map(|id| id.parse()).transpose()?;
    let worth = counts(order.state()).then(|| total(order.total.as_ref())).transpose()?;
    let time = order.create_time.or(event.create_time).context("an order's event without a time")?;
    let time =
        DateTime::from_timestamp(time.seconds, u32::try_from(time.nanos)?).context("a time out of range")?;
    Ok(Purchase {
        order: order.order_id.parse()?,
        version: event.aggregate_version,
        customer,
        shop: order.shop_id.parse()?,
        worth,
        time,
    })
}

fn snapshot(event: &Event) -> anyhow::Result<Option<OrderSnapshot>> {
    let body = event.body.clone();
    let name = event.r#type.as_str();
    Ok(match name {
        _ if name == OrderPlaced::full_name() => OrderPlaced::decode(body)?.order,
        _ if name == OrderRejected::full_name() => OrderRejected::decode(body)?.order,
        _ if name == OrderCancelled::full_name() => OrderCancelled::decode(body)?.order,
        _ if name == OrderChanged::full_name() => OrderChanged::decode(body)?.order,
        _ => None,
    })
}

/// Whether an order in this state is a purchase.
pub(crate) fn counts(state: OrderState) -> bool {
    match state {
        OrderState::New
        | OrderState::Approval
        | OrderState::Assembling
        | OrderState::Delivery
        | OrderState::Complete => true,
        OrderState::Unspecified | OrderState::Placing | OrderState::Cancelled | OrderState::Rejected => false,
    }
}

pub(crate) fn total(total: Option<&proto::r#type::v1::Money>) -> anyhow::Result<Money> {
    let total = total.context("a placed order without a total")?;
    Ok(Money::parse(&total.amount, total.currency_code.parse()?)?)
}
