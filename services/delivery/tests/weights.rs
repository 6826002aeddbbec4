//! What carriers weighed, beside what was declared to them.

use std::time::Duration;

use proto::delivery::v1::{self as pb, CarrierKind, TrackingStatus};
use serde_json::{Value, json};
use simulators::{Fault, Script};

use crate::outside::Outside;
use crate::receive_carrier_webhook::{tell, told};

/// Lets the questions for tracking be counted: each is struck by a fault that does nothing.
fn count(outside: &Outside) {
    let operation = if outside.system == "parcel" { "track" } else { "getStatusDocuments" };
    let every =
        Script { fault: Fault::Slow, operation: Some(operation.to_owned()), skip: 0, calls: u32::MAX };
    outside.carriers.faults(outside.system).slow(Duration::ZERO).script(every);
}

/// Waits until the carrier was asked so often again where the parcel is, and what it said was applied.
async fn asked_again(outside: &Outside, parcel: &pb::Shipment, times: u64) -> pb::Shipment {
    let counted = || outside.carriers.faults(outside.system).struck(Fault::Slow);
    let before = counted();
    outside
        .until(&parcel.shipment_id, "it is asked again", |_| {
            outside.wait(Duration::from_secs(2 * 3600));
            // The last of them may be under way still.
            counted() > before + times
        })
        .await
}

/// Books a parcel of 1200 grams, which the carrier weighs when it takes it.
async fn taken(outside: &Outside) -> pb::Shipment {
    let parcel = outside.booked().await;
    assert_eq!((parcel.declared_weight_grams, parcel.weighed_grams), (1200, 0));
    count(outside);
    outside.carriers.advance(&parcel.tracking_number);
    outside.wait(Duration::from_secs(20 * 60));
    let left = |parcel: &pb::Shipment| parcel.status() != TrackingStatus::Pending;
    outside.until(&parcel.shipment_id, "the carrier has it", left).await
}

/// How often too much was told of, in each of the incidents that say so, and how many of them are open. Time goes so fast here
/// that the parcel may be late as well.
fn differs(parcel: &pb::Shipment) -> (Vec<i32>, usize) {
    let told: Vec<_> = parcel.incidents.iter().filter(|told| told.reason == "weight_differs").collect();
    let open = told.iter().filter(|told| !told.closed).count();
    (told.iter().map(|told| told.occurrences).collect(), open)
}

async fn close(outside: &Outside, incident: &pb::Incident) {
    let update_mask = Some(prost_types::FieldMask { paths: vec!["closed".to_owned()] });
    let incident = Some(pb::Incident { closed: true, ..incident.clone() });
    let request = pb::UpdateIncidentRequest { incident, update_mask };
    outside.yard.delivery().update_incident(request).await.expect("closes");
}

