//! Keeps what a carrier sent, once it is known to be genuine; a job applies it once.

use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use sha2::{Digest, Sha256};
use store::{Audit, Tx};
use types::CarrierAccountId;

use crate::Delivery;
use crate::carriers::Webhook;
use crate::error::{Error, Result};
use crate::model::{carrier_account_rows, webhook_rows};

/// The longest webhook that is kept: 256 KiB.
const BODY_LENGTH_MAX: usize = 256 << 10;
const PEER_LENGTH_MAX: usize = 100;

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::ReceiveCarrierWebhookRequest,
) -> Result<pb::ReceiveCarrierWebhookResponse> {
    let id = parse(&request)?;

    let store = &delivery.store;
    let account = carrier_account_rows::find(store, &mut *store.connection().await?, id).await?;
    let account = account.ok_or(Error::CarrierAccountNotFound)?;

    let webhook = Webhook { headers: &request.headers, body: &request.body, now: store.clock().now() };
    let genuine = delivery.carriers.outside(&account).verify_webhook(&webhook);
    genuine.map_err(|_| Error::InvalidSignature)?;

    let kept = store.transaction(call, async |tx: &mut Tx| keep(tx, id, &request).await).await?;
    delivery.received.notify_one();
    Ok(kept)
}

fn parse(request: &pb::ReceiveCarrierWebhookRequest) -> Result<CarrierAccountId> {
    let mut fields = Fields::new();
    let id = fields.parse("carrier_account_id", &request.carrier_account_id);
    fields.check(!request.body.is_empty(), "body", "REQUIRED", "is required");
    fields.check(request.body.len() <= BODY_LENGTH_MAX, "body", "TOO_LONG", "at most 256 KiB");
    fields.text("peer_address", &request.peer_address, PEER_LENGTH_MAX);
    Ok(fields.finish_with(id)?)
}

async fn keep(
    tx: &mut Tx,
    id: CarrierAccountId,
    request: &pb::ReceiveCarrierWebhookRequest,
) -> Result<pb::ReceiveCarrierWebhookResponse> {
    // The signature of a repeat has another time: what is the same is the body.
    let digest = Sha256::digest(&request.body);
    let first = webhook_rows::keep(tx, id, digest.as_slice(), &request.body, &request.peer_address).await?;
    if first {
        tx.audit(Audit::new("delivery.receive_carrier_webhook", id).set("bytes", request.body.len()));
    }
    Ok(pb::ReceiveCarrierWebhookResponse { repeated_before: !first })
}
