//! A shop to place orders in: the words that the tests speak.

use std::sync::atomic::{AtomicU32, Ordering};

use korob_orders::Orders;
use proto::access::v1::{Channel, ShortagePolicy};
use proto::delivery::v1::{Shipment, ShipmentTracked, TrackingStatus};
use proto::orders::v1 as pb;
use proto::orders::v1::bulk_order_service_client::BulkOrderServiceClient;
use proto::orders::v1::cart_service_client::CartServiceClient;
use proto::orders::v1::order_service_client::OrderServiceClient;
use proto::orders::v1::promo_code_service_client::PromoCodeServiceClient;
use proto::orders::v1::quote_service_client::QuoteServiceClient;
use proto::payments::v1::{PaymentRecorded, PaymentRefunded};
use proto::r#type::v1::{Address, Money};
use rpc::BoundChannel;
use serde_json::Value;
use testing::{TestDatabase, World};
use tonic::{Response, Status};
use types::{DeliveryMethodId, ShopId, SourceId};

use crate::neighbours::{self, Neighbours, Product};

/// One shop with two sources, a site and a marketplace, and some goods.
pub struct Shop {
    pub world: World,
    pub them: Neighbours,
    pub shop_id: ShopId,
    pub site: SourceId,
    pub marketplace: SourceId,
    next_key: AtomicU32,
}

pub type Client = OrderServiceClient<BoundChannel>;

impl Shop {
    /// Opens a shop with goods A-1 (10 in stock, 100.00), B-1 (5, 30.50), G-1 (by weight) and the service WRAP.
    pub async fn open() -> Self {
        let (them, shop_id, site, marketplace) = furnish();
        let world = them.move_into(World::new().await).start::<Orders>().await;
        Self { world, them, shop_id, site, marketplace, next_key: AtomicU32::new(1) }
    }

    /// Opens the same shop again, on what the crashed one has left.
    pub async fn reopen(
        database: TestDatabase,
        them: Neighbours,
        shop_id: ShopId,
        site: SourceId,
        marketplace: SourceId,
    ) -> Self {
        let world = them.move_into(World::new().await).start_on::<Orders>(database).await;
        Self { world, them, shop_id, site, marketplace, next_key: AtomicU32::new(1_000) }
    }

    /// A second shop beside it.
    pub fn add_shop(&self) -> (ShopId, SourceId) {
        let (shop_id, source_id) = (ShopId::new(), SourceId::new());
        let mut state = self.them.state();
        let mut shop = neighbours::shop(shop_id);
        shop.number_prefix = "B-".to_owned();
        state.shops.insert(shop_id.to_string(), shop);
        state.sources.insert(source_id.to_string(), neighbours::source(source_id, shop_id, Channel::Site));
        (shop_id, source_id)
    }

    /// From now on orders are taken although stock is short.
    pub fn accept_shortages(&self) {
        let mut state = self.them.state();
        let shop = state.shops.get_mut(&self.shop_id.to_string()).unwrap();
        shop.shortage_policy = ShortagePolicy::Accept.into();
    }

    /// An operator's client.
    pub fn client(&self) -> Client {
        OrderServiceClient::new(self.world.channel("orders"))
    }

    /// The client of a partner with a key for `shops`.
    pub fn partner(&self, shops: &[ShopId], scopes: &[&str]) -> Client {
        OrderServiceClient::new(self.world.channel_as("orders", World::partner(shops, scopes)))
    }

    /// A cart from the site, by a buyer who left his phone; to be delivered by nobody.
    pub fn cart(&self, lines: &[(&str, i32)]) -> pb::PlaceOrderRequest {
        pb::PlaceOrderRequest {
            shop_id: self.shop_id.to_string(),
            source_id: self.site.to_string(),
            contact: Some(contact()),
            lines: lines.iter().map(|(sku, quantity)| line(sku, *quantity)).collect(),
            idempotency_key: self.key(),
            ..Default::default()
        }
    }

    /// The same, to be delivered by courier.
    pub fn parcel(&self, lines: &[(&str, i32)]) -> pb::PlaceOrderRequest {
        pb::PlaceOrderRequest { delivery: Some(courier()), ..self.cart(lines) }
    }

