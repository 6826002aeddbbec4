//! What only Nova Poshta does: errors with status 200, waybills that were never made, prices as text for people, a hundred parcels
//! a question, cash that is told of by the last code only.

use std::time::Duration;

use proto::delivery::v1::{self as pb, CarrierKind, ShipmentState, TrackingStatus};
use simulators::{Effect, Fault, Script};

use crate::money;
use crate::outside::Outside;

#[tokio::test(flavor = "multi_thread")]
async fn an_error_with_status_200_is_no_waybill() {
    let outside = Outside::open(CarrierKind::NovaPoshta).await;
    outside.carriers.faults("nova_poshta").next_on("save", Fault::Http200Error);
    let parcel = outside.book().await;
    outside
        .until(&parcel.shipment_id, "the carrier was asked", |parcel| {
            assert_eq!(parcel.tracking_number, "");
            outside.carriers.faults("nova_poshta").struck(Fault::Http200Error) == 1
        })
        .await;
    assert_eq!(outside.waybills(&parcel), (0, 0));

    outside.wait(Duration::from_secs(61));
    outside.until_state(&parcel, ShipmentState::Booked).await;
    assert_eq!(outside.waybills(&parcel), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_as_text_is_not_guessed() {
    // Every price as text; only the second one, which is that of the cash.
    for (skip, calls) in [(0, u32::MAX), (1, 1)] {
        let outside = Outside::open(CarrierKind::NovaPoshta).await;
        let script = Script { fault: Fault::MoneyAsText, operation: None, skip, calls };
        outside.carriers.faults("nova_poshta").script(script);
        let wish = outside.wish();
        let request = pb::QuoteDeliveryRequest {
            shop_id: outside.yard.shop.to_string(),
            address: wish.address.clone(),
            goods_total: wish.goods_total.clone(),
            weight_grams: wish.weight_grams,
            cash_on_delivery: true,
            ..Default::default()
        };
        let quoted = outside.yard.delivery().quote_delivery(request).await.expect("quotes").into_inner();
        assert!(outside.carriers.faults("nova_poshta").struck(Fault::MoneyAsText) > 0);
        let [option] = quoted.options.as_slice() else { panic!("{:?}", quoted.options) };
        assert_eq!((option.estimate, &option.price), (true, &Some(money("70.00", "UAH"))), "{skip}");
        assert_eq!(outside.plan(&wish).await.price, option.price);
    }
}

/// Lets the carrier's answers be counted: each of `operation` is struck by a fault that does nothing.
fn count(outside: &Outside, operation: &str) {
    let every =
        Script { fault: Fault::Slow, operation: Some(operation.to_owned()), skip: 0, calls: u32::MAX };
    outside.carriers.faults("nova_poshta").slow(Duration::ZERO).script(every);
}

fn counted(outside: &Outside) -> u64 {
    outside.carriers.faults("nova_poshta").struck(Fault::Slow)
}

/// Waits until the carrier was asked so often again where the parcels are.
async fn until_asked_again(outside: &Outside, parcel: &pb::Shipment, times: u64) -> pb::Shipment {
    let before = counted(outside);
    outside
        .until(&parcel.shipment_id, "it is asked again", |_| {
            outside.wait(Duration::from_secs(2 * 3600));
            counted(outside) >= before + times
        })
        .await
}

/// One more than the carrier takes: it refuses to say anything of a hundred and one.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_and_one_parcels_are_asked_about_in_two_questions() {
    const PARCELS: i64 = 101;
    let outside = Outside::open(CarrierKind::NovaPoshta).await;
    let mut parcels = Vec::new();
    for _ in 0..PARCELS {
        parcels.push(outside.book().await);
    }
    outside.until_count("all are booked", "shipments", "state = 'booked'", PARCELS).await;
    count(&outside, "getStatusDocuments");
    for parcel in &parcels {
        outside.carriers.advance(&outside.get(&parcel.shipment_id).await.tracking_number);
    }

    outside.wait(Duration::from_secs(3600));
    outside.until_count("all have left", "shipments", "status = 'in_transit'", PARCELS).await;

    assert_eq!(counted(&outside), 2);
    assert_eq!(outside.carriers.ledger("nova_poshta").total_count(Effect::WaybillCreated), 101);
}

/// The carrier gives a number and knows of nothing: it has no label of it and never scans it.
#[tokio::test(flavor = "multi_thread")]
async fn a_waybill_that_was_never_made_is_somebodys_task() {
    let outside = Outside::open(CarrierKind::NovaPoshta).await;
    outside.carriers.faults("nova_poshta").next_on("save", Fault::SilentIgnore);
    let parcel = outside.book().await;
    let booked = outside.until_state(&parcel, ShipmentState::Booked).await;
    assert!(!booked.tracking_number.is_empty());
    assert_eq!(outside.waybills(&parcel), (0, 0));

    count(&outside, "getStatusDocuments");
    outside.wait(Duration::from_secs(47 * 3600));
    let waits = outside.until(&parcel.shipment_id, "the carrier was asked", |_| counted(&outside) > 0).await;
    assert!(waits.incidents.is_empty(), "not found is nothing to go by at first: {:?}", waits.incidents);

    outside.wait(Duration::from_secs(3600));
    let noticed =
        outside.until(&parcel.shipment_id, "somebody is told", |parcel| !parcel.incidents.is_empty()).await;
    assert_eq!(Outside::open_incidents(&noticed), ["never_scanned"]);
    assert_eq!((noticed.status(), noticed.has_label), (TrackingStatus::Pending, false));
    let events = outside.yard.events_of(&parcel.shipment_id).await;
    assert_eq!(events, ["2 ShipmentBooked"], "nothing is told that did not happen");
}

/// 10: received, the cash is being sent. 11: the cash was paid out.
#[tokio::test(flavor = "multi_thread")]
async fn cash_is_asked_for_to_the_kopiyka_and_received_once() {
    let outside = Outside::open(CarrierKind::NovaPoshta).await;
    let mut wish = outside.wish();
    wish.cash_on_delivery_amount = Some(money("500.05", "UAH"));
    let parcel = outside.book_wish(&wish).await;
    let parcel = outside.until(&parcel.shipment_id, "it is booked", |parcel| parcel.has_label).await;
    count(&outside, "getStatusDocuments");

    outside.carriers.advance_to(&parcel.tracking_number, "10");
    let sent = until_asked_again(&outside, &parcel, 1).await;
    let sent =
        outside.until(&sent.shipment_id, "the cash is taken", |parcel| parcel.cash_collected.is_some()).await;
    assert_eq!(
        outside.carriers.ledger("nova_poshta").sum(Effect::CashCollected, &parcel.shipment_id),
        50_005
    );
    assert_eq!((sent.status(), &sent.cash_received), (TrackingStatus::Delivered, &None));
    assert_eq!(sent.cash_collected, Some(money("500.05", "UAH")));

    outside.carriers.advance_to(&parcel.tracking_number, "11");
    outside.wait(Duration::from_secs(2 * 3600));
    let paid =
        outside.until(&parcel.shipment_id, "the cash came", |parcel| parcel.cash_received.is_some()).await;
    assert_eq!(paid.cash_received, Some(money("500.05", "UAH")));
    let events = outside.yard.events_of(&parcel.shipment_id).await;
    assert_eq!(events, ["2 ShipmentBooked", "3 ShipmentTracked", "4 CashOnDeliveryReceived"]);
}

/// What counts is what the carrier says, and saying it again is no more cash.
#[tokio::test(flavor = "multi_thread")]
async fn cash_is_what_the_carrier_says_however_often_it_says_so() {
    let outside = Outside::open(CarrierKind::NovaPoshta).await;
    let parcel = outside.booked().await;
    assert_eq!(parcel.cash_on_delivery_amount, Some(money("1110.00", "UAH")));
    let client = outside.yard.world.database("delivery").client().await;
    client.execute("UPDATE shipments SET cash_expected = 120000", &[]).await.expect("more is expected");
    count(&outside, "getStatusDocuments");

    outside.carriers.advance_to(&parcel.tracking_number, "11");
    until_asked_again(&outside, &parcel, 1).await;
    // As the rest is missing, it is asked again and again.
    until_asked_again(&outside, &parcel, 3).await;

    let paid = outside.get(&parcel.shipment_id).await;
    assert_eq!(
        (&paid.cash_received, &paid.cash_collected),
        (&Some(money("1110.00", "UAH")), &paid.cash_received)
    );
    let events = outside.yard.events_of(&parcel.shipment_id).await;
    let received = events.iter().filter(|event| event.ends_with("CashOnDeliveryReceived")).count();
    assert_eq!(received, 1, "{events:?}");
    let transfers = client.query_one("SELECT count(*), sum(amount)::bigint FROM cash_transfers", &[]).await;
    let transfers = transfers.expect("sums");
    assert_eq!((transfers.get::<_, i64>(0), transfers.get::<_, i64>(1)), (1, 111_000));
}
