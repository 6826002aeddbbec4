//! How webhooks are sent: signed, in order, at least once, and what becomes of those that are not taken.

use proto::access::v1::ApiKeyRevoked;
use proto::webhooks::v1 as pb;
use proto::webhooks::v1::WebhookDeliveryState::{Dead, Delivered, Pending};
use simulators::Mood;
use testing::{eventually, refusal};

use crate::desk::{Desk, key, versions_of};
use crate::logs::Fact;

const DAY: u64 = 86_400;

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told_signed_as_it_is_in_the_feed() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    desk.order_changes("ord_1", 1);

    let taken = desk.taken(1).await;

    let delivered = desk.wait_for(&endpoint, Delivered, 1).await.remove(0);
    assert_eq!((desk.partner.forged(), delivered.event_id.clone()), (0, taken[0].id.clone()));
    assert_eq!((taken[0].text("type"), taken[0].text("eventId")), ("order.changed", taken[0].id.as_str()));
    assert_eq!(taken[0].body["data"]["order"]["orderId"], "ord_1");
    assert!((taken[0].timestamp - desk.world.clock.now().timestamp()).abs() < 60);
    let request = pb::GetWebhookDeliveryRequest { delivery_id: delivered.delivery_id.clone() };
    let shown = desk.webhooks().get_webhook_delivery(request).await.unwrap().into_inner();
    assert_eq!(shown.event.unwrap().version, 1);
    assert_eq!((shown.attempts, shown.last_status_code, shown.last_failure.as_str()), (1, 204, ""));
    assert!(desk.look_at(&endpoint).await.last_success_time.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_hears_of_its_own_kinds_shops_and_time() {
    let desk = Desk::open().await;
    desk.order_changes("ord_before", 1);
    desk.endpoint().await;
    desk.order_changes_by("ord_foreign", 1, types::ShopId::new(), "service:orders");
    desk.order_changes("ord_1", 1);
    let taken = desk.taken(1).await;
    assert_eq!((taken.len(), taken[0].text("resourceId")), (1, "ord_1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_with_a_named_key_is_no_news_to_its_owner() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    let update = pb::UpdateWebhookEndpointRequest {
        webhook_endpoint: Some(pb::WebhookEndpoint {
            except_key_ids: vec![desk.key_id()],
            ..endpoint.clone()
        }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["except_key_ids".to_owned()] }),
    };
    desk.webhooks().update_webhook_endpoint(update).await.unwrap();
    // The partner answers each change with one of its own: without an end, if it were told of those.
    let own = desk.actor();
    desk.order_changes_by("ord_1", 1, desk.shop, "operator:desk");
    for round in 1..=3 {
        let version = desk.taken(round).await.len() as i64 * 2;
        desk.order_changes_by("ord_1", version, desk.shop, &format!("service:orders on behalf of {own}"));
        desk.order_changes_by("ord_1", version + 1, desk.shop, "operator:desk");
    }
    assert_eq!(versions_of(&desk.taken(4).await, "ord_1"), [1, 3, 5, 7], "no echo");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_that_is_refused_holds_up_its_own_events_only() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    desk.partner.refuse("ord_bad");
    for version in 1..=3 {
        desk.order_changes("ord_bad", version);
        desk.order_changes("ord_good", version);
    }

    let taken = desk.taken(3).await;

    assert_eq!(versions_of(&taken, "ord_good"), [1, 2, 3]);
    let pending = eventually("the first was tried and the good ones are noted", async || {
        let pending = desk.deliveries(&endpoint, Pending).await;
        (pending.len() == 3 && pending[2].last_status_code == 500).then_some(pending)
    });
    let pending = pending.await;
    assert_eq!(pending[2].last_failure, "it answered 500");
    assert!(pending[..2].iter().all(|later| later.attempts == 0), "they wait behind it");

    desk.partner.accept("ord_bad");
    desk.advance(40);
    assert_eq!(versions_of(&desk.taken(6).await, "ord_bad"), [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_and_not_acknowledged_comes_again_under_the_same_id() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    desk.partner.next([Mood::DoesAndFails]);
    desk.order_changes("ord_1", 1);
    desk.taken(1).await;
    desk.wait_for(&endpoint, Pending, 1).await;
    eventually("it was noted", async || {
        (desk.deliveries(&endpoint, Pending).await.first()?.last_status_code == 500).then_some(())
    })
    .await;
    desk.advance(10);
    let taken = desk.taken(2).await;
    assert_eq!(taken[0].id, taken[1].id);
    assert_eq!(taken[0].body, taken[1].body);
    let delivered = desk.wait_for(&endpoint, Delivered, 1).await.remove(0);

    let request = |page_token| pb::ListWebhookAttemptsRequest {
        delivery_id: delivered.delivery_id.clone(),
        page_size: 1,
        page_token,
    };
    let last = desk.webhooks().list_webhook_attempts(request(String::new())).await.unwrap().into_inner();
    let first =
        desk.webhooks().list_webhook_attempts(request(last.next_page_token)).await.unwrap().into_inner();
    let said = |page: &[pb::WebhookAttempt]| (page[0].attempt, page[0].status_code, page[0].failure.clone());
    assert_eq!(said(&last.webhook_attempts), (2, 204, String::new()));
    assert_eq!(said(&first.webhook_attempts), (1, 500, "it answered 500".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_dies_after_the_answer_sends_again() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    desk.order_changes("ord_1", 1);
    desk.wait_for(&endpoint, Delivered, 1).await;
    // As a process leaves it that has claimed, sent and died: an attempt that nobody noted.
    let database = desk.world.database("webhooks").client().await;
    let claimed = "UPDATE webhook_deliveries SET state = 'pending', finish_time = NULL, next_attempt_time = now() + interval '1 minute'";
    database.execute(claimed, &[]).await.unwrap();
    desk.advance(61);
    assert_eq!(versions_of(&desk.taken(2).await, "ord_1"), [1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_endpoint_is_left_alone_for_as_long_as_it_asks() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    desk.partner.next([Mood::Busy(600)]);
    desk.order_changes("ord_1", 1);
    eventually("it was asked", async || (desk.partner.asked() == 1).then_some(())).await;
    eventually("it was noted", async || desk.look_at(&endpoint).await.retry_time).await;
    desk.order_changes("ord_2", 1);
    desk.wait_for(&endpoint, Pending, 2).await;
    desk.advance(590);
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    assert_eq!(desk.partner.asked(), 1, "not yet");
    desk.advance(200);
    desk.taken(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_is_seen_and_can_be_sent_again() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    desk.partner.refuse("ord_bad");
    desk.order_changes("ord_bad", 1);
    desk.order_changes("ord_bad", 2);
    eventually("it was tried", async || (desk.partner.asked() > 0).then_some(())).await;
    // Others go through, so the endpoint itself is not given up.
    for round in 0..200 {
        desk.order_changes(&format!("ord_{round}"), 1);
        desk.taken(round + 1).await;
        desk.advance(DAY / 24);
        if !desk.deliveries(&endpoint, Dead).await.is_empty() {
            break;
        }
    }
    let dead = desk.wait_for(&endpoint, Dead, 1).await.remove(0);
    assert!(dead.attempts > 10, "{dead:?}");
    assert_eq!((dead.last_status_code, dead.next_attempt_time), (500, None));
    let behind = desk.deliveries(&endpoint, Pending).await;
    assert!(behind.iter().any(|one| one.resource_id == "ord_bad"), "the next one has its own three days");

    desk.partner.accept("ord_bad");
    let request = pb::RetryDeadWebhookDeliveriesRequest {
        endpoint_id: endpoint.endpoint_id.clone(),
        idempotency_key: key(),
        ..Default::default()
    };
    let retried = desk.webhooks().retry_dead_webhook_deliveries(request).await.unwrap().into_inner().retried;
    assert_eq!(retried, 1);
    desk.advance(DAY);
    eventually("all is taken", async || {
        (versions_of(&desk.partner.taken(), "ord_bad").len() == 2).then_some(())
    })
    .await;
    assert!(desk.deliveries(&endpoint, Dead).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_takes_nothing_for_three_days_is_disabled_and_keeps_its_place() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    desk.partner.is(Mood::Refuses(503));
    desk.order_changes("ord_1", 1);
    let disabled = eventually("it is disabled", async || {
        desk.advance(DAY / 8);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let endpoint = desk.look_at(&endpoint).await;
        (endpoint.state() == pb::WebhookEndpointState::Disabled).then_some(endpoint)
    })
    .await;
    assert_eq!(disabled.disable_cause(), pb::DisableCause::Failing);
    assert!(disabled.disable_time.is_some() && disabled.failing_since_time.is_some());
    assert_eq!(disabled.last_failure, "it answered 503");
    let asked = desk.partner.asked();
    let ping =
        pb::PingWebhookEndpointRequest { endpoint_id: endpoint.endpoint_id.clone(), idempotency_key: key() };
    let refused = refusal(desk.webhooks().ping_webhook_endpoint(ping).await);
    assert_eq!(refused.reason, "WEBHOOK_ENDPOINT_DISABLED");

    desk.order_changes("ord_2", 1);
    desk.partner.is(Mood::Takes);
    let enable = pb::EnableWebhookEndpointRequest { endpoint_id: endpoint.endpoint_id.clone() };
    let enabled = desk.webhooks().enable_webhook_endpoint(enable).await.unwrap().into_inner();
    assert_eq!(enabled.state(), pb::WebhookEndpointState::Enabled);
    eventually("what happened meanwhile is told", async || {
        (versions_of(&desk.partner.taken(), "ord_2") == [1]).then_some(())
    })
    .await;
    assert!(desk.partner.asked() > asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_is_disabled_at_once() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    desk.partner.is(Mood::Refuses(410));
    desk.order_changes("ord_1", 1);
    let disabled = eventually("it is disabled", async || {
        let endpoint = desk.look_at(&endpoint).await;
        (endpoint.state() == pb::WebhookEndpointState::Disabled).then_some(endpoint)
    })
    .await;
    assert_eq!(disabled.disable_cause(), pb::DisableCause::Gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_is_not_told_and_hears_later_what_he_missed() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    let disable = pb::DisableWebhookEndpointRequest { endpoint_id: endpoint.endpoint_id.clone() };
    let disabled = desk.webhooks().disable_webhook_endpoint(disable).await.unwrap().into_inner();
    assert_eq!(disabled.disable_cause(), pb::DisableCause::Asked);
    desk.order_changes("ord_1", 1);
    desk.order_changes("ord_1", 2);
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert_eq!(desk.partner.asked(), 0);
    let enable = pb::EnableWebhookEndpointRequest { endpoint_id: endpoint.endpoint_id.clone() };
    desk.webhooks().enable_webhook_endpoint(enable).await.unwrap();
    assert_eq!(versions_of(&desk.taken(2).await, "ord_1"), [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_revoked_key_has_made_is_told_nothing_more() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    let key_id = desk.key_id();
    let fact = Fact {
        resource: &key_id,
        version: 2,
        shop: None,
        actor: "operator:test",
        time: desk.world.clock.now(),
    };
    desk.logs.of("access").tell(&fact, &ApiKeyRevoked { key_id: key_id.clone() });
    let disabled = eventually("it is disabled", async || {
        let endpoint = desk.look_at(&endpoint).await;
        (endpoint.state() == pb::WebhookEndpointState::Disabled).then_some(endpoint)
    })
    .await;
    assert_eq!(disabled.disable_cause(), pb::DisableCause::KeyRevoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_place_is_said_aloud_and_not_skipped() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    desk.order_changes("ord_1", 1);
    desk.taken(1).await;
    desk.logs.of("orders").restore_to(0);
    desk.order_changes("ord_2", 1);
    let disabled = eventually("it is disabled", async || {
        let endpoint = desk.look_at(&endpoint).await;
        (endpoint.state() == pb::WebhookEndpointState::Disabled).then_some(endpoint)
    })
    .await;
    assert_eq!(disabled.disable_cause(), pb::DisableCause::PlaceLost);
    let enable = pb::EnableWebhookEndpointRequest { endpoint_id: endpoint.endpoint_id.clone() };
    desk.webhooks().enable_webhook_endpoint(enable).await.unwrap();
    desk.order_changes("ord_3", 1);
    eventually("it goes on from now", async || {
        (versions_of(&desk.partner.taken(), "ord_3") == [1]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_can_be_changed_without_a_gap() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    let rotate = |grace_minutes| pb::RotateWebhookSecretRequest {
        endpoint_id: endpoint.endpoint_id.clone(),
        grace_minutes,
        idempotency_key: key(),
    };
    let rotated = desk.webhooks().rotate_webhook_secret(rotate(60)).await.unwrap().into_inner();
    assert!(rotated.secret.starts_with("whsec_"));
    desk.order_changes("ord_1", 1);
    desk.taken(1).await;
    // A partner who knows only the new one is told as well.
    desk.partner.forget_secrets();
    desk.partner.trust(&rotated.secret);
    desk.order_changes("ord_1", 2);
    desk.taken(2).await;
    assert_eq!(desk.partner.forged(), 0);

    let last = desk.webhooks().rotate_webhook_secret(rotate(0)).await.unwrap().into_inner();
    desk.order_changes("ord_1", 3);
    eventually("the old one is worth nothing", async || (desk.partner.forged() > 0).then_some(())).await;
    desk.partner.trust(&last.secret);
    desk.advance(60);
    desk.taken(3).await;
    let refused = refusal(desk.webhooks().rotate_webhook_secret(rotate(10_081)).await);
    assert_eq!(refused.fields, ["grace_minutes"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_tries_an_endpoint_out() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    let ping =
        pb::PingWebhookEndpointRequest { endpoint_id: endpoint.endpoint_id.clone(), idempotency_key: key() };
    let sent = desk.webhooks().ping_webhook_endpoint(ping).await.unwrap().into_inner();
    let taken = desk.taken(1).await;
    assert_eq!((taken[0].text("type"), taken[0].id.as_str()), ("webhook.ping", sent.event_id.as_str()));
    desk.wait_for(&endpoint, Delivered, 1).await;
}
