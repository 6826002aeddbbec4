//! Adding an account with a carrier.

use proto::delivery::v1::{self as pb, CarrierKind};
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
