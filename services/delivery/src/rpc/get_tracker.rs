//! Returns what anybody may see of a parcel who has its tracker code.

use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::shipment_rows;
use crate::{Delivery, wire};

const CODE_LENGTH: usize = 32;

pub async fn handle(delivery: &Delivery, call: &Call, request: pb::GetTrackerRequest) -> Result<pb::Tracker> {
    let mut fields = Fields::new();
    let code = fields.required_text("tracker_code", &request.tracker_code, CODE_LENGTH);
    fields.finish()?;

    // What is not a code leads nowhere, like one that nobody has.
    let code = Some(code.as_str()).filter(|code| code.len() == CODE_LENGTH);
    let code = code.and_then(|code| Uuid::try_parse(code).ok()).ok_or(Error::ShipmentNotFound)?;
    let mut connection = delivery.store.connection().await?;
    let mut moment = connection.build_transaction().read_only().repeatable_read();
    let found = moment.run(async |conn| shipment_rows::find_by_tracker(conn, code).await).await?;
    let visible = found.filter(|parcel| call.caller.shops.allow(parcel.shop_id));
    Ok(wire::tracker(&visible.ok_or(Error::ShipmentNotFound)?))
}
