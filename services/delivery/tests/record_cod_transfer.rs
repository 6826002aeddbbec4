//! Cash that carriers collect for the shop.

use proto::delivery::v1::{self as pb, TrackingStatus};
use testing::refusal;
use tonic::Code;
use types::ShipmentId;

use crate::outside::Outside;
use crate::{Answer, money};

async fn record(outside: &Outside, parcel: &pb::Shipment, amount: &str) -> Answer<pb::Shipment> {
    let request = pb::RecordCodTransferRequest {
        shipment_id: parcel.shipment_id.clone(),
        amount: Some(money(amount, "UAH")),
        document: "register 7".to_owned(),
        idempotency_key: ShipmentId::new().to_string(),
        ..Default::default()
    };
    outside.yard.delivery().record_cod_transfer(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_expected_is_received_in_parts_and_not_exceeded() {
    let outside = Outside::parcel().await;
    let parcel = outside.booked().await;
    // The goods and the delivery.
    assert_eq!(parcel.cash_on_delivery_amount, Some(money("1110.00", "UAH")));
    let half = record(&outside, &parcel, "1000.00").await.expect("records").into_inner();
    assert_eq!(half.cash_received, Some(money("1000.00", "UAH")));
    let refused = refusal(record(&outside, &parcel, "110.01").await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "CASH_MISMATCH"));
    let whole = record(&outside, &parcel, "110.00").await.expect("records").into_inner();
    assert_eq!(whole.cash_received, whole.cash_on_delivery_amount);
    let events = outside.yard.events_of(&parcel.shipment_id).await;
    assert_eq!(events, ["2 ShipmentBooked", "3 CashOnDeliveryReceived", "4 CashOnDeliveryReceived"]);
    let client = outside.yard.world.database("delivery").client().await;
    let sum = "SELECT sum(amount)::bigint FROM cash_transfers";
    assert_eq!(client.query_one(sum, &[]).await.expect("sums").get::<_, i64>(0), 111_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_sum_is_expected_and_none_without_cash() {
    let outside = Outside::parcel().await;
    let mut wish = outside.wish();
    wish.cash_on_delivery_amount = Some(money("500.00", "UAH"));
    let parcel = outside.book_wish(&wish).await;
    assert_eq!(parcel.cash_on_delivery_amount, Some(money("500.00", "UAH")));

    let mut wish = outside.wish();
    wish.cash_on_delivery = false;
    let parcel = outside.book_wish(&wish).await;
    assert_eq!(parcel.cash_on_delivery_amount, None);
    assert_eq!(refusal(record(&outside, &parcel, "1.00").await).reason, "NO_CASH_ON_DELIVERY");
    assert_eq!(refusal(record(&outside, &parcel, "0.00").await).fields, ["amount.amount"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_carrier_says_what_it_collected_and_passed_on() {
    let outside = Outside::parcel().await;
    let parcel = outside.booked().await;
    outside.carriers.advance_to(&parcel.tracking_number, "610");
    outside.wait(std::time::Duration::from_secs(3 * 3600));
    let taken = outside
        .until(&parcel.shipment_id, "the cash is taken", |parcel| parcel.cash_collected.is_some())
        .await;
    assert_eq!((taken.status(), taken.cash_received.clone()), (TrackingStatus::Delivered, None));
    assert_eq!(taken.cash_collected, parcel.cash_on_delivery_amount);
    outside.carriers.advance_to(&parcel.tracking_number, "620");
    outside.wait(std::time::Duration::from_secs(3 * 3600));
    let paid =
        outside.until(&parcel.shipment_id, "the cash came", |parcel| parcel.cash_received.is_some()).await;
    assert_eq!(paid.cash_received, parcel.cash_on_delivery_amount);
}
