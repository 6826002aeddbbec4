//! Adding an account with a carrier.

use proto::delivery::v1::{self as pb, CarrierKind};
use simulators::{Fault, Simulators};
use testing::{World, refusal};
use tonic::Code;
use types::{ShipmentId, ShopId};

use crate::outside::{API_KEY, account, create};
use crate::{Answer, Yard};

async fn add(yard: &Yard, account: pb::CarrierAccount) -> Answer<pb::CarrierAccount> {
    let idempotency_key = ShipmentId::new().to_string();
    let request = pb::CreateCarrierAccountRequest { carrier_account: Some(account), idempotency_key };
    yard.delivery().create_carrier_account(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_sealed_and_never_shown() {
    let yard = Yard::open().await;
    let made = create(&yard, account(CarrierKind::Parcel, "http://carrier.example/", "")).await;

    assert_eq!(made.base_url, "http://carrier.example");
    assert!(made.carrier_account_id.starts_with("cac_") && made.enabled);
    assert!(made.credentials.is_empty());
    let client = yard.world.database("delivery").client().await;
    let row = "SELECT encode(credentials, 'escape') || (SELECT string_agg(changes::text, '') FROM audit_log)
               || coalesce((SELECT string_agg(encode(response, 'escape'), '') FROM idempotency_keys), '')
               FROM carrier_accounts";
    let stored: String = client.query_one(row, &[]).await.expect("looks").get(0);
    assert!(!stored.contains(API_KEY), "the key is somewhere in clear");
    assert_eq!(yard.history_of(&made.carrier_account_id).await, ["delivery.create_carrier_account"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_named() {
    let yard = Yard::open().await;
    let refused =
        refusal(yard.delivery().create_carrier_account(pb::CreateCarrierAccountRequest::default()).await);
    assert_eq!(refused.fields, ["idempotency_key", "carrier_account"]);

    let mut wrong = account(CarrierKind::Cdek, "ftp://user@carrier.example", "");
    wrong.credentials.remove("client_secret");
    wrong.credentials.insert("password".to_owned(), "1".to_owned());
    wrong.settings.remove("sender_name");
    wrong.webhook_url = "https://shop.example/hook?token=1".to_owned();
    let refused = refusal(add(&yard, wrong).await);
    assert_eq!(refused.code, Code::InvalidArgument);
    assert_eq!(
        refused.fields,
        [
            "carrier_account.base_url",
            "carrier_account.credentials",
            "carrier_account.credentials[client_secret]",
            "carrier_account.settings[sender_name]",
            "carrier_account.webhook_url",
        ]
    );

    let unspecified = pb::CarrierAccount { kind: 0, ..account(CarrierKind::Parcel, "http://a.example", "") };
    assert_eq!(refusal(add(&yard, unspecified).await).fields, ["carrier_account.kind"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_adds_accounts_of_its_own_shops_only() {
    let yard = Yard::open().await;
    let caller = World::partner(&[yard.shop], &["delivery.write"]);
    let channel = yard.world.channel_as("delivery", caller);
    let mut partner = proto::delivery::v1::delivery_service_client::DeliveryServiceClient::new(channel);
    let request = |shop: &str| pb::CreateCarrierAccountRequest {
        carrier_account: Some(pb::CarrierAccount {
            shop_id: shop.to_owned(),
            ..account(CarrierKind::Parcel, "http://a.example", "")
        }),
        idempotency_key: ShipmentId::new().to_string(),
    };
    let refused = refusal(partner.create_carrier_account(request("")).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::PermissionDenied, "ORGANIZATION_WIDE"));
    let refused = refusal(partner.create_carrier_account(request(&ShopId::new().to_string())).await);
    assert_eq!(refused.reason, "SHOP_NOT_FOUND");
    partner.create_carrier_account(request(&yard.shop.to_string())).await.expect("its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_leads_to_no_network_of_ours() {
    let yard = Yard::behind_walls().await;
    for base_url in [
        "https://127.0.0.1:8099/parcel",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://192.168.0.7",
        "https://localhost/",
        "https://2130706433/",
        "http://carrier.example/",
    ] {
        let refused = refusal(add(&yard, account(CarrierKind::Parcel, base_url, "")).await);
        assert_eq!(refused.fields, ["carrier_account.base_url"], "{base_url}");
    }
    let labels_inside = account(CarrierKind::NovaPoshta, "https://carrier.example/", "https://10.0.0.1");
    let refused = refusal(add(&yard, labels_inside).await);
    assert_eq!(refused.fields, ["carrier_account.settings[print_url]"]);

    let parcel = account(CarrierKind::Parcel, "https://carrier.example/", "");
    let mut made = create(&yard, parcel.clone()).await;
    (made.base_url, made.credentials) = ("https://[::1]/".to_owned(), parcel.credentials);
    let update_mask = Some(prost_types::FieldMask { paths: vec!["base_url".to_owned()] });
    let request = pb::UpdateCarrierAccountRequest { carrier_account: Some(made), update_mask };
    let told = yard.delivery().update_carrier_account(request).await.expect_err("is refused");
    assert!(told.message().contains("outbound.allowed_networks"), "{}", told.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_leads_to_later_is_looked_at_when_it_is_called() {
    let (yard, carriers) = (Yard::behind_walls().await, Simulators::start().await);
    let made = create(&yard, account(CarrierKind::Parcel, "https://carrier.example/", "")).await;
    // As a name does that leads elsewhere now.
    let client = yard.world.database("delivery").client().await;
    let url = carriers.url("parcel").replace("127.0.0.1", "localhost");
    client.execute("UPDATE carrier_accounts SET base_url = $1", &[&url]).await.expect("moves");
    carriers.faults("parcel").probability(Fault::Unavailable, 1.0);

    let request = pb::ListPickupPointsRequest {
        carrier_account_id: made.carrier_account_id,
        city: "Київ".to_owned(),
        ..Default::default()
    };
    let refused = refusal(yard.delivery().list_pickup_points(request).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Unavailable, "CARRIER_UNAVAILABLE"));
    assert_eq!(carriers.faults("parcel").struck(Fault::Unavailable), 0, "it was never asked");
}
