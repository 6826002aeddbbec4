//! Asks the carrier again for a parcel whose booking failed, with corrected data if some is given.

use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Once, Tx};
use types::ShipmentId;

use super::address_fields;
use super::get_shipment::find_visible;
use crate::error::{Error, Result};
use crate::incidents;
use crate::model::consignment::Correction;
use crate::model::shipment::Shipment;
use crate::model::shipment_rows;
use crate::{Delivery, wire};

const METHOD: &str = "delivery.retry_booking";
const NAME_LENGTH_MAX: usize = 200;
const PHONE_LENGTH_MAX: usize = 50;

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::RetryBookingRequest,
) -> Result<pb::Shipment> {
    let (id, correction, key) = parse(&request)?;

    let known = find_visible(delivery, call, id).await?;

    let scope = known.shop_id.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &key };
    let retried =
        delivery.store.once(call, once, &request, async |tx: &mut Tx| retry(tx, id, correction).await);
    let retried = retried.await?;
    delivery.wake.notify_one();
    Ok(retried)
}

fn parse(request: &pb::RetryBookingRequest) -> Result<(ShipmentId, Correction, String)> {
    let mut fields = Fields::new();
    let id = fields.parse("shipment_id", &request.shipment_id);
    let key = fields.idempotency_key(&request.idempotency_key);
    let address = address_fields::address(&mut fields, request.address.as_ref());
    let name = fields.text("recipient_name", &request.recipient_name, NAME_LENGTH_MAX);
    let phone = fields.text("recipient_phone", &request.recipient_phone, PHONE_LENGTH_MAX);
    let weight_grams = address_fields::not_negative(&mut fields, "weight_grams", request.weight_grams);
    let correction = Correction {
        address,
        recipient_name: Some(name).filter(|name| !name.is_empty()),
        recipient_phone: Some(phone).filter(|phone| !phone.is_empty()),
        weight_grams: Some(weight_grams).filter(|weight| *weight > 0),
    };
    Ok((fields.finish_with(id)?, correction, key))
}

async fn retry(tx: &mut Tx, id: ShipmentId, correction: Correction) -> Result<pb::Shipment> {
    let mut parcel = shipment_rows::lock(tx, id).await?.ok_or(Error::ShipmentNotFound)?;
    let before = parcel.clone();

    let corrected = corrected(&correction);
    parcel.retry(correction, tx.now())?;

    incidents::close_those_over(tx, &mut parcel).await?;
    shipment_rows::update(tx, &parcel).await?;

    tell(tx, &before, &parcel, corrected);
    Ok(wire::shipment(&parcel))
}

/// The names of what was corrected; the values are personal.
fn corrected(correction: &Correction) -> Vec<&'static str> {
    let given = [
        ("address", correction.address.is_some()),
        ("recipient_name", correction.recipient_name.is_some()),
        ("recipient_phone", correction.recipient_phone.is_some()),
        ("weight_grams", correction.weight_grams.is_some()),
    ];
    given.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect()
}

fn tell(tx: &mut Tx, before: &Shipment, parcel: &Shipment, corrected: Vec<&'static str>) {
    let audit = Audit::new(METHOD, parcel.id)
        .shop(parcel.shop_id.uuid())
        .change("state", before.state.as_str(), parcel.state.as_str())
        .set("corrected", corrected);
    tx.audit(audit);
}