/// Too much is one incident, however often it is told, and stays closed once somebody closed it.
async fn too_much_is_told_once(outside: Outside) {
    outside.carriers.faults(outside.system).next(Fault::WeighsMore);
    let parcel = taken(&outside).await;
    assert_eq!((parcel.declared_weight_grams, parcel.weighed_grams), (1200, 2000));
    assert_eq!(Outside::open_incidents(&parcel), ["weight_differs"]);
    assert_eq!(parcel.incidents[0].carrier_words, "declared 1200 g, weighed 2000 g");
    let listed = pb::ListIncidentsRequest { reason: "weight_differs".to_owned(), ..Default::default() };
    let listed = outside.yard.delivery().list_incidents(listed).await.expect("lists").into_inner();
    assert_eq!(listed.incidents.len(), 1);

    let again = asked_again(&outside, &parcel, 2).await;
    assert_eq!(differs(&again), (vec![1], 1));

    close(&outside, &parcel.incidents[0]).await;
    outside.carriers.advance(&parcel.tracking_number);
    let last = asked_again(&outside, &parcel, 1).await;
    assert!(last.events.len() > again.events.len(), "it moved, and the weight was told with that");
    assert_eq!((last.weighed_grams, differs(&last)), (2000, (vec![1], 0)));
    let events = outside.yard.events_of(&parcel.incidents[0].incident_id).await;
    assert_eq!(events, ["1 IncidentOpened", "2 IncidentClosed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_carrier_that_weighs_too_much_is_heard_once() {
    too_much_is_told_once(Outside::parcel().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nova_poshta_that_weighs_too_much_is_heard_once() {
    too_much_is_told_once(Outside::open(CarrierKind::NovaPoshta).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_declared_is_weighed_and_nobody_is_troubled() {
    for kind in [CarrierKind::Parcel, CarrierKind::NovaPoshta] {
        let parcel = taken(&Outside::open(kind).await).await;
        assert_eq!((parcel.declared_weight_grams, parcel.weighed_grams), (1200, 1200), "{kind:?}");
        assert!(parcel.incidents.is_empty(), "{kind:?}");
    }
}

/// Neither a guess nor the end of the rest that is told; once it can be read, it counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_weight_that_cannot_be_read_is_none() {
    for kind in [CarrierKind::Parcel, CarrierKind::NovaPoshta] {
        let outside = Outside::open(kind).await;
        let every = Script { fault: Fault::WeightAsText, operation: None, skip: 0, calls: u32::MAX };
        outside.carriers.faults(outside.system).next(Fault::WeighsMore).script(every);
        let parcel = taken(&outside).await;
        assert!(outside.carriers.faults(outside.system).struck(Fault::WeightAsText) > 0);
        assert_eq!((parcel.weighed_grams, parcel.incidents.len()), (0, 0), "{kind:?}");

        outside.carriers.faults(outside.system).clear();
        let read = |parcel: &pb::Shipment| {
            outside.wait(Duration::from_secs(20 * 60));
            parcel.weighed_grams == 2000
        };
        let read = outside.until(&parcel.shipment_id, "it is read", read).await;
        assert_eq!(differs(&read), (vec![1], 1), "{kind:?}");
    }
}

/// An event of a parcel, and what the carrier weighed.
fn weighed(parcel: &pb::Shipment, event_id: &str, minutes: i64, grams: Value) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(&told(parcel, event_id, "300", minutes)).expect("JSON");
    body["weighed_grams"] = grams;
    body.to_string().into_bytes()
}

async fn until_events(outside: &Outside, parcel: &pb::Shipment, count: usize) -> pb::Shipment {
    outside.until(&parcel.shipment_id, "it is noted", |parcel| parcel.events.len() == count).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_word_counts_and_an_older_one_does_not() {
    let outside = Outside::parcel().await;
    let parcel = outside.booked().await;
    // A hundred grams more: scales may differ so much.
    tell(&outside, &weighed(&parcel, "w-5", 5, json!(1300))).await;
    until_events(&outside, &parcel, 1).await;
    tell(&outside, &weighed(&parcel, "w-1", 1, json!(9000))).await;
    let older = until_events(&outside, &parcel, 2).await;
    assert_eq!((older.weighed_grams, older.incidents.len()), (1300, 0));

    tell(&outside, &weighed(&parcel, "w-6", 6, json!(1321))).await;
    let more = until_events(&outside, &parcel, 3).await;
    assert_eq!(
        (more.weighed_grams, Outside::open_incidents(&more)),
        (1321, vec!["weight_differs".to_owned()])
    );

    for (at, garbage) in [json!("heavy"), json!(-5), json!(1.5), json!(0), json!([1])].into_iter().enumerate()
    {
        let number = 7 + i64::try_from(at).expect("few");
        tell(&outside, &weighed(&parcel, &format!("w-{number}"), number, garbage)).await;
    }
    let same = until_events(&outside, &parcel, 8).await;
    assert_eq!((same.weighed_grams, same.incidents[0].occurrences), (1321, 1));

    // It was a mistake: weighed again, and all is well.
    tell(&outside, &weighed(&parcel, "w-12", 12, json!(1210))).await;
    let right = until_events(&outside, &parcel, 9).await;
    assert_eq!((right.weighed_grams, Outside::open_incidents(&right).len()), (1210, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_stays_somebodys_task_after_the_end() {
    let outside = Outside::parcel().await;
    let parcel = outside.booked().await;
    tell(&outside, &weighed(&parcel, "w-1", 1, json!(5000))).await;
    until_events(&outside, &parcel, 1).await;
    tell(&outside, &told(&parcel, "e-2", "600", 2)).await;
    let delivered = until_events(&outside, &parcel, 2).await;
    assert_eq!(delivered.status(), TrackingStatus::Delivered);
    assert_eq!(Outside::open_incidents(&delivered), ["weight_differs"]);
}
