//! Notes which carts were left alone, and forgets those that are past their time.

use std::time::Duration;

use proto::orders::v1::CartAbandoned;
use rpc::{Call, Caller};
use store::{Audit, Tx};

use crate::Orders;
use crate::error::{Error, Result};
use crate::model::cart::{ABANDONED_AFTER, CartState, KEPT};
use crate::model::cart_rows;
use crate::wire;

/// How often the job looks for such carts.
pub const PERIOD: Duration = Duration::from_secs(10);

/// Carts of one transaction, so that none holds its locks for long.
const CARTS_MAX: usize = 200;
const PATIENCE: Duration = Duration::from_secs(10);

/// One round, until nothing is left to do.
pub async fn run(orders: &Orders) -> anyhow::Result<()> {
    while abandon(orders).await? == CARTS_MAX {}
    while forget(orders).await? == CARTS_MAX {}
    Ok(())
}

/// Told once: a cart that is abandoned is not open, until somebody touches it.
async fn abandon(orders: &Orders) -> Result<usize> {
    let call = Call::begin(Caller::service(orders.store.service()), PATIENCE);
    let abandoned = orders.store.transaction(&call, async |tx: &mut Tx| {
        let since = tx.now() - ABANDONED_AFTER;
        let carts = cart_rows::abandon(tx, since, CARTS_MAX as i64).await?;
        for cart in &carts {
            let audit = Audit::new("orders.abandon_cart", cart.key()).shop(cart.shop_id.uuid());
            tx.audit(audit.change("state", CartState::Open.name(), cart.state.name()));
            let event = CartAbandoned { cart: Some(wire::cart_snapshot(cart)) };
            events::append(tx, cart.key(), cart.event_version, Some(cart.shop_id), &event);
        }
        Ok::<_, Error>(carts.len())
    });
    abandoned.await
}

async fn forget(orders: &Orders) -> Result<usize> {
    let call = Call::begin(Caller::service(orders.store.service()), PATIENCE);
    let before = orders.store.clock().now() - KEPT;
    let forgotten = orders.store.transaction(&call, async |tx: &mut Tx| {
        Ok::<_, Error>(cart_rows::forget(tx, before, CARTS_MAX as i64).await?)
    });
    forgotten.await
}
