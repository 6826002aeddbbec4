//! Endpoints: who may have which, and what becomes of them.

use prost_types::FieldMask;
use proto::webhooks::v1 as pb;
use testing::{World, refusal};
use tonic::Code;
use types::{KeyId, ShopId};

use crate::desk::{Desk, SCOPES, creation, key};

const URL: &str = "https://partner.example/korob";

fn named(endpoint: &pb::WebhookEndpoint) -> String {
    endpoint.endpoint_id.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_shows_its_secret_once() {
    let desk = Desk::open().await;
    let request = creation(URL, &["order.placed", "order.changed", "order.placed"]);

    let first = desk.webhooks().create_webhook_endpoint(request.clone()).await.unwrap().into_inner();
    let again = desk.webhooks().create_webhook_endpoint(request).await.unwrap().into_inner();

    assert!(first.secret.starts_with("whsec_") && first.secret.len() == 50, "{}", first.secret);
    assert_eq!(again.secret, "");
    assert_eq!(first.webhook_endpoint, again.webhook_endpoint);
    let endpoint = first.webhook_endpoint.unwrap();
    assert_eq!(endpoint.event_types, ["order.changed", "order.placed"]);
    assert_eq!(endpoint.shop_ids, [desk.shop.to_string()], "those of the key");
    assert_eq!(endpoint.state(), pb::WebhookEndpointState::Enabled);
    assert_eq!(desk.look_at(&endpoint).await, endpoint);

    let database = desk.world.database("webhooks").client().await;
    let row = database.query_one("SELECT secret FROM webhook_endpoints", &[]).await.unwrap();
    let stored: Vec<u8> = row.get(0);
    let plain = first.secret.trim_start_matches("whsec_").as_bytes();
    assert!(!stored.windows(8).any(|part| plain.windows(8).any(|other| other == part)), "sealed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let desk = Desk::open().await;
    let refused = |url: &str, types: &[&str]| {
        let (mut client, request) = (desk.webhooks(), creation(url, types));
        async move { refusal(client.create_webhook_endpoint(request).await) }
    };
    let fields = refused("", &[]).await.fields;
    assert_eq!(fields, ["webhook_endpoint.url", "webhook_endpoint.event_types"]);
    let fields = refused("partner.example", &["order.eaten"]).await.fields;
    assert_eq!(fields, ["webhook_endpoint.url", "webhook_endpoint.event_types[0]"]);
    assert_eq!(refused(URL, &["webhook.ping"]).await.fields, ["webhook_endpoint.event_types[0]"]);
    let user = refused("https://me:secret@partner.example/", &["order.placed"]).await;
    assert_eq!((user.code, user.fields), (Code::InvalidArgument, vec!["webhook_endpoint.url".to_owned()]));

    let mut request = creation(URL, &["order.placed"]);
    let endpoint = request.webhook_endpoint.as_mut().unwrap();
    endpoint.shop_ids = vec![desk.shop.to_string(), desk.shop.to_string(), "shp_1".to_owned()];
    endpoint.except_key_ids = vec!["key".to_owned()];
    endpoint.title = "x".repeat(201);
    request.idempotency_key = String::new();
    let fields = refusal(desk.webhooks().create_webhook_endpoint(request.clone()).await).fields;
    assert_eq!(fields, ["idempotency_key"]);
    request.idempotency_key = key();
    let fields = refusal(desk.webhooks().create_webhook_endpoint(request).await).fields;
    let expected = ["title", "shop_ids[1]", "shop_ids[2]", "except_key_ids[0]"];
    assert_eq!(fields, expected.map(|field| format!("webhook_endpoint.{field}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_what_he_may_not_read() {
    let desk = Desk::open().await;
    let narrow = desk.other_key(&["webhooks.write", "webhooks.read", "catalog.read"]);
    let told = desk.webhooks_as(&narrow).create_webhook_endpoint(creation(URL, &["order.placed"])).await;
    assert_eq!(refusal(told).reason, "SCOPE_NOT_HELD");
    // Nor by changing where somebody else's endpoint leads.
    let endpoint = desk.endpoint().await;
    let update = pb::UpdateWebhookEndpointRequest {
        webhook_endpoint: Some(pb::WebhookEndpoint {
            endpoint_id: named(&endpoint),
            url: "https://elsewhere.example/".to_owned(),
            ..Default::default()
        }),
        update_mask: Some(FieldMask { paths: vec!["url".to_owned()] }),
    };
    let told = desk.webhooks_as(&narrow).update_webhook_endpoint(update).await;
    assert_eq!(refusal(told).reason, "SCOPE_NOT_HELD");

    let mut request = creation(URL, &["order.placed"]);
    request.webhook_endpoint.as_mut().unwrap().shop_ids = vec![ShopId::new().to_string()];
    assert_eq!(refusal(desk.webhooks().create_webhook_endpoint(request).await).reason, "SHOP_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_endpoint_is_an_absent_one() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    let strangers = [World::partner(&[ShopId::new()], &SCOPES), World::partner(&[], &SCOPES)];
    for stranger in strangers {
        let mut webhooks = desk.webhooks_as(&stranger);
        let id = || named(&endpoint);
        let reasons = [
            refusal(webhooks.get_webhook_endpoint(pb::GetWebhookEndpointRequest { endpoint_id: id() }).await),
            refusal(
                webhooks
                    .disable_webhook_endpoint(pb::DisableWebhookEndpointRequest { endpoint_id: id() })
                    .await,
            ),
            refusal(
                webhooks
                    .enable_webhook_endpoint(pb::EnableWebhookEndpointRequest { endpoint_id: id() })
                    .await,
            ),
            refusal(
                webhooks
                    .delete_webhook_endpoint(pb::DeleteWebhookEndpointRequest { endpoint_id: id() })
                    .await,
            ),
            refusal(
                webhooks
                    .rotate_webhook_secret(pb::RotateWebhookSecretRequest {
                        endpoint_id: id(),
                        grace_minutes: 0,
                        idempotency_key: key(),
                    })
                    .await,
            ),
            refusal(
                webhooks
                    .ping_webhook_endpoint(pb::PingWebhookEndpointRequest {
                        endpoint_id: id(),
                        idempotency_key: key(),
                    })
                    .await,
            ),
        ];
        for refused in reasons {
            let told = (refused.code, refused.reason.as_str());
            assert_eq!(told, (Code::NotFound, "WEBHOOK_ENDPOINT_NOT_FOUND"));
        }
        let listed = webhooks.list_webhook_endpoints(pb::ListWebhookEndpointsRequest::default()).await;
        assert!(listed.unwrap().into_inner().webhook_endpoints.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_are_listed_page_by_page() {
    let desk = Desk::open().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(named(&desk.endpoint().await));
    }
    let (mut listed, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListWebhookEndpointsRequest { page_size: 2, page_token };
        let page = desk.webhooks().list_webhook_endpoints(request).await.unwrap().into_inner();
        listed.extend(page.webhook_endpoints.iter().map(named));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, ids, "oldest first");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_changes_what_the_mask_names() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    let other = KeyId::new().to_string();
    let update = |etag: &str| pb::UpdateWebhookEndpointRequest {
        webhook_endpoint: Some(pb::WebhookEndpoint {
            endpoint_id: named(&endpoint),
            title: "another".to_owned(),
            url: "https://ignored.example".to_owned(),
            except_key_ids: vec![other.clone()],
            etag: etag.to_owned(),
            ..Default::default()
        }),
        update_mask: Some(FieldMask { paths: vec!["title".to_owned(), "except_key_ids".to_owned()] }),
    };
    let stale = refusal(desk.webhooks().update_webhook_endpoint(update("7")).await);
    assert_eq!((stale.code, stale.reason.as_str()), (Code::Aborted, "ETAG_MISMATCH"));

    let changed = desk.webhooks().update_webhook_endpoint(update("1")).await.unwrap().into_inner();

    let etag = "2".to_owned();
    let title = "another".to_owned();
    assert_eq!(changed, pb::WebhookEndpoint { title, except_key_ids: vec![other], etag, ..endpoint });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_endpoint_is_told_nothing_more_and_is_gone() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    let delete = || pb::DeleteWebhookEndpointRequest { endpoint_id: named(&endpoint) };
    desk.webhooks().delete_webhook_endpoint(delete()).await.unwrap();
    desk.order_changes("ord_1", 1);

    let gone = refusal(desk.webhooks().delete_webhook_endpoint(delete()).await);
    assert_eq!(gone.reason, "WEBHOOK_ENDPOINT_NOT_FOUND");
    let other = desk.endpoint().await;
    desk.order_changes("ord_1", 2);
    let taken = desk.taken(1).await;
    assert_eq!((taken.len(), taken[0].text("version")), (1, "2"), "only what the other one is told");
    assert_eq!(desk.deliveries(&other, pb::WebhookDeliveryState::Unspecified).await.len(), 1);
    let database = desk.world.database("webhooks").client().await;
    let kept = database
        .query_one(
            "SELECT length(secret), previous_secret IS NULL FROM webhook_endpoints WHERE state = 'deleted'",
            &[],
        )
        .await
        .unwrap();
    assert_eq!((kept.get::<_, i32>(0), kept.get::<_, bool>(1)), (0, true), "its secret is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_an_end_to_endpoints() {
    let desk = Desk::open().await;
    for _ in 0..50 {
        desk.webhooks().create_webhook_endpoint(creation(URL, &["order.placed"])).await.unwrap();
    }
    let one_more = desk.webhooks().create_webhook_endpoint(creation(URL, &["order.placed"])).await;
    assert_eq!(refusal(one_more).reason, "TOO_MANY_WEBHOOK_ENDPOINTS");
}
