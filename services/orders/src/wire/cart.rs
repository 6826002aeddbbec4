//! Carts as the contract shows them.

use proto::orders::v1 as pb;
use rpc::wire::time;

use crate::model::cart::{Cart, CartState};
use crate::wire::text;

/// The whole cart.
pub fn cart(cart: &Cart) -> pb::Cart {
    let contact = &cart.content.contact;
    pb::Cart {
        cart_id: cart.cart_id.clone(),
        shop_id: cart.shop_id.to_string(),
        source_id: text(cart.content.source_id),
        state: state(cart.state).into(),
        contact: Some(pb::Contact {
            name: contact.name.clone(),
            phone: contact.phone.clone(),
            email: contact.email.clone(),
        }),
        lines: lines(cart),
        order_id: text(cart.order_id),
        etag: cart.version.to_string(),
        create_time: Some(time(cart.create_time)),
        update_time: Some(time(cart.update_time)),
    }
}

/// The cart for other services: nothing personal.
pub fn cart_snapshot(cart: &Cart) -> pb::CartSnapshot {
    pb::CartSnapshot {
        cart_id: cart.cart_id.clone(),
        shop_id: cart.shop_id.to_string(),
        source_id: text(cart.content.source_id),
        state: state(cart.state).into(),
        lines: lines(cart),
        reachable: cart.content.contact.is_reachable(),
        update_time: Some(time(cart.update_time)),
    }
}

fn lines(cart: &Cart) -> Vec<pb::CartLine> {
    let lines = cart.content.lines.iter();
    lines.map(|line| pb::CartLine { sku: line.sku.to_string(), quantity: line.quantity.get() }).collect()
}

fn state(state: CartState) -> pb::CartState {
    match state {
        CartState::Open => pb::CartState::Open,
        CartState::Abandoned => pb::CartState::Abandoned,
        CartState::Ordered => pb::CartState::Ordered,
        CartState::Cleared => pb::CartState::Cleared,
    }
}