    /// A client of quotes.
    pub fn quotes(&self) -> QuoteServiceClient<BoundChannel> {
        QuoteServiceClient::new(self.world.channel("orders"))
    }

    /// A client of promo codes.
    pub fn promo_codes(&self) -> PromoCodeServiceClient<BoundChannel> {
        PromoCodeServiceClient::new(self.world.channel("orders"))
    }

    /// A client of actions on many orders.
    pub fn bulk(&self) -> BulkOrderServiceClient<BoundChannel> {
        BulkOrderServiceClient::new(self.world.channel("orders"))
    }

    /// A client of carts.
    pub fn carts(&self) -> CartServiceClient<BoundChannel> {
        CartServiceClient::new(self.world.channel("orders"))
    }

    /// What [`Shop::cart`] orders, to be priced only.
    pub fn quote_of(&self, lines: &[(&str, i32)]) -> pb::CreateQuoteRequest {
        pb::CreateQuoteRequest {
            shop_id: self.shop_id.to_string(),
            source_id: self.site.to_string(),
            lines: lines.iter().map(|(sku, quantity)| line(sku, *quantity)).collect(),
            idempotency_key: self.key(),
            ..Default::default()
        }
    }

    /// Freezes a price that can be frozen.
    pub async fn quoted(&self, request: pb::CreateQuoteRequest) -> pb::Quote {
        self.quotes().create_quote(request).await.expect("a quote").into_inner()
    }

    /// Reads a quote.
    pub async fn quote(&self, quote_id: &str) -> pb::Quote {
        let request = pb::GetQuoteRequest { quote_id: quote_id.to_owned() };
        self.quotes().get_quote(request).await.expect("the quote is there").into_inner()
    }

    /// Adds a promo code of 10 percent, changed by `change`.
    pub async fn promo_code(&self, code: &str, change: impl FnOnce(&mut pb::PromoCode)) -> pb::PromoCode {
        let mut promo_code = pb::PromoCode {
            code: code.to_owned(),
            title: "Spring sale".to_owned(),
            value: Some(pb::promo_code::Value::Percent("10".to_owned())),
            ..Default::default()
        };
        change(&mut promo_code);
        let request =
            pb::CreatePromoCodeRequest { promo_code: Some(promo_code), idempotency_key: self.key() };
        self.promo_codes().create_promo_code(request).await.expect("a promo code").into_inner()
    }

    /// Orders that have a promo code.
    pub async fn uses(&self, promo_code_id: &str) -> i32 {
        let request = pb::GetPromoCodeRequest { promo_code_id: promo_code_id.to_owned() };
        self.promo_codes().get_promo_code(request).await.expect("the code").into_inner().use_count
    }

    /// A key that was not used yet.
    pub fn key(&self) -> String {
        format!("key-{}", self.next_key.fetch_add(1, Ordering::Relaxed))
    }

    /// Places an order.
    pub async fn place(
        &self,
        request: pb::PlaceOrderRequest,
    ) -> Result<Response<pb::PlaceOrderResponse>, Status> {
        self.client().place_order(request).await
    }

    /// Places an order that must be placed, and reads it.
    pub async fn placed(&self, request: pb::PlaceOrderRequest) -> pb::Order {
        let receipt = self.place(request).await.expect("the order is placed").into_inner();
        assert_eq!(receipt.state(), pb::OrderState::New);
        self.order(&receipt.order_id).await
    }

    /// Reads an order.
    pub async fn order(&self, order_id: &str) -> pb::Order {
        let request = pb::GetOrderRequest { order_id: order_id.to_owned() };
        self.client().get_order(request).await.expect("the order is there").into_inner()
    }

    /// Waits until the order is as `wanted`.
    pub async fn eventually(
        &self,
        order_id: &str,
        what: &str,
        wanted: impl Fn(&pb::Order) -> bool,
    ) -> pb::Order {
        testing::eventually(what, async || Some(self.order(order_id).await).filter(&wanted)).await
    }

