//! Returns the label of a parcel as it is printed; the same bytes every time.

use proto::delivery::v1 as pb;
use rpc::{Call, Fields};

use super::get_shipment::find_visible;
use crate::Delivery;
use crate::error::{Error, Result};
use crate::model::label_rows;

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::GetShipmentLabelRequest,
) -> Result<pb::GetShipmentLabelResponse> {
    let mut fields = Fields::new();
    let id = fields.parse("shipment_id", &request.shipment_id);
    let id = fields.finish_with(id)?;

    let parcel = find_visible(delivery, call, id).await?;
    let mut connection = delivery.store.connection().await?;
    let label = label_rows::find_all(&mut connection, &[id]).await?.remove(&id);
    let label = label.ok_or(Error::LabelNotReady { shipment_id: id, state: parcel.state })?;

    let file_name = format!("{}.pdf", parcel.tracking_number);
    Ok(pb::GetShipmentLabelResponse { content: label.content, content_type: label.content_type, file_name })
}
