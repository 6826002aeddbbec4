//! Opens a shop: legal entity, sources, key, delivery, the feed, stock.

use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use proto::access::v1::access_service_client::AccessServiceClient;
use proto::access::v1::{
    Channel, ChannelAccount, CreateApiKeyRequest, CreateChannelAccountRequest, CreateLegalEntityRequest,
    CreateShopRequest, LegalEntity, Shop as ShopMessage, ShortagePolicy,
};
use proto::catalog::v1::ImportFeedSettings;
use rpc::{BoundChannel, Call, Caller};
use serde_json::{Value, json};

use crate::commands::import::import_yml;
use crate::commands::{explain, keys};
use crate::rest::Client;
use crate::suite::Suite;

const FEED: &[u8] = include_bytes!("../../demo/feed.xml");
const SETUP_PATIENCE: Duration = Duration::from_secs(30);
/// Requests per second of the demonstration's key: more than one machine can ask.
const RATE_LIMIT: i32 = 10_000;
/// Every so many SKUs one gets only a few units, so that some orders find nothing left.
const SCARCE_EVERY: usize = 12;
const SCARCE_UNITS: i64 = 3;
const PLENTY_UNITS: i64 = 60;

/// An open shop.
pub struct Shop {
    /// The gateway, with the shop's key.
    pub rest: Client,
    /// The secret of the key.
    pub key: String,
    pub shop_id: String,
    /// Where orders come from.
    pub sources: Vec<Source>,
    /// Own courier, then pick-up.
    pub delivery_methods: Vec<String>,
    pub skus: Vec<String>,
    pub units_received: i64,
}

/// A registered account through which orders come.
pub struct Source {
    pub source_id: String,
    pub name: &'static str,
    /// The `OrderMethod` of its orders.
    pub method: &'static str,
}

/// What an operator sets up once, then everything else over REST as a partner would.
pub async fn open(suite: &Suite) -> anyhow::Result<Shop> {
    let call = Call::begin(Caller::operator("demo"), SETUP_PATIENCE);
    let mut access = AccessServiceClient::new(suite.directory.channel("access").bind(&call));
    let shop_id = open_shop(&mut access).await?;
    let sources = open_sources(&mut access, &shop_id).await?;
    let key = make_key(&mut access, &shop_id).await?;

    let rest = Client::with_key(format!("http://{}", suite.gateway), key.clone());
    let delivery_methods = open_delivery(&rest, &shop_id).await?;
    println!("A shop with {} sources and {} ways to deliver.", sources.len(), delivery_methods.len());
    import_feed(suite, &sources[0].source_id).await?;
    let skus = read_skus(&rest).await?;
    let units_received = receive_stock(&rest, &skus).await?;
    println!("Stock: {units_received} units of {} SKUs received.", skus.len());
    Ok(Shop { rest, key, shop_id, sources, delivery_methods, skus, units_received })
}

async fn open_shop(access: &mut AccessServiceClient<BoundChannel>) -> anyhow::Result<String> {
    let entity =
        LegalEntity {
            name: "ТОВ «Короб»".to_owned(), tax_id: "12345678".to_owned(), ..Default::default()
        };
    let request = CreateLegalEntityRequest { legal_entity: Some(entity), idempotency_key: "demo".to_owned() };
    let entity = access.create_legal_entity(request).await.map_err(|status| explain(&status))?.into_inner();
    let shop = ShopMessage {
        legal_entity_id: entity.legal_entity_id,
        name: "Подарки и дом".to_owned(),
        time_zone: "Europe/Kyiv".to_owned(),
        locale: "uk-UA".to_owned(),
        currency_code: "RUB".to_owned(),
        shortage_policy: ShortagePolicy::Refuse.into(),
        number_prefix: "K-".to_owned(),
        country_code: "UA".to_owned(),
        ..Default::default()
    };
    let request = CreateShopRequest { shop: Some(shop), idempotency_key: "demo".to_owned() };
    Ok(access.create_shop(request).await.map_err(|status| explain(&status))?.into_inner().shop_id)
}

async fn open_sources(
    access: &mut AccessServiceClient<BoundChannel>,
    shop_id: &str,
) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for (name, channel, method) in [
        ("site", Channel::Site, "ORDER_METHOD_CART"),
        ("marketplace", Channel::Marketplace, "ORDER_METHOD_MARKETPLACE"),
        ("messenger", Channel::Messenger, "ORDER_METHOD_CHAT"),
        ("phone", Channel::Phone, "ORDER_METHOD_CALL"),
    ] {
        let account = ChannelAccount {
            shop_id: shop_id.to_owned(),
            channel: channel.into(),
            name: name.to_owned(),
            always_accept: channel == Channel::Marketplace,
            ..Default::default()
        };
        let request =
            CreateChannelAccountRequest { channel_account: Some(account), idempotency_key: name.to_owned() };
        let account =
            access.create_channel_account(request).await.map_err(|status| explain(&status))?.into_inner();
        sources.push(Source { source_id: account.source_id, name, method });
    }
    Ok(sources)
}

