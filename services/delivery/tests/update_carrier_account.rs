//! Changing an account with a carrier.

use proto::delivery::v1::{self as pb, CarrierKind, ShipmentState};
use testing::refusal;
use tonic::Code;
use types::{CarrierAccountId, ShipmentId};

use crate::outside::{Outside, account, create, method};
use crate::{Answer, Yard};

async fn update(yard: &Yard, account: pb::CarrierAccount, paths: &[&str]) -> Answer<pb::CarrierAccount> {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    let update_mask = Some(prost_types::FieldMask { paths });
    let request = pb::UpdateCarrierAccountRequest { carrier_account: Some(account), update_mask };
    yard.delivery().update_carrier_account(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_credential_is_changed_and_the_other_kept() {
    let outside = Outside::parcel().await;
    let wrong = pb::CarrierAccount {
        credentials: [("api_key".to_owned(), "revoked key".to_owned())].into(),
        ..outside.account.clone()
    };
    let changed = update(&outside.yard, wrong, &["credentials"]).await.expect("changes").into_inner();
    assert_eq!((changed.etag.as_str(), changed.credentials.len()), ("2", 0));
    let parcel = outside.book().await;
    outside.wait(std::time::Duration::from_secs(5));
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert_eq!(outside.get(&parcel.shipment_id).await.state(), ShipmentState::Booking);

    let right = pb::CarrierAccount {
        credentials: [("api_key".to_owned(), crate::outside::API_KEY.to_owned())].into(),
        ..outside.account.clone()
    };
    let right = pb::CarrierAccount { etag: changed.etag, ..right };
    update(&outside.yard, right, &["credentials"]).await.expect("changes back");
    outside.wait(std::time::Duration::from_secs(120));
    outside.until_state(&parcel, ShipmentState::Booked).await;
    // The secret of webhooks was not named and is still there.
    outside.listen().await;
    outside.carriers.advance(&parcel_number(&outside, &parcel).await);
    outside.until(&parcel.shipment_id, "its webhook is genuine", |parcel| !parcel.events.is_empty()).await;
}

async fn parcel_number(outside: &Outside, parcel: &pb::Shipment) -> String {
    outside.get(&parcel.shipment_id).await.tracking_number
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_books_nothing_new() {
    let outside = Outside::parcel().await;
    let disabled = pb::CarrierAccount { enabled: false, ..outside.account.clone() };
    update(&outside.yard, disabled, &["enabled"]).await.expect("disables");
    let parcel = outside.book().await;
    let failed = outside.until_state(&parcel, ShipmentState::BookingFailed).await;
    assert_eq!(Outside::open_incidents(&failed), ["data_invalid carrier_account_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_changed_is_refused() {
    let yard = Yard::open().await;
    let made = create(&yard, account(CarrierKind::Parcel, "http://a.example", "")).await;
    let stale = pb::CarrierAccount { etag: "7".to_owned(), ..made.clone() };
    let refused = refusal(update(&yard, stale, &["name"]).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    assert_eq!(refusal(update(&yard, made.clone(), &["kind"]).await).fields, ["update_mask"]);
    let nameless = pb::CarrierAccount { name: " ".to_owned(), ..made.clone() };
    assert_eq!(refusal(update(&yard, nameless, &["name"]).await).fields, ["carrier_account.name"]);
    let absent =
        pb::CarrierAccount { carrier_account_id: CarrierAccountId::new().to_string(), ..made.clone() };
    let refused = refusal(update(&yard, absent, &["name"]).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "CARRIER_ACCOUNT_NOT_FOUND"));
    // Nothing new is no change.
    let same = update(&yard, made.clone(), &["name", "enabled"]).await.expect("the same").into_inner();
    assert_eq!(same, made);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_needs_an_account_of_its_shop() {
    let yard = Yard::open().await;
    let other = types::ShopId::new().to_string();
    let own = pb::CarrierAccount { shop_id: other, ..account(CarrierKind::Parcel, "http://a.example", "") };
    let own = create(&yard, own).await;
    let add = async |method: pb::DeliveryMethod| {
        let idempotency_key = ShipmentId::new().to_string();
        let request = pb::CreateDeliveryMethodRequest { delivery_method: Some(method), idempotency_key };
        yard.delivery().create_delivery_method(request).await
    };
    let wanted = method(&own, "standard");
    let refused = refusal(add(wanted.clone()).await);
    assert_eq!(refused.reason, "CARRIER_ACCOUNT_NOT_FOUND");
    let without =
        pb::DeliveryMethod { carrier_account_id: String::new(), carrier_service: String::new(), ..wanted };
    let fields = ["delivery_method.carrier_account_id", "delivery_method.carrier_service"];
    assert_eq!(refusal(add(without).await).fields, fields);
    let mut courier = crate::courier("Courier", vec![crate::tariff("1.00", "UAH")]);
    courier.carrier_service = "standard".to_owned();
    assert_eq!(refusal(add(courier).await).fields, ["delivery_method.carrier_service"]);
}
