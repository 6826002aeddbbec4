//! Carts that orders were placed from are ordered in the commit that places the orders.

use proto::orders::v1::CartOrdered;
use store::{Audit, Result, Tx};

use crate::batches::settle_orders::Settlement;
use crate::model::cart::{Cart, CartState};
use crate::model::cart_rows;
use crate::model::order_state::OrderState;
use crate::wire;

/// Marks the carts of a batch; a batch without carts asks nothing. A cart that is not known, or that another order has,
/// holds up no order.
pub(super) async fn mark(tx: &mut Tx, placed: &[&Settlement]) -> Result<()> {
    let with_cart =
        |one: &&&Settlement| one.order.state == OrderState::New && !one.order.offer.cart_id.is_empty();
    let key = |one: &Settlement| Cart::key_of(one.order.shop_id, &one.order.offer.cart_id);
    let with_cart: Vec<&Settlement> = placed.iter().filter(with_cart).copied().collect();
    if with_cart.is_empty() {
        return Ok(());
    }
    let pairs: Vec<_> = with_cart.iter().map(|one| (key(one), one.order.order_id)).collect();
    let carts = cart_rows::mark_ordered(tx, &pairs).await?;
    for cart in &carts {
        let Some(one) = with_cart.iter().find(|one| Some(one.order.order_id) == cart.order_id) else {
            continue;
        };
        let order_id = one.order.order_id.to_string();
        let audit = Audit::new("orders.order_cart", cart.key()).shop(cart.shop_id.uuid());
        tx.audit_for(&one.call, audit.set("state", CartState::Ordered.name()).set("order_id", &order_id));
        let event = CartOrdered { cart: Some(wire::cart_snapshot(cart)), order_id };
        events::append_for(tx, &one.call, cart.key(), cart.event_version, Some(cart.shop_id), &event);
    }
    Ok(())
}
