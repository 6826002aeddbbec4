//! Records what the courier reports; an older event never moves the status back.

use chrono::{DateTime, SubsecRound, Utc};
use prost::Message;
use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Once, Store, Tx};
use types::ShipmentId;

use super::book_shipment::code_context;
use super::get_shipment::find_visible;
use super::proof_fields::{self, Proof, proof_context};
use crate::error::{Error, Result};
use crate::following::{CLOCK_AHEAD_MAX, known_reason, tell_tracked};
use crate::incidents;
use crate::model::handover::Tried;
use crate::model::handover_rows;
use crate::model::incident::Cause;
use crate::model::incident_reason::is_incident_reason;
use crate::model::shipment::{Shipment, TrackingEvent};
use crate::model::shipment_rows;
use crate::model::tracking_status::TrackingStatus;
use crate::{Delivery, wire};

const METHOD: &str = "delivery.record_tracking_event";
const DESCRIPTION_LENGTH_MAX: usize = 1000;
const LOCATION_LENGTH_MAX: usize = 300;
const PICKUP_CODE_LENGTH_MAX: usize = 20;

struct Report {
    id: ShipmentId,
    event: TrackingEvent,
    proof: Option<Proof>,
    key: String,
}

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::RecordTrackingEventRequest,
) -> Result<pb::Shipment> {
    let Report { id, event, proof, key } = parse(&request, delivery.store.clock().now())?;

    let known = find_visible(delivery, call, id).await?;
    if proof.is_some() && known.account_id.is_some() {
        let why = "a carrier outside proves it itself";
        return Err(rpc::Invalid::field("proof", "NOT_ALLOWED", why).into());
    }
    let is_handed_over =
        event.status == TrackingStatus::Delivered && known.status != TrackingStatus::Delivered;
    if is_handed_over && known.handover.asks_for_code {
        try_code(delivery, call, id, &request.pickup_code).await?.allows()?;
    }

    let scope = known.shop_id.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &key };
    let store = &delivery.store;
    let recorded =
        store.once(call, once, &request, async |tx: &mut Tx| record(store, tx, id, event, proof).await);
    recorded.await
}

/// Tries what the buyer is said to have said. Commits also when it was wrong, since tries are counted.
async fn try_code(delivery: &Delivery, call: &Call, id: ShipmentId, said: &str) -> Result<Tried> {
    let store = &delivery.store;
    let tried = store.transaction(call, async |tx: &mut Tx| {
        let Some(mut code) = handover_rows::lock_code(tx, id).await? else { return Ok(Tried::Right) };
        let right = store.unseal(&code.sealed, &code_context(id))?;
        let before = code.clone();

        let tried = code.try_code(&String::from_utf8_lossy(&right), said.trim(), tx.now());

        if code != before {
            handover_rows::save_tries(tx, id, &code).await?;
            tx.audit(Audit::new("delivery.try_pickup_code", id).change(
                "wrong_codes",
                before.wrong,
                code.wrong,
            ));
        }
        Ok(tried)
    });
    tried.await
}

fn parse(request: &pb::RecordTrackingEventRequest, now: DateTime<Utc>) -> Result<Report> {
    let mut fields = Fields::new();
    let id = fields.parse("shipment_id", &request.shipment_id);
    let key = fields.idempotency_key(&request.idempotency_key);
    let event = fields.present("event", request.event.as_ref());
    let event = event.and_then(|event| tracking_event(&mut fields, event, now));
    let status = request.event.as_ref().map(|event| event.status).unwrap_or_default();
    let proof = proof_fields::proof(&mut fields, request.proof.as_ref(), status);
    fields.text("pickup_code", &request.pickup_code, PICKUP_CODE_LENGTH_MAX);
    let report = id.zip(event).map(|(id, event)| Report { id, event, proof, key });
    Ok(fields.finish_with(report)?)
}

