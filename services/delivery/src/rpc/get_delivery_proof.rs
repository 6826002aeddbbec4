//! Returns who took a parcel of the shop's own, and what proves it, while that is kept.

use prost::Message;
use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::Error as StoreError;

use super::get_shipment::find_visible;
use super::proof_fields::proof_context;
use crate::Delivery;
use crate::error::{Error, Result};
use crate::model::handover_rows;

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::GetDeliveryProofRequest,
) -> Result<pb::DeliveryProof> {
    let mut fields = Fields::new();
    let id = fields.parse("shipment_id", &request.shipment_id);
    let id = fields.finish_with(id)?;

    find_visible(delivery, call, id).await?;

    let sealed = handover_rows::find_proof(&mut *delivery.store.connection().await?, id).await?;
    let sealed = sealed.ok_or(Error::DeliveryProofNotFound)?;
    let proof = delivery.store.unseal(&sealed, &proof_context(id))?;
    let proof = pb::DeliveryProof::decode(proof.as_slice());
    Ok(proof.map_err(|error| StoreError::Corrupt(error.to_string()))?)
}
