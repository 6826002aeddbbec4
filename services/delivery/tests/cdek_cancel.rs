//! Cancelling at CDEK, which accepts first and makes later.

use std::time::Duration;

use proto::delivery::v1::{self as pb, CarrierKind, ShipmentState};
use simulators::Fault;

use crate::outside::Outside;

/// How long CDEK works on what it accepted, by its own clock.
const SETTLE: Duration = Duration::from_secs(60);

/// A parcel that CDEK has accepted and still works on.
async fn accepted(outside: &Outside) -> pb::Shipment {
    outside.carriers.faults("cdek").settle(SETTLE);
    let parcel = outside.book().await;
    outside.until_count("it is accepted", "shipments", "carrier_parcel_id <> ''", 1).await;
    parcel
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_cannot_be_seen_yet_is_not_cancelled() {
    let outside = Outside::open(CarrierKind::Cdek).await;
    let faults = || outside.carriers.faults("cdek");
    faults().probability(Fault::InProgress, 1.0);
    let parcel = accepted(&outside).await;

    outside.cancel(&parcel.shipment_id).await.expect("asks");
    let asked_before = faults().struck(Fault::InProgress);
    outside
        .until(&parcel.shipment_id, "it is looked for three times", |parcel| {
            assert_eq!(parcel.state(), ShipmentState::Cancelling);
            faults().struck(Fault::InProgress) >= asked_before + 3
        })
        .await;
    assert_eq!(outside.waybills(&parcel), (0, 0));

    outside.carriers.advance_clock(SETTLE * 2);
    assert_eq!(outside.waybills(&parcel), (1, 1), "CDEK makes it after all");
    faults().settle(Duration::ZERO);
    let gone = outside.until_state(&parcel, ShipmentState::Cancelled).await;
    assert_eq!(outside.waybills(&parcel), (1, 0));
    assert!(gone.incidents.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_still_made_is_cancelled_once_it_is_there() {
    let outside = Outside::open(CarrierKind::Cdek).await;
    let parcel = accepted(&outside).await;

    outside.cancel(&parcel.shipment_id).await.expect("asks");
    let three_times = "state = 'cancelling' AND attempts >= 4";
    outside.until_count("it is looked for three times", "shipments", three_times, 1).await;

    outside.carriers.advance_clock(SETTLE * 2);
    outside.carriers.faults("cdek").settle(Duration::ZERO);
    let gone = outside.until_state(&parcel, ShipmentState::Cancelled).await;
    assert_eq!(outside.waybills(&parcel), (1, 0));
    assert!(gone.incidents.is_empty(), "nothing went wrong: {:?}", gone.incidents);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_refused_after_all_needs_no_cancelling() {
    let outside = Outside::open(CarrierKind::Cdek).await;
    outside.carriers.faults("cdek").next_on("create_order", Fault::LateFailure);
    let parcel = accepted(&outside).await;

    outside.cancel(&parcel.shipment_id).await.expect("asks");
    outside.carriers.advance_clock(SETTLE * 2);
    outside.until_state(&parcel, ShipmentState::Cancelled).await;
    assert_eq!(outside.waybills(&parcel), (0, 0));
}

/// What had a number and is not there any more is gone.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_gone_is_cancelled() {
    let outside = Outside::open(CarrierKind::Cdek).await;
    let parcel = outside.booked().await;
    outside.carriers.forget();
    outside.cancel(&parcel.shipment_id).await.expect("asks");
    outside.until_state(&parcel, ShipmentState::Cancelled).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_never_is_seen_is_somebodys_task() {
    let outside = Outside::open(CarrierKind::Cdek).await;
    outside.carriers.faults("cdek").next_on("create_order", Fault::SilentIgnore);
    let parcel = accepted(&outside).await;
    outside.cancel(&parcel.shipment_id).await.expect("asks");
    let client = outside.yard.world.database("delivery").client().await;
    client.execute("UPDATE shipments SET attempts = 50", &[]).await.expect("four hours pass");

    let waits = outside
        .until(&parcel.shipment_id, "somebody is told", |parcel| {
            outside.wait(Duration::from_secs(300));
            !parcel.incidents.is_empty()
        })
        .await;
    assert_eq!(waits.state(), ShipmentState::Cancelling);
    assert_eq!(Outside::open_incidents(&waits), ["unknown"]);
}
