//! What providers tell by webhook.

use std::time::Duration;

use proto::payments::v1::{
    self as pb, ListProviderNotificationsRequest, NotificationState, PaymentState,
    ReplayProviderNotificationRequest,
};
use simulators::Fault;
use testing::{eventually, refusal};
use tonic::Code;
use types::{PaymentAccountId, ProviderNotificationId, ShopId};

use crate::card_shop::{CardShop, WEBHOOK_SECRET};

/// A webhook of Korob's card contract, signed now.
fn signed(shop: &CardShop, body: &str, secret: &str) -> pb::ReceiveProviderWebhookRequest {
    use hmac::{Hmac, Mac};
    let time = shop.till.world.clock.now().timestamp();
    let mut mac = <Hmac<sha2::Sha256> as Mac>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(format!("{time}.{body}").as_bytes());
    let signature: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    pb::ReceiveProviderWebhookRequest {
        provider_account_id: shop.account.provider_account_id.clone(),
        headers: crate::card_shop::map(&[
            ("card-timestamp", &time.to_string()),
            ("card-signature", &format!("v1={signature}")),
        ]),
        body: body.as_bytes().to_vec(),
        peer_address: "127.0.0.1:5000".to_owned(),
    }
}

fn charge_event(event_id: &str, reference: &str, charge_id: &str) -> String {
    format!(
        r#"{{"event_id":"{event_id}","type":"charge.captured","create_time":"2026-11-22T00:00:00Z","refund":null,"charge":{{"charge_id":"{charge_id}","reference":"{reference}","status":"captured","amount_minor":1,"captured_minor":1,"currency":"EUR"}}}}"#
    )
}