    /// Moves an order.
    pub async fn change_state(
        &self,
        order_id: &str,
        state: pb::OrderState,
    ) -> Result<Response<pb::Order>, Status> {
        let request = pb::ChangeOrderStateRequest {
            order_id: order_id.to_owned(),
            state: state.into(),
            idempotency_key: self.key(),
            ..Default::default()
        };
        self.client().change_order_state(request).await
    }

    /// Cancels an order because its buyer changed his mind.
    pub async fn cancel(&self, order_id: &str) -> Result<Response<pb::Order>, Status> {
        self.client().cancel_order(self.cancellation(order_id)).await
    }

    /// The request of [`Shop::cancel`].
    pub fn cancellation(&self, order_id: &str) -> pb::CancelOrderRequest {
        pb::CancelOrderRequest {
            order_id: order_id.to_owned(),
            reason: "buyer_changed_mind".to_owned(),
            comment: "ordered by his cat".to_owned(),
            idempotency_key: self.key(),
        }
    }

    /// Money comes in for a payment, and orders hears of it.
    pub fn pay(&self, payment_id: &str, minor: i64) {
        let payment = {
            let mut state = self.them.state();
            let payment = state.payments.get_mut(payment_id).expect("the payment is open");
            payment.captured += minor;
            payment.shown(payment_id)
        };
        self.them.tell("payments", payment_id, &PaymentRecorded { payment: Some(payment) });
    }

    /// Orders hears how a payment stands.
    pub fn tell_refunded(&self, payment_id: &str) {
        let payment = self.them.state().payments[payment_id].shown(payment_id);
        self.them.tell("payments", payment_id, &PaymentRefunded { payment: Some(payment) });
    }

    /// Orders hears of a parcel.
    pub fn track(&self, order: &pb::Order, shipment_id: &str, status: TrackingStatus) {
        let shipment = Shipment {
            shipment_id: shipment_id.to_owned(),
            order_id: order.order_id.clone(),
            status: status.into(),
            ..Default::default()
        };
        let event = ShipmentTracked { shipment: Some(shipment), ..Default::default() };
        self.them.tell("delivery", shipment_id, &event);
    }

    /// An edit of `order` as it is, to be changed before it is sent.
    pub fn edit(&self, order: &pb::Order, paths: &[&str]) -> pb::UpdateOrderRequest {
        pb::UpdateOrderRequest {
            order: Some(order.clone()),
            update_mask: Some(prost_types::FieldMask {
                paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            }),
            dry_run: false,
            idempotency_key: self.key(),
        }
    }

    /// Changes an order.
    pub async fn update(&self, request: pb::UpdateOrderRequest) -> Result<Response<pb::Order>, Status> {
        self.client().update_order(request).await
    }

    /// The fields that the last change of a resource changed, as history has them: field, old, new.
    pub async fn last_changes(&self, resource_id: &str, action: &str) -> Vec<(String, Value, Value)> {
        let client = self.world.database("orders").client().await;
        let row = client
            .query_one(
                "SELECT changes::text FROM audit_log WHERE resource_id = $1 AND action = $2 ORDER BY sequence DESC LIMIT 1",
                &[&resource_id, &action],
            )
            .await
            .expect("a change");
        let changes: Value = serde_json::from_str(row.get(0)).unwrap();
        let text = |change: &Value| change["field"].as_str().unwrap_or_default().to_owned();
        let changes = changes.as_array().cloned().unwrap_or_default();
        changes.iter().map(|change| (text(change), change["old"].clone(), change["new"].clone())).collect()
    }

    /// A number from the database of orders.
    pub async fn count(&self, sql: &str) -> i64 {
        let client = self.world.database("orders").client().await;
        client.query_one(sql, &[]).await.expect("a query").get(0)
    }

    /// Rows of `table` that contain `words` in the bytes of `column`, in whatever alphabet.
    pub async fn rows_with(&self, table: &str, column: &str, words: &str) -> i64 {
        let sql = format!(
            "SELECT count(*) FROM {table} WHERE position(convert_to('{words}', 'UTF8') IN {column}) > 0"
        );
        self.count(&sql).await
    }

