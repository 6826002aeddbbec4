//! Shows one cart.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};

use crate::error::{Error, Result};
use crate::model::cart::Cart;
use crate::rpc::cart_fields;
use crate::{Orders, wire};

pub(super) async fn handle(orders: &Orders, call: &Call, request: pb::GetCartRequest) -> Result<pb::Cart> {
    let mut fields = Fields::new();
    let cart_id = cart_fields::cart_id(&mut fields, &request.cart_id);
    let shop_id = cart_fields::shop_id(&mut fields, call, &request.shop_id);
    let shop_id = fields.finish_with(shop_id)?;

    let mut connection = orders.store.connection().await?;
    let cart = Cart::load(&mut connection, Cart::key_of(shop_id, &cart_id)).await?;
    let cart = cart.filter(|cart| call.caller.shops.allow(cart.shop_id)).ok_or(Error::CartNotFound)?;

    Ok(wire::cart(&cart))
}