pub async fn until_settled(shop: &CardShop, id: &str) -> pb::ProviderNotification {
    eventually("the notification is settled", || async {
        shop.till.world.clock.advance(Duration::from_secs(5));
        let all = shop.notifications().await;
        let found = all.into_iter().find(|told| told.notification_id == id).expect("is listed");
        found.apply_time.is_some().then_some(found)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_kept_once_however_often_it_comes() {
    let shop = CardShop::taking().await;
    shop.simulators.faults("card").probability(Fault::DropWebhook, 1.0);
    let paid = shop.paid("5.00", "EUR").await;
    let body = charge_event("evt_1", &paid.attempts[0].attempt_id, &paid.attempts[0].reference);
    let mut ids = Vec::new();
    for _ in 0..3 {
        let request = signed(&shop, &body, WEBHOOK_SECRET);
        ids.push(
            shop.payments()
                .receive_provider_webhook(request)
                .await
                .expect("keeps")
                .into_inner()
                .notification_id,
        );
    }
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]));
    let told = until_settled(&shop, &ids[0]).await;
    assert_eq!((told.state(), told.deliveries), (NotificationState::Applied, 3));
    assert_eq!(
        (told.payment_id.as_str(), told.r#type.as_str()),
        (paid.payment_id.as_str(), "charge.captured")
    );
    assert_eq!(shop.read(&paid).await, paid, "it was known already");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_proved_is_refused_and_not_kept() {
    let shop = CardShop::taking().await;
    let body = charge_event("evt_1", "att_x", "chg_x");
    let forged = signed(&shop, &body, "another secret");
    let tampered =
        pb::ReceiveProviderWebhookRequest { body: b"{}".to_vec(), ..signed(&shop, &body, WEBHOOK_SECRET) };
    let old = signed(&shop, &body, WEBHOOK_SECRET);
    for (what, request) in [("forged", forged), ("tampered", tampered)] {
        let refused = refusal(shop.payments().receive_provider_webhook(request).await);
        assert_eq!(
            (refused.code, refused.reason.as_str()),
            (Code::Unauthenticated, "INVALID_SIGNATURE"),
            "{what}"
        );
    }
    shop.till.world.clock.advance(Duration::from_secs(301));
    assert_eq!(refusal(shop.payments().receive_provider_webhook(old).await).reason, "INVALID_SIGNATURE");
    assert_eq!(shop.notifications().await, Vec::new());

    let nobody = pb::ReceiveProviderWebhookRequest {
        provider_account_id: PaymentAccountId::new().to_string(),
        ..signed(&shop, &body, WEBHOOK_SECRET)
    };
    assert_eq!(
        refusal(shop.payments().receive_provider_webhook(nobody).await).reason,
        "PAYMENT_ACCOUNT_NOT_FOUND"
    );
    let large = pb::ReceiveProviderWebhookRequest {
        body: vec![b'x'; (256 << 10) + 1],
        ..signed(&shop, &body, WEBHOOK_SECRET)
    };
    assert_eq!(refusal(shop.payments().receive_provider_webhook(large).await).fields, ["body"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lie_under_a_good_signature_changes_nothing() {
    let shop = CardShop::reserving().await;
    let reserved = shop.paid("5.00", "EUR").await;
    let lie = charge_event("evt_lie", &reserved.attempts[0].attempt_id, &reserved.attempts[0].reference);
    let kept = shop.payments().receive_provider_webhook(signed(&shop, &lie, WEBHOOK_SECRET)).await;
    let told = until_settled(&shop, &kept.expect("keeps").into_inner().notification_id).await;
    assert_eq!(told.state(), NotificationState::Applied);
    assert_eq!(shop.read(&reserved).await.state(), PaymentState::Authorized, "the provider was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_payment_stays_visible_and_can_be_replayed() {
    let shop = CardShop::taking().await;
    let body = charge_event("evt_1", "att_0192f0a1b2c3d4e5f60718293a4b5c6d", "chg_unknown");
    let kept = shop.payments().receive_provider_webhook(signed(&shop, &body, WEBHOOK_SECRET)).await;
    let id = kept.expect("keeps").into_inner().notification_id;
    let told = until_settled(&shop, &id).await;
    assert_eq!((told.state(), told.failure_code.as_str()), (NotificationState::Unmatched, "no_such_payment"));
    assert_eq!(told.provider_reference, "chg_unknown");

    let filter = ListProviderNotificationsRequest {
        state: NotificationState::Unmatched.into(),
        provider_account_id: shop.account.provider_account_id.clone(),
        ..Default::default()
    };
    let listed = shop.payments().list_provider_notifications(filter).await.expect("lists").into_inner();
    assert_eq!(listed.notifications.len(), 1);

    let request = ReplayProviderNotificationRequest { notification_id: id.clone() };
    let replayed = shop.payments().replay_provider_notification(request.clone()).await.expect("replays");
    assert_eq!(replayed.into_inner().state(), NotificationState::Pending);
    until_settled(&shop, &id).await;
    let history = shop.till.history_of(&id).await;
    assert_eq!(history, ["payments.receive_provider_webhook", "payments.replay_provider_notification"]);

    let foreign = rpc_partner(&shop, ShopId::new()).replay_provider_notification(request).await;
    assert_eq!(refusal(foreign).reason, "NOTIFICATION_NOT_FOUND");
    let absent =
        ReplayProviderNotificationRequest { notification_id: ProviderNotificationId::new().to_string() };
    let absent = shop.payments().replay_provider_notification(absent).await;
    assert_eq!(refusal(absent).reason, "NOTIFICATION_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_kept_and_said_to_be_so() {
    let shop = CardShop::taking().await;
    for (body, state) in [
        ("not json", NotificationState::Failed),
        (
            r#"{"event_id":"evt_9","type":"payout.made","charge":null,"refund":null}"#,
            NotificationState::Ignored,
        ),
    ] {
        let kept = shop.payments().receive_provider_webhook(signed(&shop, body, WEBHOOK_SECRET)).await;
        let told = until_settled(&shop, &kept.expect("keeps").into_inner().notification_id).await;
        assert_eq!(told.state(), state, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_shops_separate() {
    let shop = CardShop::taking().await;
    for at in 0..3 {
        let body = charge_event(&format!("evt_{at}"), "att_0192f0a1b2c3d4e5f60718293a4b5c6d", "chg_unknown");
        let request = signed(&shop, &body, WEBHOOK_SECRET);
        shop.payments().receive_provider_webhook(request).await.expect("keeps");
    }
    let first = ListProviderNotificationsRequest { page_size: 2, ..Default::default() };
    let page = shop.payments().list_provider_notifications(first.clone()).await.expect("lists").into_inner();
    assert_eq!(page.notifications.len(), 2);
    let next = ListProviderNotificationsRequest { page_token: page.next_page_token, ..first };
    let rest = shop.payments().list_provider_notifications(next).await.expect("lists").into_inner();
    assert_eq!((rest.notifications.len(), rest.next_page_token.as_str()), (1, ""));
    let foreign = ListProviderNotificationsRequest::default();
    let foreign = rpc_partner(&shop, ShopId::new()).list_provider_notifications(foreign).await;
    assert_eq!(foreign.expect("lists").into_inner().notifications.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_sealed_and_forgotten_one_day() {
    let shop = CardShop::taking().await;
    let body = charge_event("evt_1", "att_0192f0a1b2c3d4e5f60718293a4b5c6d", "chg_very_personal");
    shop.payments().receive_provider_webhook(signed(&shop, &body, WEBHOOK_SECRET)).await.expect("keeps");
    let client = shop.till.world.database("payments").client().await;
    let sql = "SELECT position('captured_minor'::bytea IN body_sealed) FROM provider_notifications";
    assert_eq!(client.query_one(sql, &[]).await.expect("looks").get::<_, i32>(0), 0);
}

fn rpc_partner(
    shop: &CardShop,
    of: ShopId,
) -> pb::payment_service_client::PaymentServiceClient<rpc::BoundChannel> {
    let caller = testing::World::partner(&[of], &["payments.accounts"]);
    pb::payment_service_client::PaymentServiceClient::new(shop.till.world.channel_as("payments", caller))
}
