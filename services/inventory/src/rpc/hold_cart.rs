//! Holds units for a cart until the hold expires.

use chrono::{DateTime, TimeDelta, Utc};
use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::{ReservationId, ShopId};

use crate::error::{Error, Result};
use crate::model::{CartId, Holder, OnShortage, Owner, Wanted};
use crate::reserve::{self, Reserve};
use crate::rpc::parse;
use crate::{Inventory, batch, wire};

const HOLD_SECONDS_DEFAULT: i32 = 900;
const HOLD_SECONDS_MIN: i32 = 60;
const HOLD_SECONDS_MAX: i32 = 3600;

/// The hold: all units or none.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::HoldCartRequest,
) -> Result<pb::Reservation> {
    let wanted = wanted(&request, call, inventory.store.clock().now())?;

    let scope = wanted.holder.shop_id.to_string();
    let once = Once { scope: &scope, method: "inventory.hold_cart", key: &request.idempotency_key };
    let reserve = Reserve { call: call.clone(), action: "inventory.hold_cart", wanted };
    let hold = async |tx: &mut Tx| {
        let held = reserve::all(tx, std::slice::from_ref(&reserve)).await?;
        Ok(wire::reservation(&batch::only(held)?))
    };
    inventory.store.once(call, once, &request, hold).await
}

fn wanted(request: &pb::HoldCartRequest, call: &Call, now: DateTime<Utc>) -> Result<Wanted> {
    let mut fields = Fields::new();
    fields.idempotency_key(&request.idempotency_key);
    let cart_id: Option<CartId> = fields.parse("cart_id", &request.cart_id);
    let shop_id = shop_id(&mut fields, &request.shop_id, call);
    let units = parse::units(&mut fields, &request.lines, parse::RESERVATION_LINES_MAX);
    let seconds = match request.hold_seconds {
        0 => HOLD_SECONDS_DEFAULT,
        seconds => seconds,
    };
    let in_range = (HOLD_SECONDS_MIN..=HOLD_SECONDS_MAX).contains(&seconds);
    fields.check(in_range, "hold_seconds", "OUT_OF_RANGE", "60 to 3600; 0 means 900");
    let (cart_id, shop_id) = fields.finish_with(cart_id.zip(shop_id))?;
    if !call.caller.shops.allow(shop_id) {
        return Err(Error::ShopNotFound { id: shop_id });
    }
    Ok(Wanted {
        reservation_id: ReservationId::new(),
        holder: Holder { owner: Owner::Cart(cart_id), shop_id },
        units,
        warehouse_ids: Vec::new(),
        on_shortage: OnShortage::Refuse,
        expire_time: Some(now + TimeDelta::seconds(i64::from(seconds))),
    })
}

/// The named shop, or the only one the caller has.
fn shop_id(fields: &mut Fields, text: &str, call: &Call) -> Option<ShopId> {
    match call.caller.shops.single() {
        Some(only) if text.is_empty() => Some(only),
        _ => fields.parse("shop_id", text),
    }
}
