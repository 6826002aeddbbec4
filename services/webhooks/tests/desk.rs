//! A partner's desk: a shop whose orders change, a key, endpoints and a receiver, and short words for what is done there.

use std::time::Duration;

use korob_webhooks::Webhooks;
use proto::orders::v1 as orders;
use proto::webhooks::v1 as pb;
use proto::webhooks::v1::feed_service_client::FeedServiceClient;
use proto::webhooks::v1::webhook_service_client::WebhookServiceClient;
use rpc::{Actor, BoundChannel, Caller};
use simulators::{Notified, Partner};
use testing::{World, eventually};
use types::ShopId;
use uuid::Uuid;

use crate::logs::{Fact, Logs};

pub type Client = WebhookServiceClient<BoundChannel>;

pub const SCOPES: [&str; 6] =
    ["webhooks.read", "webhooks.write", "webhooks.events", "orders.read", "inventory.read", "catalog.read"];

pub struct Desk {
    pub world: World,
    pub logs: Logs,
    pub shop: ShopId,
    pub key: Caller,
    pub partner: Partner,
}

impl Desk {
    pub async fn open() -> Self {
        Self::open_in(World::new().await).await
    }

    pub async fn open_in(world: World) -> Self {
        let logs = Logs::new();
        let world = logs.move_into(world).start::<Webhooks>().await;
        let shop = ShopId::new();
        Self { world, logs, shop, key: World::partner(&[shop], &SCOPES), partner: Partner::start().await }
    }

    pub fn webhooks(&self) -> Client {
        self.webhooks_as(&self.key)
    }

    pub fn webhooks_as(&self, caller: &Caller) -> Client {
        WebhookServiceClient::new(self.world.channel_as("webhooks", caller.clone()))
    }

    pub fn feed_as(&self, caller: &Caller) -> FeedServiceClient<BoundChannel> {
        FeedServiceClient::new(self.world.channel_as("webhooks", caller.clone()))
    }

    /// Another key of the same shop.
    pub fn other_key(&self, scopes: &[&str]) -> Caller {
        World::partner(&[self.shop], scopes)
    }

    /// Who the desk's key is in histories.
    pub fn actor(&self) -> String {
        self.key.actor.to_string()
    }

    /// Changes an order of the shop.
    pub fn order_changes(&self, order: &str, version: i64) {
        self.order_changes_by(order, version, self.shop, "service:orders");
    }

    pub fn order_changes_by(&self, order: &str, version: i64, shop: ShopId, actor: &str) {
        let time = self.world.clock.now();
        let fact = Fact { resource: order, version, shop: Some(shop), actor, time };
        let snapshot = orders::OrderSnapshot {
            order_id: order.to_owned(),
            shop_id: shop.to_string(),
            number: format!("{order}-{version}"),
            ..Default::default()
        };
        let changed =
            orders::OrderChanged { order: Some(snapshot), changed_fields: vec!["state".to_owned()] };
        self.logs.of("orders").tell(&fact, &changed);
    }

    /// An endpoint of the desk's key that is told of changed orders; the partner knows its secret.
    pub async fn endpoint(&self) -> pb::WebhookEndpoint {
        self.endpoint_of(&["order.changed"]).await
    }

    pub async fn endpoint_of(&self, types: &[&str]) -> pb::WebhookEndpoint {
        let created = self.webhooks().create_webhook_endpoint(creation(&self.partner.url(), types)).await;
        let created = created.unwrap().into_inner();
        self.partner.trust(&created.secret);
        created.webhook_endpoint.unwrap()
    }

    pub async fn look_at(&self, endpoint: &pb::WebhookEndpoint) -> pb::WebhookEndpoint {
        let request = pb::GetWebhookEndpointRequest { endpoint_id: endpoint.endpoint_id.clone() };
        self.webhooks().get_webhook_endpoint(request).await.unwrap().into_inner()
    }

    pub async fn deliveries(
        &self,
        endpoint: &pb::WebhookEndpoint,
        state: pb::WebhookDeliveryState,
    ) -> Vec<pb::WebhookDelivery> {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListWebhookDeliveriesRequest {
                endpoint_id: endpoint.endpoint_id.clone(),
                state: state.into(),
                page_size: 100,
                page_token,
            };
            let page = self.webhooks().list_webhook_deliveries(request).await.unwrap().into_inner();
            all.extend(page.webhook_deliveries);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return all;
            }
        }
    }

    /// Waits until the partner has taken so many.
    pub async fn taken(&self, count: usize) -> Vec<Notified> {
        let what = format!("the partner has taken {count}");
        eventually(&what, async || {
            let taken = self.partner.taken();
            (taken.len() >= count).then_some(taken)
        })
        .await
    }

    /// Waits until so many deliveries stand so.
    pub async fn wait_for(
        &self,
        endpoint: &pb::WebhookEndpoint,
        state: pb::WebhookDeliveryState,
        count: usize,
    ) -> Vec<pb::WebhookDelivery> {
        let what = format!("{count} deliveries are {state:?}");
        eventually(&what, async || {
            let found = self.deliveries(endpoint, state).await;
            (found.len() >= count).then_some(found)
        })
        .await
    }

    pub fn advance(&self, seconds: u64) {
        self.world.clock.advance(Duration::from_secs(seconds));
    }

    pub fn key_id(&self) -> String {
        match &self.key.actor {
            Actor::Key(key) => key.to_string(),
            other => panic!("{other} is no key"),
        }
    }
}

/// A request for an endpoint.
pub fn creation(url: &str, types: &[&str]) -> pb::CreateWebhookEndpointRequest {
    let endpoint = pb::WebhookEndpoint {
        url: url.to_owned(),
        title: "the partner".to_owned(),
        event_types: types.iter().map(|name| (*name).to_owned()).collect(),
        ..Default::default()
    };
    pb::CreateWebhookEndpointRequest { webhook_endpoint: Some(endpoint), idempotency_key: key() }
}

pub fn key() -> String {
    Uuid::new_v4().to_string()
}

/// Which versions of each order came, in the order in which they came.
pub fn versions_of(taken: &[Notified], order: &str) -> Vec<i64> {
    let of_order = taken.iter().filter(|one| one.text("resourceId") == order);
    of_order.map(|one| one.text("version").parse().unwrap()).collect()
}
