//! Parcels that wait too long, and who hears of it.

use std::time::Duration;

use proto::delivery::v1::{self as pb, LateKind, ShipmentState, TrackingStatus};
use testing::refusal;
use types::ShopId;

use crate::outside::Outside;
use crate::receive_carrier_webhook::{tell, told};

const HOUR: Duration = Duration::from_secs(3600);

async fn late(outside: &Outside, kind: LateKind) -> Vec<String> {
    let request = pb::ListLateShipmentsRequest { late_kind: kind.into(), ..Default::default() };
    let page = outside.yard.delivery().list_late_shipments(request).await.expect("lists").into_inner();
    page.late_shipments.into_iter().map(|late| late.shipment.expect("a parcel").shipment_id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_parcel_is_listed_and_somebody_hears_of_it() {
    let outside = Outside::parcel().await;
    let first = outside.booked().await;
    outside.wait(HOUR);
    let second = outside.booked().await;
    assert!(late(&outside, LateKind::NeverScanned).await.is_empty());

    outside.wait(48 * HOUR);
    let noticed = |parcel: &pb::Shipment| Outside::open_incidents(parcel) == ["never_scanned"];
    outside.until(&first.shipment_id, "the first is noticed", noticed).await;
    let noticed = outside.until(&second.shipment_id, "the second is noticed", noticed).await;
    assert_eq!(
        late(&outside, LateKind::NeverScanned).await,
        [first.shipment_id.clone(), second.shipment_id.clone()]
    );

    let one = pb::ListLateShipmentsRequest {
        late_kind: LateKind::NeverScanned.into(),
        hours_min: 49,
        shop_id: outside.yard.shop.to_string(),
        page_size: 1,
        ..Default::default()
    };
    let page = outside.yard.delivery().list_late_shipments(one).await.expect("lists").into_inner();
    assert_eq!(page.late_shipments[0].since_time, first.book_time);
    let mut stranger = outside.yard.partner_of(ShopId::new());
    let all = pb::ListLateShipmentsRequest { late_kind: LateKind::NeverScanned.into(), ..Default::default() };
    assert!(stranger.list_late_shipments(all).await.expect("lists").into_inner().late_shipments.is_empty());

    // Once, not every time somebody looks.
    outside.wait(48 * HOUR);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(
        outside.get(&second.shipment_id).await.incidents[0].occurrences,
        noticed.incidents[0].occurrences
    );

    outside.carriers.advance(&first.tracking_number);
    let seen = outside
        .until(&first.shipment_id, "it is scanned", |parcel| Outside::open_incidents(parcel).is_empty())
        .await;
    assert_ne!(seen.status(), TrackingStatus::Pending);
    assert_eq!(late(&outside, LateKind::NeverScanned).await, [second.shipment_id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn parcels_that_stand_still_or_lie_or_owe_are_listed() {
    let outside = Outside::parcel().await;
    let stuck = outside.booked().await;
    tell(&outside, &told(&stuck, "s-1", "300", 1)).await;
    let stored = outside.booked().await;
    tell(&outside, &told(&stored, "l-1", "400", 1)).await;
    let owing = outside.booked().await;
    tell(&outside, &told(&owing, "o-1", "610", 1)).await;
    for parcel in [&stuck, &stored, &owing] {
        outside.until(&parcel.shipment_id, "it is noted", |parcel| !parcel.events.is_empty()).await;
    }

    outside.wait(121 * HOUR);
    let is = |reason: &'static str| move |parcel: &pb::Shipment| Outside::open_incidents(parcel) == [reason];
    outside.until(&stuck.shipment_id, "no movement is noticed", is("no_movement")).await;
    outside.until(&stored.shipment_id, "the end of storage is noticed", is("storage_expiring")).await;
    assert_eq!(late(&outside, LateKind::NoMovement).await, std::slice::from_ref(&stuck.shipment_id));
    assert_eq!(late(&outside, LateKind::Stored).await, std::slice::from_ref(&stored.shipment_id));
    assert!(late(&outside, LateKind::CashOverdue).await.is_empty());

    outside.wait(48 * HOUR);
    outside.until(&owing.shipment_id, "missing cash is noticed", is("payment_failed")).await;
    assert_eq!(late(&outside, LateKind::CashOverdue).await, [owing.shipment_id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_booked_is_listed() {
    let outside = Outside::parcel().await;
    let mut wish = outside.wish();
    wish.address = None;
    let parcel = outside.book_wish(&wish).await;
    let failed = outside.until_state(&parcel, ShipmentState::BookingFailed).await;
    assert_eq!(Outside::open_incidents(&failed), ["data_invalid address.city"]);
    outside.wait(2 * HOUR);
    assert_eq!(late(&outside, LateKind::NotBooked).await, [parcel.shipment_id]);
    let nothing = pb::ListLateShipmentsRequest { hours_min: -1, ..Default::default() };
    let refused = refusal(outside.yard.delivery().list_late_shipments(nothing).await);
    assert_eq!(refused.fields, ["late_kind", "hours_min"]);
}
