//! Empties a cart: its lines and what the buyer left are gone.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Tx};

use crate::error::{Error, Result};
use crate::model::cart::Cart;
use crate::rpc::cart_fields;
use crate::{Orders, wire};

const METHOD: &str = "orders.clear_cart";

pub(super) async fn handle(orders: &Orders, call: &Call, request: pb::ClearCartRequest) -> Result<pb::Cart> {
    let mut fields = Fields::new();
    let cart_id = cart_fields::cart_id(&mut fields, &request.cart_id);
    let shop_id = cart_fields::shop_id(&mut fields, call, &request.shop_id);
    let shop_id = fields.finish_with(shop_id)?;

    let cleared = orders.store.transaction(call, async |tx: &mut Tx| {
        let before = Cart::lock(tx, Cart::key_of(shop_id, &cart_id)).await?;
        let before =
            before.filter(|cart| call.caller.shops.allow(cart.shop_id)).ok_or(Error::CartNotFound)?;

        let mut cart = before.clone();
        cart.clear(tx.now())?;
        // A cart that is empty already is a repeat, whatever its etag.
        if cart == before {
            return Ok(wire::cart(&before));
        }
        if !request.etag.is_empty() && request.etag != before.version.to_string() {
            return Err(Error::EtagMismatch { current: before.version.to_string() });
        }

        cart.save(tx).await?;

        tx.audit(
            Audit::new(METHOD, cart.key())
                .shop(shop_id.uuid())
                .change("state", before.state.name(), cart.state.name())
                .change("lines", before.content.lines.len(), 0),
        );
        Ok::<_, Error>(wire::cart(&cart))
    });
    cleared.await
}
