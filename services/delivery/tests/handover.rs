//! Handing a parcel of the shop's own over: against a code, and with a proof.

use std::time::Duration;

use korob_delivery::Delivery;
use proto::delivery::v1::delivery_service_client::DeliveryServiceClient;
use proto::delivery::v1::{self as pb, TrackingStatus};
use testing::{World, eventually, refusal};
use tonic::Code;
use types::{ShipmentId, ShopId};

use crate::outside::Outside;
use crate::{Answer, Yard, courier, report, tariff};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and what follows";

impl Yard {
    /// A parcel that is handed over against a code.
    async fn guarded(&self) -> pb::Shipment {
        let method = courier("Courier", vec![tariff("50.00", "UAH")]);
        let method = self.offer(pb::DeliveryMethod { asks_for_code: true, ..method }).await;
        let plan = self.plan(&self.wish(&method)).await.expect("plans").into_inner();
        self.book(&plan, ShipmentId::new()).await.expect("books").into_inner()
    }

    async fn code_of(&self, parcel: &pb::Shipment) -> pb::PickupCode {
        let request = pb::GetPickupCodeRequest { shipment_id: parcel.shipment_id.clone() };
        self.delivery().get_pickup_code(request).await.expect("is there").into_inner()
    }

    async fn hand_over(&self, parcel: &pb::Shipment, code: &str) -> Answer<pb::Shipment> {
        let key = ShipmentId::new().to_string();
        let request = report(parcel, TrackingStatus::Delivered, 5, &key);
        let request = pb::RecordTrackingEventRequest { pickup_code: code.to_owned(), ..request };
        self.delivery().record_tracking_event(request).await
    }

    async fn proof_of(&self, parcel: &pb::Shipment) -> Answer<pb::DeliveryProof> {
        let request = pb::GetDeliveryProofRequest { shipment_id: parcel.shipment_id.clone() };
        self.delivery().get_delivery_proof(request).await
    }
}

fn signed() -> pb::DeliveryProof {
    pb::DeliveryProof {
        recipient_name: "Ivan Petrenko".to_owned(),
        code_word: "chestnut".to_owned(),
        picture: PNG.to_vec(),
        media_type: "image/png".to_owned(),
        deliver_time: None,
    }
}

