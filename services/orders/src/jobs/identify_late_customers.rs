//! Identifies the buyers of orders that did not wait for it.

use std::time::Duration;

use rpc::{Call, Caller};
use store::Tx;
use types::OrderId;

use crate::Orders;
use crate::changes;
use crate::error::{Error, Result};
use crate::model::order::{Identified, Order};
use crate::model::order_rows;

/// How often the job looks for such orders.
pub const PERIOD: Duration = Duration::from_secs(2);

const ORDERS_MAX: i64 = 50;
const PATIENCE: Duration = Duration::from_secs(5);

/// One round over the oldest of them.
pub async fn run(orders: &Orders) -> anyhow::Result<()> {
    let mut connection = orders.store.connection().await?;
    let order_ids = order_rows::without_customer(&mut connection, ORDERS_MAX).await?;
    drop(connection);
    for order_id in order_ids {
        if let Err(error) = identify(orders, order_id).await {
            // They all ask the same service: it will not answer the next one either.
            tracing::info!(%order_id, %error, "a buyer is identified later");
            break;
        }
    }
    Ok(())
}

async fn identify(orders: &Orders, order_id: OrderId) -> Result<()> {
    let call = Call::begin(Caller::service(orders.store.service()), PATIENCE);
    let mut connection = orders.store.connection().await?;
    let Some(order) = Order::load(&mut connection, order_id).await? else { return Ok(()) };
    drop(connection);

    let shop = orders.ask.access.shop(&call, order.shop_id).await;
    let country_code = shop.map(|shop| shop.country_code.clone()).unwrap_or_default();
    let customer_id = match orders.ask.customers.identify(&call, &order, &country_code).await {
        Ok(Identified::Customer(customer_id)) => Some(customer_id),
        Ok(Identified::Nobody | Identified::Later) => None,
        Err(status) if rpc::is_unknown_outcome(&status) => return Err(Error::Answered(status)),
        // What the buyer left is not understood, and will not be tomorrow.
        Err(_) => None,
    };

    orders
        .store
        .transaction(&call, async |tx: &mut Tx| {
            let Some(before) = Order::lock(tx, order_id).await?.filter(|order| order.customer_wanted) else {
                return Ok(());
            };
            let mut order = before.clone();
            order.attach_customer(customer_id);
            if customer_id.is_none() {
                return Ok(order.save(tx).await?);
            }
            changes::save(tx, "orders.identify_customer", &before, &mut order).await?;
            Ok::<_, Error>(())
        })
        .await
}