async fn make_key(access: &mut AccessServiceClient<BoundChannel>, shop_id: &str) -> anyhow::Result<String> {
    let request = CreateApiKeyRequest {
        name: "demo".to_owned(),
        shop_ids: vec![shop_id.to_owned()],
        scopes: keys::all_scopes(),
        rate_limit: RATE_LIMIT,
        idempotency_key: "demo".to_owned(),
    };
    Ok(access.create_api_key(request).await.map_err(|status| explain(&status))?.into_inner().secret)
}

async fn open_delivery(rest: &Client, shop_id: &str) -> anyhow::Result<Vec<String>> {
    let rub = |amount: &str| json!({ "amount": amount, "currencyCode": "RUB" });
    let courier = json!({ "deliveryMethod": {
        "shopId": shop_id, "kind": "DELIVERY_KIND_COURIER", "name": "Кур’єр", "cashOnDelivery": true, "sortOrder": 1,
        "tariffs": [
            { "countryCode": "UA", "cities": ["Київ"], "weightGramsMax": 20000, "goodsTotalMin": rub("10000"), "price": rub("0"), "daysMin": 1, "daysMax": 1 },
            { "countryCode": "UA", "cities": ["Київ"], "price": rub("150"), "daysMin": 1, "daysMax": 2 },
            { "countryCode": "UA", "price": rub("290"), "daysMin": 2, "daysMax": 4 },
        ],
    } });
    let pickup = json!({ "deliveryMethod": {
        "shopId": shop_id, "kind": "DELIVERY_KIND_PICKUP", "name": "Самовивіз", "cashOnDelivery": true, "sortOrder": 2,
        "tariffs": [{ "price": rub("0"), "daysMin": 0, "daysMax": 1 }],
    } });
    let mut ids = Vec::new();
    for (key, method) in [("demo-courier", courier), ("demo-pickup", pickup)] {
        let made = rest.post("/v1/delivery-methods", key, &method).await?.ok()?;
        ids.push(text(&made, "deliveryMethodId")?);
    }
    Ok(ids)
}

async fn import_feed(suite: &Suite, source_id: &str) -> anyhow::Result<()> {
    let path = std::env::temp_dir().join(format!("korob-demo-feed-{}.xml", std::process::id()));
    std::fs::File::create(&path)?.write_all(FEED)?;
    let settings = ImportFeedSettings { source_id: source_id.to_owned(), ..Default::default() };
    let imported = import_yml(&suite.directory, &path, settings).await;
    std::fs::remove_file(&path)?;
    let total = imported?.total;
    println!(
        "The feed: {} offers in {} categories, {} refused.",
        total.row_count, total.category_count, total.error_count
    );
    Ok(())
}

async fn read_skus(rest: &Client) -> anyhow::Result<Vec<String>> {
    let (mut skus, mut token) = (Vec::new(), String::new());
    loop {
        let page = rest.get(&format!("/v1/products?pageSize=200&pageToken={token}")).await?.ok()?;
        let variants = list(&page, "products").iter().flat_map(|product| list(product, "variants"));
        skus.extend(variants.filter_map(|variant| variant["sku"].as_str()).map(str::to_owned));
        token = page["nextPageToken"].as_str().unwrap_or_default().to_owned();
        if token.is_empty() {
            skus.sort();
            return Ok(skus);
        }
    }
}

async fn receive_stock(rest: &Client, skus: &[String]) -> anyhow::Result<i64> {
    let warehouse = json!({ "warehouse": { "name": "Склад на Подолі" } });
    let warehouse = rest.post("/v1/warehouses", "demo-warehouse", &warehouse).await?.ok()?;
    let units = |at: usize| if at.is_multiple_of(SCARCE_EVERY) { SCARCE_UNITS } else { PLENTY_UNITS };
    let lines: Vec<Value> = skus
        .iter()
        .enumerate()
        .map(|(at, sku)| json!({ "sku": sku, "quantity": units(at).to_string() }))
        .collect();
    let receipt = json!({ "warehouseId": warehouse["warehouseId"], "lines": lines, "reference": "НК-1" });
    rest.post("/v1/stock/receive", "demo-receipt", &receipt).await?.ok()?;
    Ok((0..skus.len()).map(units).sum())
}

/// A text field of an answer.
pub fn text(body: &Value, field: &str) -> anyhow::Result<String> {
    body[field].as_str().map(str::to_owned).with_context(|| format!("the answer has no {field}: {body}"))
}

/// A list of an answer; absent is empty.
pub fn list<'a>(body: &'a Value, field: &str) -> &'a [Value] {
    body[field].as_array().map(Vec::as_slice).unwrap_or_default()
}
