//! Returns the code against which a parcel is handed over, for the buyer.

use proto::delivery::v1 as pb;
use rpc::wire::time;
use rpc::{Call, Fields};

use super::book_shipment::code_context;
use super::get_shipment::find_visible;
use crate::Delivery;
use crate::error::{Error, Result};
use crate::model::handover_rows;

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::GetPickupCodeRequest,
) -> Result<pb::PickupCode> {
    let mut fields = Fields::new();
    let id = fields.parse("shipment_id", &request.shipment_id);
    let id = fields.finish_with(id)?;

    find_visible(delivery, call, id).await?;

    let code = handover_rows::find_code(&mut *delivery.store.connection().await?, id).await?;
    let code = code.ok_or(Error::NoPickupCode)?;
    let digits = delivery.store.unseal(&code.sealed, &code_context(id))?;
    let now = delivery.store.clock().now();
    Ok(pb::PickupCode {
        pickup_code: String::from_utf8_lossy(&digits).into_owned(),
        locked_until_time: code.locked_until.filter(|until| now < *until).map(time),
    })
}
