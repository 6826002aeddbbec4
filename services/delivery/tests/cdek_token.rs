//! The token of CDEK: it ends, is replaced once, and by one for all.

use std::time::Duration;

use proto::delivery::v1::{self as pb, CarrierKind, ShipmentState};
use simulators::{Fault, Script};
use types::ShipmentId;

use crate::outside::Outside;

const LIFE: Duration = Duration::from_secs(3_600);

/// An account whose questions for tokens are counted: each is answered a little later than at once.
async fn counted() -> Outside {
    let outside = Outside::open(CarrierKind::Cdek).await;
    let every_token =
        Script { fault: Fault::Slow, operation: Some("token".to_owned()), skip: 0, calls: u32::MAX };
    outside.carriers.faults("cdek").slow(Duration::from_millis(100)).script(every_token);
    outside
}

fn tokens(outside: &Outside) -> u64 {
    outside.carriers.faults("cdek").struck(Fault::Slow)
}

async fn pickup_points(outside: &Outside, city: &str) -> usize {
    let request = pb::ListPickupPointsRequest {
        carrier_account_id: outside.account.carrier_account_id.clone(),
        city: city.to_owned(),
        ..Default::default()
    };
    let found = outside.yard.delivery().list_pickup_points(request).await.expect("lists").into_inner();
    found.pickup_points.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_serves_until_it_ends_and_is_replaced_before() {
    let outside = counted().await;
    outside.booked().await;
    pickup_points(&outside, "Москва").await;
    assert_eq!(tokens(&outside), 1, "one token serves all");

    outside.wait(LIFE);
    outside.booked().await;
    assert_eq!(tokens(&outside), 2, "by our clock it has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ended_before_its_time_is_replaced_once() {
    let outside = counted().await;
    outside.booked().await;
    // By the carrier's clock only.
    outside.carriers.advance_clock(LIFE * 2);
    let parcel = outside.booked().await;
    assert_eq!(tokens(&outside), 2);
    assert_eq!(outside.waybills(&parcel), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_never_taken_are_not_asked_for_without_end() {
    let outside = counted().await;
    outside.carriers.faults("cdek").probability(Fault::TokenExpired, 1.0);
    let parcel = outside.book().await;
    outside
        .until(&parcel.shipment_id, "the carrier refuses its own token", |_| {
            outside.carriers.faults("cdek").struck(Fault::TokenExpired) >= 2
        })
        .await;
    let asked = tokens(&outside);
    assert_eq!(asked, 2, "the first, and one in its place");

    outside.wait(Duration::from_secs(61));
    outside
        .until(&parcel.shipment_id, "it is tried again", |parcel| {
            assert_eq!(parcel.state(), ShipmentState::Booking);
            outside.carriers.faults("cdek").struck(Fault::TokenExpired) >= 4
        })
        .await;
    outside.carriers.faults("cdek").probability(Fault::TokenExpired, 0.0);
    outside.wait(Duration::from_secs(61));
    outside.until_state(&parcel, ShipmentState::Booked).await;
    assert_eq!(outside.waybills(&parcel), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_renew_it_once() {
    let outside = counted().await;
    outside.booked().await;
    let plans = {
        let mut plans = Vec::new();
        for _ in 0..6 {
            plans.push(outside.plan(&outside.wish()).await);
        }
        plans
    };
    outside.carriers.advance_clock(LIFE * 2);

    let cities = ["Москва", "Казань", "Томск", "Омск"].map(|city| pickup_points(&outside, city));
    let booked = plans.iter().map(|plan| outside.yard.book(plan, ShipmentId::new()));
    let (parcels, _) = futures_util::future::join(
        futures_util::future::join_all(booked),
        futures_util::future::join_all(cities),
    )
    .await;
    for parcel in parcels {
        let parcel = parcel.expect("books").into_inner();
        outside.until_state(&parcel, ShipmentState::Booked).await;
        assert_eq!(outside.waybills(&parcel), (1, 1));
    }
    assert_eq!(tokens(&outside), 2, "ten callers, one new token");
}