fn proven(parcel: &pb::Shipment, proof: pb::DeliveryProof, key: &str) -> pb::RecordTrackingEventRequest {
    let request = report(parcel, TrackingStatus::Delivered, 5, key);
    pb::RecordTrackingEventRequest { proof: Some(proof), ..request }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_is_kept_sealed_and_shown_to_those_with_the_scope() {
    let yard = Yard::open().await;
    let parcel = yard.booked().await;
    assert!(!parcel.has_proof);
    assert_eq!(refusal(yard.proof_of(&parcel).await).reason, "DELIVERY_PROOF_NOT_FOUND");
    let request = proven(&parcel, signed(), "k");
    let delivered =
        yard.delivery().record_tracking_event(request.clone()).await.expect("tracks").into_inner();
    assert!(delivered.has_proof);
    let again = yard.delivery().record_tracking_event(request.clone()).await.expect("replays").into_inner();
    assert_eq!(again, delivered);

    let proof = yard.proof_of(&parcel).await.expect("is there").into_inner();
    let deliver_time = request.event.as_ref().and_then(|event| event.occur_time);
    assert_eq!(proof, pb::DeliveryProof { deliver_time, ..signed() });
    // The first one counts.
    let other = pb::DeliveryProof { recipient_name: "Somebody".to_owned(), ..Default::default() };
    yard.delivery().record_tracking_event(proven(&parcel, other, "k2")).await.expect("tracks");
    assert_eq!(yard.proof_of(&parcel).await.expect("is there").into_inner(), proof);

    let shown = pb::GetDeliveryProofRequest { shipment_id: parcel.shipment_id.clone() };
    let without = refusal(yard.partner_of(yard.shop).get_delivery_proof(shown.clone()).await);
    assert_eq!(without.code, Code::PermissionDenied, "{without:?}");
    let caller = World::partner(&[ShopId::new()], &["delivery.proofs"]);
    let mut stranger = DeliveryServiceClient::new(yard.world.channel_as("delivery", caller));
    assert_eq!(refusal(stranger.get_delivery_proof(shown).await).reason, "SHIPMENT_NOT_FOUND");

    let client = yard.world.database("delivery").client().await;
    let told = "SELECT count(*) FROM (SELECT encode(body, 'escape') AS told FROM event_log
                                      UNION ALL SELECT changes::text FROM audit_log
                                      UNION ALL SELECT encode(proof_sealed, 'escape') FROM handovers) all_told
                WHERE told ~ 'Petrenko|chestnut|PNG'";
    assert_eq!(client.query_one(told, &[]).await.expect("looks").get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_is_forgotten_after_half_a_year() {
    let mut yard = Yard::open().await;
    let parcel = yard.booked().await;
    yard.delivery().record_tracking_event(proven(&parcel, signed(), "k")).await.expect("tracks");
    for (days, kept) in [(179, true), (2, false)] {
        yard.world.clock.advance(Duration::from_secs(days * 24 * 3600));
        // A process that starts looks at once.
        let Yard { mut world, shop } = yard;
        let (database, clock) = (world.take_database("delivery"), world.clock.clone());
        drop(world);
        let mut world = World::new().await;
        world.clock = clock;
        yard = Yard { world: world.start_on::<Delivery>(database).await, shop };
        if kept {
            yard.proof_of(&parcel).await.expect("is there");
        } else {
            eventually("it is forgotten", async || yard.proof_of(&parcel).await.err()).await;
            let client = yard.world.database("delivery").client().await;
            let left = "SELECT count(*) FROM handovers WHERE proof_sealed IS NOT NULL";
            assert_eq!(client.query_one(left, &[]).await.expect("looks").get::<_, i64>(0), 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_proof_is_refused() {
    let yard = Yard::open().await;
    let parcel = yard.booked().await;
    let fields = async |proof: pb::DeliveryProof| {
        refusal(yard.delivery().record_tracking_event(proven(&parcel, proof, "k")).await).fields
    };
    assert_eq!(fields(pb::DeliveryProof::default()).await, ["proof"]);
    let picture = |picture: &[u8], media_type: &str| pb::DeliveryProof {
        picture: picture.to_vec(),
        media_type: media_type.to_owned(),
        ..Default::default()
    };
    assert_eq!(fields(picture(PNG, "image/jpeg")).await, ["proof.picture"]);
    assert_eq!(fields(picture(b"<svg onload=alert(1)>", "image/svg+xml")).await, ["proof.media_type"]);
    assert_eq!(fields(picture(b"", "image/png")).await, ["proof", "proof.media_type"]);
    let large = [PNG, &vec![0; 512 * 1024]].concat();
    assert_eq!(fields(picture(&large, "image/png")).await, ["proof.picture"]);
    let mut early = proven(&parcel, signed(), "k");
    early.event.as_mut().expect("an event").status = TrackingStatus::InTransit.into();
    assert_eq!(refusal(yard.delivery().record_tracking_event(early).await).fields, ["proof"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_outside_proves_itself() {
    let outside = Outside::parcel().await;
    let parcel = outside.booked().await;
    let request = proven(&parcel, signed(), "k");
    assert_eq!(refusal(outside.yard.delivery().record_tracking_event(request).await).fields, ["proof"]);
    assert!(!parcel.asks_for_code);
    let request = pb::GetPickupCodeRequest { shipment_id: parcel.shipment_id };
    assert_eq!(refusal(outside.yard.delivery().get_pickup_code(request).await).reason, "NO_PICKUP_CODE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_is_handed_over_against_its_code() {
    let yard = Yard::open().await;
    let parcel = yard.guarded().await;
    assert!(parcel.asks_for_code);
    let code = yard.code_of(&parcel).await;
    assert_eq!((code.pickup_code.len(), code.locked_until_time), (6, None));
    yard.track(&parcel, TrackingStatus::OutForDelivery, 1).await.expect("needs no code");

    let missing = refusal(yard.hand_over(&parcel, "").await);
    assert_eq!((missing.code, missing.reason.as_str()), (Code::FailedPrecondition, "PICKUP_CODE_REQUIRED"));
    let status = yard.hand_over(&parcel, &wrong(&code)).await.expect_err("wrong");
    assert_eq!(rpc::reason(&status).as_deref(), Some("PICKUP_CODE_WRONG"));
    assert_eq!(rpc::metadata(&status)["tries_left"], "4");
    let delivered = yard.hand_over(&parcel, &code.pickup_code).await.expect("hands over").into_inner();
    assert_eq!(delivered.status(), TrackingStatus::Delivered);

    let shown = pb::GetPickupCodeRequest { shipment_id: parcel.shipment_id.clone() };
    let courier = refusal(yard.partner_of(yard.shop).get_pickup_code(shown).await);
    assert_eq!(courier.code, Code::PermissionDenied);
    let client = yard.world.database("delivery").client().await;
    let told = "SELECT count(*) FROM (SELECT encode(body, 'escape') AS told FROM event_log
                                      UNION ALL SELECT changes::text FROM audit_log
                                      UNION ALL SELECT encode(code_sealed, 'escape') FROM handovers) all_told
                WHERE position($1 in told) > 0";
    assert_eq!(client.query_one(told, &[&code.pickup_code]).await.expect("looks").get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_cannot_be_guessed() {
    let yard = Yard::open().await;
    let parcel = yard.guarded().await;
    let code = yard.code_of(&parcel).await;
    let mut guesses = tokio::task::JoinSet::new();
    for at in 0..20 {
        let request = report(&parcel, TrackingStatus::Delivered, 5, &format!("guess-{at}"));
        let request = pb::RecordTrackingEventRequest { pickup_code: wrong(&code), ..request };
        let mut delivery = yard.delivery();
        guesses.spawn(async move { delivery.record_tracking_event(request).await });
    }
    let mut reasons: Vec<String> =
        guesses.join_all().await.into_iter().map(|answer| refusal(answer).reason).collect();
    reasons.sort();
    let wrong_ones = reasons.iter().filter(|reason| *reason == "PICKUP_CODE_WRONG").count();
    let locked = reasons.iter().filter(|reason| *reason == "PICKUP_CODE_LOCKED").count();
    assert_eq!((wrong_ones, locked), (4, 16));

    // Not even the right one, until an hour later.
    assert_eq!(refusal(yard.hand_over(&parcel, &code.pickup_code).await).reason, "PICKUP_CODE_LOCKED");
    assert!(yard.code_of(&parcel).await.locked_until_time.is_some());
    yard.world.clock.advance(Duration::from_secs(3601));
    assert!(yard.code_of(&parcel).await.locked_until_time.is_none());
    yard.hand_over(&parcel, &code.pickup_code).await.expect("hands over");
}

/// Another code than the right one.
fn wrong(code: &pb::PickupCode) -> String {
    let digits: u32 = code.pickup_code.parse().expect("digits");
    format!("{:06}", (digits + 1) % 1_000_000)
}
