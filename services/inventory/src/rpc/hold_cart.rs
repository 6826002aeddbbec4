//! Holds units for a cart until the hold expires.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx, cached_sql};
use types::{ReservationId, ShopId};

use crate::error::{Error, Result};
use crate::model::{CartId, Holder, OnShortage, Owner, Terms, Wanted};
use crate::reserve::{self, Reserve};
use crate::rpc::parse;
use crate::{Inventory, batch, wire};

const HOLD_SECONDS_DEFAULT: i32 = 900;
const HOLD_SECONDS_MIN: i32 = 60;
const HOLD_SECONDS_MAX: i32 = 3600;
/// Holds of one cart: it is held anew whenever it changes, and what it held before ends soon.
const CART_HOLDS_MAX: i64 = 20;
/// Holds of one shop: a shop that is attacked keeps at most so much from the others.
const SHOP_HOLDS_MAX: i64 = 10_000;

/// The hold: all units or none.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::HoldCartRequest,
) -> Result<pb::Reservation> {
    let wanted = wanted(&request, call, inventory.store.clock().now())?;

    let scope = wanted.holder.shop_id.to_string();
    let once = Once { scope: &scope, method: "inventory.hold_cart", key: &request.idempotency_key };
    let shortage_time = inventory.settings.shortage_time();
    let reserve = Reserve { call: call.clone(), action: "inventory.hold_cart", wanted, shortage_time };
    let hold = async |tx: &mut Tx| {
        require_room(tx, &reserve.wanted.holder).await?;
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
        terms: Terms::ANY,
        on_shortage: OnShortage::Refuse,
        expire_time: Some(now + TimeDelta::seconds(i64::from(seconds))),
    })
}

/// Refuses more holds than a cart or a shop may have. Calls that come in the same moment do not see each other: the limits
/// keep abuse away, they are no quota.
async fn require_room(tx: &mut Tx, holder: &Holder) -> Result<()> {
    let (of_cart, of_shop): (i64, i64) = cached_sql(
        "SELECT count(*) FILTER (WHERE owner = $2), count(*)
         FROM (SELECT owner FROM reservations
               WHERE shop_id = $1 AND state = 'held' AND expire_time IS NOT NULL LIMIT $3) holds",
    )
    .bind::<SqlUuid, _>(holder.shop_id.uuid())
    .bind::<Text, _>(holder.owner.to_string())
    .bind::<BigInt, _>(SHOP_HOLDS_MAX)
    .returns::<(BigInt, BigInt)>()
    .get_result(tx.conn())
    .await?;
    if of_cart >= CART_HOLDS_MAX {
        return Err(Error::TooManyHolds { holder: "the cart".to_owned(), limit: CART_HOLDS_MAX });
    }
    if of_shop >= SHOP_HOLDS_MAX {
        return Err(Error::TooManyHolds { holder: "the shop".to_owned(), limit: SHOP_HOLDS_MAX });
    }
    Ok(())
}

/// The named shop, or the only one the caller has.
fn shop_id(fields: &mut Fields, text: &str, call: &Call) -> Option<ShopId> {
    match call.caller.shops.single() {
        Some(only) if text.is_empty() => Some(only),
        _ => fields.parse("shop_id", text),
    }
}
