//! What was sent can be sent again: one delivery, or all that happened in a span of time.

use proto::webhooks::v1 as pb;
use proto::webhooks::v1::WebhookDeliveryState::Delivered;
use testing::{eventually, refusal};

use crate::desk::{Desk, key, versions_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_sent_again_under_its_id() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    desk.order_changes("ord_1", 1);
    let delivered = desk.wait_for(&endpoint, Delivered, 1).await.remove(0);
    let request = pb::ReplayWebhookDeliveryRequest {
        delivery_id: delivered.delivery_id.clone(),
        idempotency_key: key(),
    };
    let again = desk.webhooks().replay_webhook_delivery(request.clone()).await.unwrap().into_inner();
    let repeated = desk.webhooks().replay_webhook_delivery(request).await.unwrap().into_inner();
    assert_eq!(again, repeated, "once per key");
    assert!(again.replayed && again.delivery_id != delivered.delivery_id);
    let taken = desk.taken(2).await;
    assert_eq!((taken.len(), &taken[0].id), (2, &taken[1].id));

    let stranger = testing::World::partner(&[types::ShopId::new()], &crate::desk::SCOPES);
    let request =
        pb::ReplayWebhookDeliveryRequest { delivery_id: delivered.delivery_id, idempotency_key: key() };
    let refused = refusal(desk.webhooks_as(&stranger).replay_webhook_delivery(request).await);
    assert_eq!(refused.reason, "WEBHOOK_DELIVERY_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_span_of_time_is_sent_again_from_before_the_endpoint_was_made() {
    let desk = Desk::open().await;
    for version in 1..=200 {
        desk.order_changes("ord_1", version);
        desk.advance(60);
    }
    let endpoint = desk.endpoint().await;
    let now = desk.world.clock.now();
    let span = |from: i64, to: i64| pb::ReplayWebhookEventsRequest {
        endpoint_id: endpoint.endpoint_id.clone(),
        // Between two of them.
        start_time: Some(rpc::wire::time(now - chrono::TimeDelta::seconds(from * 60 + 30))),
        end_time: Some(rpc::wire::time(now - chrono::TimeDelta::minutes(to))),
        idempotency_key: key(),
    };
    // The last one was told a minute ago.
    desk.webhooks().replay_webhook_events(span(80, 0)).await.unwrap();
    let taken = desk.taken(80).await;
    let told = versions_of(&taken, "ord_1");
    assert_eq!(told, (121..=200).collect::<Vec<_>>());

    desk.order_changes("ord_1", 201);
    eventually("what happens is told as ever", async || {
        versions_of(&desk.partner.taken(), "ord_1").contains(&201).then_some(())
    })
    .await;
    let database = desk.world.database("webhooks").client().await;
    eventually("the replay ends", async || {
        let left = database.query_one("SELECT count(*) FROM webhook_replays", &[]).await.unwrap();
        (left.get::<_, i64>(0) == 0).then_some(())
    })
    .await;
    let refused = refusal(desk.webhooks().replay_webhook_events(span(10, 20)).await);
    assert_eq!(refused.fields, ["end_time"]);
    let request = pb::ReplayWebhookEventsRequest { start_time: None, ..span(10, 5) };
    assert_eq!(refusal(desk.webhooks().replay_webhook_events(request).await).fields, ["start_time"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_endpoints_at_different_places_all_get_everything_once() {
    let desk = Desk::open().await;
    let first = desk.endpoint().await;
    let disable = pb::DisableWebhookEndpointRequest { endpoint_id: first.endpoint_id.clone() };
    desk.webhooks().disable_webhook_endpoint(disable).await.unwrap();
    for version in 1..=300 {
        desk.order_changes("ord_1", version);
    }
    let second = desk.endpoint().await;
    let enable = pb::EnableWebhookEndpointRequest { endpoint_id: first.endpoint_id.clone() };
    desk.webhooks().enable_webhook_endpoint(enable).await.unwrap();
    for version in 301..=320 {
        desk.order_changes("ord_1", version);
    }
    assert_eq!(desk.wait_for(&first, Delivered, 320).await.len(), 320);
    assert_eq!(desk.wait_for(&second, Delivered, 20).await.len(), 20);
}