fn tracking_event(
    fields: &mut Fields,
    event: &pb::TrackingEvent,
    now: DateTime<Utc>,
) -> Option<TrackingEvent> {
    let status = pb::TrackingStatus::try_from(event.status);
    fields.check(status.is_ok(), "event.status", "UNKNOWN_VALUE", "is not a tracking status");
    let named = status.as_ref().is_ok_and(|status| *status == pb::TrackingStatus::Unspecified);
    fields.check(!named, "event.status", "REQUIRED", "is required");
    let status = status.ok().and_then(wire::read_tracking_status);
    let occur_time = fields.present("event.occur_time", event.occur_time);
    let occur_time = fields.time_optional("event.occur_time", occur_time);
    let happened = occur_time.is_none_or(|time| time <= now + CLOCK_AHEAD_MAX);
    fields.check(happened, "event.occur_time", "OUT_OF_RANGE", "must not lie in the future");
    let description = fields.text("event.description", &event.description, DESCRIPTION_LENGTH_MAX);
    let location = fields.text("event.location", &event.location, LOCATION_LENGTH_MAX);
    let incident_reason = event.incident_reason.clone();
    check_incident(fields, status, &incident_reason);
    Some(TrackingEvent {
        status: status?,
        occur_time: occur_time?.trunc_subsecs(6),
        description,
        location,
        incident_reason,
        carrier_code: String::new(),
        code_map_version: 0,
        carrier_event_id: None,
    })
}

fn check_incident(fields: &mut Fields, status: Option<TrackingStatus>, reason: &str) {
    let field = "event.incident_reason";
    if reason.is_empty() {
        let failed = status == Some(TrackingStatus::DeliveryFailed);
        fields.check(!failed, field, "REQUIRED", "a failure needs a reason");
        return;
    }
    fields.check(is_incident_reason(reason), field, "UNKNOWN_VALUE", "is not a canonical incident reason");
    let misplaced = status.is_some_and(|status| !status.may_have_incident());
    fields.check(
        !misplaced,
        field,
        "NOT_ALLOWED",
        "only a failure, a delay, a hold or a return has a reason",
    );
}

async fn record(
    store: &Store,
    tx: &mut Tx,
    id: ShipmentId,
    event: TrackingEvent,
    proof: Option<Proof>,
) -> Result<pb::Shipment> {
    let mut shipment = shipment_rows::lock(tx, id).await?.ok_or(Error::ShipmentNotFound)?;

    // Only the carrier takes its waybill back, and only CancelShipment asks it.
    if event.status == TrackingStatus::Cancelled && shipment.account_id.is_some() {
        return Err(Error::MoveNotAllowed { from: shipment.status, to: event.status });
    }
    let moved_from = shipment.track(event.clone())?;

    shipment_rows::add_event(tx, id, &event).await?;
    if let Some(Proof(proof)) = proof {
        let proof = pb::DeliveryProof { deliver_time: Some(rpc::wire::time(event.occur_time)), ..proof };
        let (sealed, now) = (store.seal(&proof.encode_to_vec(), &proof_context(id)), tx.now());
        handover_rows::keep_proof(tx, id, sealed, now).await?;
        shipment.handover.has_proof = true;
    }
    if let Some(reason) = known_reason(&event.incident_reason) {
        let words = event.description.clone();
        incidents::raise(tx, &mut shipment, Cause { reason, field: String::new(), words }).await?;
    }
    incidents::close_those_over(tx, &mut shipment).await?;
    shipment_rows::update(tx, &shipment).await?;

    tell(tx, &shipment, &event, moved_from);
    Ok(wire::shipment(&shipment))
}

fn tell(tx: &mut Tx, shipment: &Shipment, event: &TrackingEvent, moved_from: Option<TrackingStatus>) {
    let before = moved_from.unwrap_or(shipment.status);
    let audit = Audit::new(METHOD, shipment.id)
        .shop(shipment.shop_id.uuid())
        .set("event", event.status.as_str())
        .set("occur_time", event.occur_time)
        .set("incident_reason", &event.incident_reason)
        .set("has_proof", shipment.handover.has_proof)
        .change("status", before.as_str(), shipment.status.as_str());
    tx.audit(audit);
    if let Some(previous) = moved_from {
        tell_tracked(tx, shipment, previous);
    }
}
