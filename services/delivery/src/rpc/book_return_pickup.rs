//! Has a return fetched from the buyer in a slot of the shop's own courier: deliveries and returns share its room.

use chrono::{DateTime, Utc};
use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Tx};
use types::{DeliveryMethodId, ReturnId, ShopId};

use super::address_fields;
use crate::error::{Error, Result};
use crate::model::address::{Address, Recipient};
use crate::model::delivery_method::{DeliveryMethod, Kind};
use crate::model::return_pickup::ReturnPickup;
use crate::model::schedule::Slot;
use crate::model::slot_rows::{self, Place};
use crate::model::{delivery_method_rows, return_pickup_rows};
use crate::{Delivery, wire};

const METHOD: &str = "delivery.book_return_pickup";
const NAME_LENGTH_MAX: usize = 200;
const PHONE_LENGTH_MAX: usize = 50;

struct Wanted {
    return_id: ReturnId,
    shop_id: ShopId,
    method_id: DeliveryMethodId,
    start: DateTime<Utc>,
    address: Address,
    contact: Recipient,
}

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::BookReturnPickupRequest,
) -> Result<pb::ReturnPickup> {
    let wanted = parse(&request)?;
    if !call.caller.shops.allow(wanted.shop_id) {
        return Err(Error::ShopNotFound);
    }
    let booked = delivery.store.transaction(call, async |tx: &mut Tx| book(tx, wanted).await).await?;
    Ok(wire::return_pickup(&booked))
}

fn parse(request: &pb::BookReturnPickupRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let return_id = fields.parse("return_id", &request.return_id);
    let shop_id = fields.parse("shop_id", &request.shop_id);
    let method_id = fields.parse("delivery_method_id", &request.delivery_method_id);
    let start = fields.present("slot_start_time", request.slot_start_time);
    let start = fields.time_optional("slot_start_time", start);
    let address = address_fields::address(&mut fields, request.address.as_ref()).unwrap_or_default();
    for (field, value) in [("address.city", &address.city), ("address.line", &address.line)] {
        fields.check(!value.trim().is_empty(), field, "REQUIRED", "the courier needs city and street");
    }
    let name = fields.required_text("contact_name", &request.contact_name, NAME_LENGTH_MAX);
    let phone = fields.required_text("contact_phone", &request.contact_phone, PHONE_LENGTH_MAX);
    let wanted = (|| {
        Some(Wanted {
            return_id: return_id?,
            shop_id: shop_id?,
            method_id: method_id?,
            start: start?,
            address,
            contact: Recipient { name, phone },
        })
    })();
    Ok(fields.finish_with(wanted)?)
}

async fn book(tx: &mut Tx, wanted: Wanted) -> Result<ReturnPickup> {
    let before = return_pickup_rows::lock(tx, wanted.return_id).await?;
    if let Some(before) = &before {
        if before.shop_id != wanted.shop_id {
            return Err(Error::ReturnPickupNotFound);
        }
        if before.cancelled {
            return Err(Error::ReturnPickupCancelled);
        }
        if wanted.same_slot(before) {
            return change(tx, before, wanted).await;
        }
    }
    let (method, slot) = slot(tx, &wanted).await?;

    let pickup = ReturnPickup {
        return_id: wanted.return_id,
        shop_id: wanted.shop_id,
        method_id: method.id,
        slot: slot.time,
        address: wanted.address.clone(),
        contact: wanted.contact.clone(),
        cancelled: false,
        create_time: before.as_ref().map_or(tx.now(), |before| before.create_time),
    };
    match &before {
        Some(_) => return_pickup_rows::update(tx, &pickup).await?,
        // Somebody else has just booked it: now it is there.
        None if !return_pickup_rows::insert(tx, &pickup).await? => return Box::pin(book(tx, wanted)).await,
        None => {}
    }
    let place = Place { method_id: method.id, start: slot.time.start };
    let given_back = before.as_ref().and_then(ReturnPickup::place);
    if !slot_rows::exchange(tx, Some((place, slot.capacity)), given_back).await? {
        return Err(Error::SlotFull { start: place.start });
    }

    tell(tx, before.as_ref(), &pickup);
    Ok(pickup)
}

/// Only the shop's own courier fetches, and only in a slot.
async fn slot(tx: &mut Tx, wanted: &Wanted) -> Result<(DeliveryMethod, Slot)> {
    let method = delivery_method_rows::find_all(tx.conn(), &[wanted.method_id]).await?.pop();
    let method = method.filter(|method| method.is_offered_by(wanted.shop_id));
    let method = method.ok_or(Error::DeliveryMethodNotFound)?;
    if method.kind != Kind::Courier {
        return Err(Error::ReturnsNotFetched);
    }
    let slot = method.chosen_slot(Some(wanted.start), tx.now())?;
    let slot = slot.ok_or(Error::SlotNotOffered { start: wanted.start })?;
    Ok((method, slot))
}

/// The same slot, perhaps from somewhere else.
async fn change(tx: &mut Tx, before: &ReturnPickup, wanted: Wanted) -> Result<ReturnPickup> {
    let pickup = ReturnPickup { address: wanted.address, contact: wanted.contact, ..before.clone() };
    if pickup != *before {
        return_pickup_rows::update(tx, &pickup).await?;
        tell(tx, Some(before), &pickup);
    }
    Ok(pickup)
}

impl Wanted {
    fn same_slot(&self, before: &ReturnPickup) -> bool {
        self.method_id == before.method_id && self.start == before.slot.start
    }
}

/// Address and contact stay in the row: of them only that they changed is told.
fn tell(tx: &mut Tx, before: Option<&ReturnPickup>, pickup: &ReturnPickup) {
    let moved = before.is_some_and(|before| before.address != pickup.address);
    let audit = Audit::new(METHOD, pickup.return_id)
        .shop(pickup.shop_id.uuid())
        .change("slot_start_time", before.map(|before| before.slot.start), Some(pickup.slot.start))
        .set("delivery_method_id", pickup.method_id.to_string())
        .set("address_changed", moved);
    tx.audit(audit);
}