    /// The types of an order's events, in the order of their versions.
    pub async fn events(&self, order_id: &str) -> Vec<String> {
        let client = self.world.database("orders").client().await;
        let rows = client
            .query(
                "SELECT version, type FROM event_log WHERE aggregate_id = $1 ORDER BY version",
                &[&order_id],
            )
            .await
            .expect("a query");
        let versions: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(versions, (1..=rows.len() as i64).collect::<Vec<_>>(), "versions are contiguous");
        let short = |name: String| name.rsplit('.').next().unwrap_or_default().to_owned();
        rows.iter().map(|row| short(row.get(1))).collect()
    }

    /// The actions in an order's history, oldest first.
    pub async fn actions(&self, order_id: &str) -> Vec<String> {
        let client = self.world.database("orders").client().await;
        let rows = client
            .query("SELECT action FROM audit_log WHERE resource_id = $1 ORDER BY sequence", &[&order_id])
            .await
            .expect("a query");
        rows.iter().map(|row| row.get(0)).collect()
    }
}

/// Neighbours with goods, and the shop's ids.
pub fn furnish() -> (Neighbours, ShopId, SourceId, SourceId) {
    let them = Neighbours::default();
    let (shop_id, site, marketplace) = (ShopId::new(), SourceId::new(), SourceId::new());
    {
        let mut state = them.state();
        state.shops.insert(shop_id.to_string(), neighbours::shop(shop_id));
        state.sources.insert(site.to_string(), neighbours::source(site, shop_id, Channel::Site));
        let account = neighbours::source(marketplace, shop_id, Channel::Marketplace);
        state.sources.insert(marketplace.to_string(), account);
        let mut product = |sku: &str, price, service, price_quantity| {
            let product = Product { price, service, price_quantity, components: &[] };
            state.products.insert(sku.to_owned(), product);
        };
        product("A-1", Some("100.00"), false, 1);
        product("B-1", Some("30.50"), false, 1);
        product("G-1", Some("99.90"), false, 1000);
        product("WRAP", Some("15.00"), true, 1);
        product("GIFT", Some("0.00"), true, 1);
        product("NO-PRICE", None, false, 1);
        product("C-1", Some("10.00"), false, 1);
        product("C-2", Some("20.00"), false, 1);
        let kit = Product {
            price: Some("40.00"),
            price_quantity: 1,
            components: &[("C-1", 2), ("C-2", 1)],
            ..Default::default()
        };
        state.products.insert("KIT".to_owned(), kit);
        for (sku, units) in [("A-1", 10), ("B-1", 5), ("G-1", 100_000), ("C-1", 10), ("C-2", 4)] {
            state.stock.insert(sku.to_owned(), units);
        }
    }
    (them, shop_id, site, marketplace)
}

pub fn line(sku: &str, quantity: i32) -> pb::NewLine {
    pb::NewLine { sku: sku.to_owned(), quantity, ..Default::default() }
}

pub fn contact() -> pb::Contact {
    pb::Contact {
        name: "Олена Петренко-Коваль".to_owned(),
        phone: "+38 (067) 123-45-67".to_owned(),
        email: String::new(),
    }
}

pub fn courier() -> pb::NewDelivery {
    pb::NewDelivery {
        delivery_method_id: DeliveryMethodId::derived(uuid::Uuid::nil(), 0).to_string(),
        address: Some(Address {
            country_code: "UA".to_owned(),
            city: "Київ".to_owned(),
            line: "Хрещатик 1".to_owned(),
            ..Default::default()
        }),
        price: None,
    }
}

pub fn uah(amount: &str) -> Option<Money> {
    Some(Money { amount: amount.to_owned(), currency_code: "UAH".to_owned() })
}

/// What a refused call said, which may be looked at again.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(answer: &Result<Response<T>, Status>) -> testing::Refusal {
    let status = answer.as_ref().expect_err("the call must be refused");
    testing::refusal::<()>(Err(status.clone()))
}

/// The facts of a refusal.
#[track_caller]
pub fn facts<T: std::fmt::Debug>(
    answer: &Result<Response<T>, Status>,
) -> std::collections::HashMap<String, String> {
    rpc::metadata(answer.as_ref().expect_err("the call must be refused"))
}
