//! Accounts at payment providers.

use proto::payments::v1::payment_service_client::PaymentServiceClient;
use proto::payments::v1::{
    self as pb, CaptureMode, CreatePaymentAccountRequest, ListPaymentAccountsRequest, PaymentState,
    ProviderKind, UpdatePaymentAccountRequest,
};
use rpc::BoundChannel;
use simulators::Simulators;
use testing::{World, refusal};
use tonic::Code;
use types::ShopId;

use crate::Till;
use crate::card_shop::{CardShop, map};

fn account(till: &Till) -> pb::PaymentAccount {
    pb::PaymentAccount {
        shop_id: till.shop.to_string(),
        kind: ProviderKind::Stripe.into(),
        name: "Main".to_owned(),
        base_url: "https://api.stripe.com".to_owned(),
        credentials: map(&[("secret_key", "sk_live_1"), ("webhook_secret", "whsec_1")]),
        capture_mode: CaptureMode::Manual.into(),
        priority: 5,
        enabled: true,
        currency_codes: vec!["EUR".to_owned()],
        ..Default::default()
    }
}

async fn create(
    till: &Till,
    account: pb::PaymentAccount,
    key: &str,
) -> Result<pb::PaymentAccount, tonic::Status> {
    let request =
        CreatePaymentAccountRequest { payment_account: Some(account), idempotency_key: key.to_owned() };
    till.payments().create_payment_account(request).await.map(tonic::Response::into_inner)
}

fn update(account: pb::PaymentAccount, fields: &[&str]) -> UpdatePaymentAccountRequest {
    let paths = fields.iter().map(|field| (*field).to_owned()).collect();
    UpdatePaymentAccountRequest {
        payment_account: Some(account),
        update_mask: Some(prost_types::FieldMask { paths }),
    }
}

