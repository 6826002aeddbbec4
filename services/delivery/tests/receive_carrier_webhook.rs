//! What carriers send by themselves.

use std::time::Duration;

use hmac::{Hmac, Mac};
use proto::delivery::v1::{self as pb, CarrierKind, ShipmentState, TrackingStatus};
use serde_json::json;
use sha2::Sha256;
use simulators::Fault;
use testing::refusal;
use tonic::Code;

use crate::Answer;
use crate::outside::{Outside, WEBHOOK_SECRET};

async fn send(
    outside: &Outside,
    body: &[u8],
    secret: &str,
    age: i64,
) -> Answer<pb::ReceiveCarrierWebhookResponse> {
    let timestamp = (outside.yard.world.clock.now().timestamp() - age).to_string();
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(secret.as_bytes()).expect("any key");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let headers =
        [("parcel-timestamp".to_owned(), timestamp), ("parcel-signature".to_owned(), format!("v1={hex}"))];
    let request = pb::ReceiveCarrierWebhookRequest {
        carrier_account_id: outside.account.carrier_account_id.clone(),
        headers: headers.into(),
        body: body.to_vec(),
        peer_address: "192.0.2.7".to_owned(),
    };
    outside.yard.delivery().receive_carrier_webhook(request).await
}

/// An event of a parcel, as its carrier tells it.
pub fn told(parcel: &pb::Shipment, event_id: &str, code: &str, minutes: i64) -> Vec<u8> {
    let time = parcel.book_time.expect("booked").seconds + minutes * 60;
    let time = chrono::DateTime::from_timestamp(time, 0).expect("a time").to_rfc3339();
    let body = json!({
        "delivery_id": event_id,
        "type": "parcel.tracked",
        "parcel": { "parcel_id": "prc", "state": "registered", "tracking_number": parcel.tracking_number },
        "event": { "event_id": event_id, "code": code, "occur_time": time, "text": "Іван не вдома", "place": "Київ", "reason": "" },
    });
    body.to_string().into_bytes()
}

pub async fn tell(outside: &Outside, body: &[u8]) -> pb::ReceiveCarrierWebhookResponse {
    send(outside, body, WEBHOOK_SECRET, 0).await.expect("is taken").into_inner()
}

