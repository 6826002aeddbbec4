//! Joins the labels of several parcels into one document, in the order asked for.

use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use types::ShipmentId;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{label_rows, shipment_rows};
use crate::{Delivery, printing};

/// Labels of one document.
const LABELS_MAX: usize = 100;

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::PrintLabelsRequest,
) -> Result<pb::PrintLabelsResponse> {
    let wanted = parse(&request)?;

    let ids: Vec<Uuid> = wanted.iter().map(ShipmentId::uuid).collect();
    let mut connection = delivery.store.connection().await?;
    let parcels = shipment_rows::find_all(&mut connection, &ids).await?;
    let mut labels = label_rows::find_all(&mut connection, &wanted).await?;
    drop(connection);

    let mut pages = Vec::with_capacity(wanted.len());
    for id in &wanted {
        let visible = |parcel: &&crate::model::shipment::Shipment| call.caller.shops.allow(parcel.shop_id);
        let parcel = parcels.iter().find(|parcel| parcel.id == *id).filter(visible);
        let parcel = parcel.ok_or(Error::ShipmentNotFound)?;
        let label =
            labels.remove(id).ok_or(Error::LabelNotReady { shipment_id: *id, state: parcel.state })?;
        pages.push(label.content);
    }
    // Reading and writing a hundred documents is work: not on the threads that answer.
    let joined = tokio::task::spawn_blocking(move || printing::join(&pages)).await;
    let content = joined.map_err(|_| Error::LabelsNotJoinable)??;
    let content_type = "application/pdf".to_owned();
    Ok(pb::PrintLabelsResponse { content, content_type, file_name: "labels.pdf".to_owned() })
}

fn parse(request: &pb::PrintLabelsRequest) -> Result<Vec<ShipmentId>> {
    let mut fields = Fields::new();
    let given = &request.shipment_ids;
    fields.list_length("shipment_ids", given.len(), LABELS_MAX);
    let read = given.iter().take(LABELS_MAX).enumerate();
    let read: Vec<ShipmentId> =
        read.filter_map(|(at, id)| fields.parse(&format!("shipment_ids[{at}]"), id)).collect();
    let mut unique: Vec<Uuid> = read.iter().map(ShipmentId::uuid).collect();
    unique.sort_unstable();
    unique.dedup();
    fields.check(unique.len() == read.len(), "shipment_ids", "DUPLICATE", "each parcel once");
    fields.finish()?;
    Ok(read)
}