fn partner(till: &Till, shop: ShopId) -> PaymentServiceClient<BoundChannel> {
    let caller = World::partner(&[shop], &["payments.accounts"]);
    PaymentServiceClient::new(till.world.channel_as("payments", caller))
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_go_in_and_never_come_out() {
    let till = Till::open().await;
    let made = create(&till, account(&till), "k").await.expect("creates");
    assert!(made.credentials.is_empty());
    assert_eq!(made.credential_names, ["secret_key", "webhook_secret"]);
    assert_eq!(create(&till, account(&till), "k").await.expect("replays"), made);

    let listed = till.payments().list_payment_accounts(ListPaymentAccountsRequest::default()).await;
    assert_eq!(listed.expect("lists").into_inner().payment_accounts, std::slice::from_ref(&made));
    let client = till.world.database("payments").client().await;
    let everything =
        "SELECT string_agg(t::text, ' ') || (SELECT string_agg(a::text, ' ') FROM audit_log AS a)
                      || (SELECT string_agg(encode(response, 'escape'), ' ') FROM idempotency_keys)
                      FROM payment_accounts AS t";
    let text: String = client.query_one(everything, &[]).await.expect("looks").get(0);
    assert!(!text.contains("sk_live_1") && !text.contains("whsec_1"));
    assert_eq!(till.history_of(&made.provider_account_id).await, ["payments.create_payment_account"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_mask_names_changes() {
    let till = Till::open().await;
    let made = create(&till, account(&till), "k").await.expect("creates");
    let wanted = pb::PaymentAccount {
        name: "Spare".to_owned(),
        priority: 9,
        enabled: false,
        currency_codes: Vec::new(),
        ..made.clone()
    };
    let changed = till.payments().update_payment_account(update(wanted, &["name", "enabled"])).await;
    let changed = changed.expect("updates").into_inner();
    assert_eq!((changed.name.as_str(), changed.enabled, changed.priority), ("Spare", false, 5));
    assert_eq!((changed.currency_codes.len(), changed.etag.as_str()), (1, "2"));

    let stale = pb::PaymentAccount { name: "Late".to_owned(), ..made.clone() };
    let refused = refusal(till.payments().update_payment_account(update(stale, &["name"])).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    let same = till.payments().update_payment_account(update(changed.clone(), &["name"])).await;
    assert_eq!(same.expect("nothing to do").into_inner(), changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_replaces_one_and_keeps_the_others() {
    let shop = CardShop::taking().await;
    let wrong = pb::PaymentAccount { credentials: map(&[("api_key", "")]), ..shop.account.clone() };
    let refused = refusal(shop.payments().update_payment_account(update(wrong, &["credentials"])).await);
    assert_eq!(refused.fields, ["payment_account.credentials"]);
    let other = pb::PaymentAccount { credentials: map(&[("api_key", "key_second")]), ..shop.account.clone() };
    let changed = shop.payments().update_payment_account(update(other, &["credentials"])).await;
    assert_eq!(changed.expect("updates").into_inner().credential_names, ["api_key", "webhook_secret"]);
    assert_eq!(shop.paid("5.00", "EUR").await.state(), PaymentState::Succeeded);
    let history = shop.till.history_of(&shop.account.provider_account_id).await;
    assert_eq!(history[1..], ["payments.update_payment_account"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_account_answers_like_an_absent_one() {
    let till = Till::open().await;
    let made = create(&till, account(&till), "k").await.expect("creates");
    let mut stranger = partner(&till, ShopId::new());
    let listed = stranger.list_payment_accounts(ListPaymentAccountsRequest::default()).await;
    assert_eq!(listed.expect("lists").into_inner().payment_accounts.len(), 0);
    let refused = refusal(stranger.update_payment_account(update(made.clone(), &["name"])).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "PAYMENT_ACCOUNT_NOT_FOUND"));
    let request = CreatePaymentAccountRequest {
        payment_account: Some(account(&till)),
        idempotency_key: "x".to_owned(),
    };
    assert_eq!(refusal(stranger.create_payment_account(request).await).reason, "PAYMENT_ACCOUNT_NOT_FOUND");
    let wanted = ListPaymentAccountsRequest { shop_id: till.shop.to_string(), ..Default::default() };
    let own = partner(&till, till.shop).list_payment_accounts(wanted).await;
    assert_eq!(own.expect("lists").into_inner().payment_accounts.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_named() {
    let till = Till::open().await;
    let wrong = pb::PaymentAccount {
        shop_id: "x".to_owned(),
        kind: ProviderKind::Atol.into(),
        name: " ".to_owned(),
        base_url: "https://user:pass@host/".to_owned(),
        capture_mode: 9,
        currency_codes: vec!["EURO".to_owned()],
        credentials: map(&[("login", "l"), ("pin", "1")]),
        settings: map(&[("group_code", "g")]),
        ..account(&till)
    };
    let refused = refusal(
        till.payments()
            .create_payment_account(CreatePaymentAccountRequest {
                payment_account: Some(wrong),
                idempotency_key: "k".to_owned(),
            })
            .await,
    );
    let fields = [
        "shop_id",
        "name",
        "base_url",
        "capture_mode",
        "currency_codes[0]",
        "credentials",
        "credentials",
        "settings",
    ];
    assert_eq!(refused.fields, fields.map(|field| format!("payment_account.{field}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_leads_to_no_network_of_ours() {
    let till = Till::behind_walls().await;
    for base_url in [
        "https://127.0.0.1:8099/card",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.7",
        "https://localhost/",
        "https://2130706433/",
        "http://api.stripe.com",
    ] {
        let inside = pb::PaymentAccount { base_url: base_url.to_owned(), ..account(&till) };
        let refused = refusal(create(&till, inside, base_url).await.map(tonic::Response::new));
        assert_eq!(refused.fields, ["payment_account.base_url"], "{base_url}");
    }

    let made = create(&till, account(&till), "k").await.expect("creates");
    let credentials = map(&[("secret_key", "sk_live_2"), ("webhook_secret", "whsec_2")]);
    let moved = pb::PaymentAccount { base_url: "https://[::1]/".to_owned(), credentials, ..made };
    let refused = till.payments().update_payment_account(update(moved, &["base_url"])).await;
    let told = refused.expect_err("is refused").message().to_owned();
    assert!(told.contains("outbound.allowed_networks"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_leads_to_later_is_looked_at_when_it_is_called() {
    let (till, simulators) = (Till::behind_walls().await, Simulators::start().await);
    create(&till, account(&till), "k").await.expect("creates");
    // As a name does that leads elsewhere now.
    let client = till.world.database("payments").client().await;
    let url = simulators.url("stripe").replace("127.0.0.1", "localhost");
    client.execute("UPDATE payment_accounts SET base_url = $1", &[&url]).await.expect("moves");

    let bill = pb::OpenPaymentRequest { method: pb::PaymentMethod::Card.into(), ..till.bill("10.00", "EUR") };
    let payment = till.open_payment(&bill).await.expect("opens").into_inner();
    let confirmation = pb::ConfirmPaymentRequest {
        payment_id: payment.payment_id,
        payment_token: "pm_card_visa".to_owned(),
        idempotency_key: "k".to_owned(),
        ..Default::default()
    };
    let confirmed = till.payments().confirm_payment(confirmation).await.expect("answers").into_inner();

    assert_eq!(confirmed.state(), PaymentState::RequiresPayment);
    assert_eq!(confirmed.attempts[0].outcome(), pb::AttemptOutcome::Failed);
    assert_eq!(simulators.ledger("stripe").entries().len(), 0);
}