async fn kept(outside: &Outside) -> i64 {
    let client = outside.yard.world.database("delivery").client().await;
    client.query_one("SELECT count(*) FROM carrier_webhooks", &[]).await.expect("counts").get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_kept_and_applied_once() {
    let outside = Outside::parcel().await;
    let parcel = outside.booked().await;
    let body = told(&parcel, "e-1", "200", 1);
    assert!(!tell(&outside, &body).await.repeated_before);
    assert!(tell(&outside, &body).await.repeated_before);
    let moved = |parcel: &pb::Shipment| parcel.status() == TrackingStatus::PickedUp;
    outside.until(&parcel.shipment_id, "it is picked up", moved).await;

    // The same event in another envelope.
    let mut again: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    again["delivery_id"] = json!("another");
    tell(&outside, again.to_string().as_bytes()).await;
    tell(&outside, &told(&parcel, "e-2", "300", 2)).await;
    let there = |parcel: &pb::Shipment| parcel.status() == TrackingStatus::InTransit;
    let last = outside.until(&parcel.shipment_id, "it is on its way", there).await;

    assert_eq!(last.events.len(), 2);
    assert_eq!(kept(&outside).await, 3);
    let events = outside.yard.events_of(&parcel.shipment_id).await;
    assert_eq!(events, ["2 ShipmentBooked", "3 ShipmentTracked", "4 ShipmentTracked"]);
    assert_eq!((last.events[0].carrier_code.as_str(), last.events[0].code_map_version), ("200", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_by_the_carrier_is_not_kept() {
    let outside = Outside::parcel().await;
    let parcel = outside.booked().await;
    let body = told(&parcel, "e-1", "600", 1);
    for (secret, age) in [("another secret", 0), ("", 0), (WEBHOOK_SECRET, 301), (WEBHOOK_SECRET, -301)] {
        let refused = refusal(send(&outside, &body, secret, age).await);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::Unauthenticated, "INVALID_SIGNATURE"));
    }
    let bare = pb::ReceiveCarrierWebhookRequest {
        carrier_account_id: outside.account.carrier_account_id.clone(),
        body: body.clone(),
        ..Default::default()
    };
    assert_eq!(
        refusal(outside.yard.delivery().receive_carrier_webhook(bare).await).reason,
        "INVALID_SIGNATURE"
    );
    assert_eq!(kept(&outside).await, 0);
    let nothing = pb::ReceiveCarrierWebhookRequest::default();
    let refused = refusal(outside.yard.delivery().receive_carrier_webhook(nothing).await);
    assert_eq!(refused.fields, ["carrier_account_id", "body"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_event_never_moves_the_status_back() {
    let outside = Outside::parcel().await;
    let parcel = outside.booked().await;
    tell(&outside, &told(&parcel, "e-3", "400", 12)).await;
    let ready = |parcel: &pb::Shipment| parcel.status() == TrackingStatus::ReadyForPickup;
    outside.until(&parcel.shipment_id, "it lies at the branch", ready).await;
    tell(&outside, &told(&parcel, "e-1", "200", 4)).await;
    tell(&outside, &told(&parcel, "e-2", "510", 8)).await;
    let late = outside.until(&parcel.shipment_id, "all is noted", |parcel| parcel.events.len() == 3).await;
    assert_eq!(late.status(), TrackingStatus::ReadyForPickup);
    let order: Vec<&str> = late.events.iter().map(|event| event.carrier_code.as_str()).collect();
    assert_eq!(order, ["200", "510", "400"]);
    assert!(late.incidents.is_empty(), "old trouble is history");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_attempt_is_one_incident() {
    let outside = Outside::parcel().await;
    let parcel = outside.booked().await;
    tell(&outside, &told(&parcel, "e-1", "510", 4)).await;
    tell(&outside, &told(&parcel, "e-2", "510", 8)).await;
    let failed =
        outside.until(&parcel.shipment_id, "both are noted", |parcel| parcel.events.len() == 2).await;
    assert_eq!(Outside::open_incidents(&failed), ["consignee_not_available"]);
    let incident = &failed.incidents[0];
    assert_eq!((incident.occurrences, incident.carrier_words.as_str()), (2, "Іван не вдома"));
    assert!(incident.due_time.is_some());
    tell(&outside, &told(&parcel, "e-3", "600", 12)).await;
    let done = outside.until(&parcel.shipment_id, "it arrived", |parcel| parcel.events.len() == 3).await;
    assert!(Outside::open_incidents(&done).is_empty());
    // Nobody's words leave the service.
    let client = outside.yard.world.database("delivery").client().await;
    let told = "SELECT count(*) FROM event_log WHERE position(convert_to('Іван', 'UTF8') IN body) > 0";
    assert_eq!(client.query_one(told, &[]).await.expect("counts").get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_of_real_life_come_twice_late_and_forged() {
    let outside = Outside::parcel().await;
    outside.listen().await;
    let faults = outside.carriers.faults("parcel");
    faults.probability(Fault::DuplicateWebhook, 0.5).probability(Fault::ReorderWebhook, 0.3);
    faults.probability(Fault::DropWebhook, 0.2).probability(Fault::ForgedWebhook, 0.5);
    let parcel = outside.booked().await;
    for code in ["200", "300", "310", "500", "600"] {
        outside.carriers.advance_clock(Duration::from_secs(600));
        outside.carriers.advance_to(&parcel.tracking_number, code);
    }
    // What was dropped is asked for.
    outside.wait(Duration::from_secs(3600));
    let done = outside
        .until(&parcel.shipment_id, "it arrived", |parcel| {
            parcel.status() == TrackingStatus::Delivered && parcel.events.len() >= 5
        })
        .await;
    let mut codes: Vec<&str> = done.events.iter().map(|event| event.carrier_code.as_str()).collect();
    codes.retain(|code| *code != "100");
    assert_eq!(codes, ["200", "300", "310", "500", "600"]);
}

/// Nobody signs them, so nothing of them is believed.
#[tokio::test(flavor = "multi_thread")]
async fn an_unsigned_webhook_makes_us_ask() {
    let outside = Outside::open(CarrierKind::Cdek).await;
    outside.listen().await;
    let parcel = outside.booked().await;
    outside.carriers.faults("cdek").next(Fault::ForgedWebhook);
    outside.carriers.advance(&parcel.tracking_number);
    let news = |parcel: &pb::Shipment| parcel.status() != TrackingStatus::Pending;
    let moved = outside.until(&parcel.shipment_id, "the order was read again", news).await;
    assert_eq!(moved.status(), TrackingStatus::PickedUp);
    assert_eq!(moved.state(), ShipmentState::Booked);

    let lie =
        json!({ "type": "ORDER_STATUS", "uuid": "no order of ours", "attributes": { "code": "DELIVERED" } });
    let request = pb::ReceiveCarrierWebhookRequest {
        carrier_account_id: outside.account.carrier_account_id.clone(),
        body: lie.to_string().into_bytes(),
        ..Default::default()
    };
    outside.yard.delivery().receive_carrier_webhook(request).await.expect("is taken");
    let request = pb::ReceiveCarrierWebhookRequest {
        carrier_account_id: outside.account.carrier_account_id.clone(),
        body: b"no JSON".to_vec(),
        ..Default::default()
    };
    assert_eq!(
        refusal(outside.yard.delivery().receive_carrier_webhook(request).await).reason,
        "INVALID_SIGNATURE"
    );
}
