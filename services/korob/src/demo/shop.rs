//! Opens two shops of one organisation: sources, keys, ways to deliver; the goods, a kit and the stock are common.

use std::io::Write;

use anyhow::Context;
use proto::access::v1::{Channel, Shop as ShopMessage, ShortagePolicy};
use proto::catalog::v1::ImportFeedSettings;
use serde_json::{Value, json};

use crate::commands::import::import_yml;
use crate::commands::{explain, keys};
use crate::demo::outside::Outside;
use crate::new_shop::{NewShop, OpenedShop};
use crate::rest::Client;
use crate::suite::Suite;

const FEED: &[u8] = include_bytes!("../../demo/feed.xml");
/// Every so many SKUs one gets only a few units, so that some orders find nothing left.
const SCARCE_EVERY: usize = 12;
const SCARCE_UNITS: i64 = 3;
const PLENTY_UNITS: i64 = 60;
/// The kit that both shops sell.
pub const KIT: &str = "GIFT-BOX";

/// An open shop.
pub struct Shop {
    pub name: &'static str,
    /// The gateway, with the shop's key.
    pub rest: Client,
    /// The secret of the key.
    pub key: String,
    pub shop_id: String,
    /// Where orders come from.
    pub sources: Vec<Source>,
    /// Own courier, pick-up, parcel.
    pub delivery_methods: [String; 3],
}

/// A registered account through which orders come.
pub struct Source {
    pub source_id: String,
    pub name: &'static str,
    /// The `OrderMethod` of its orders.
    pub method: &'static str,
}

/// What the organisation has to sell.
pub struct Goods {
    /// What orders may name; the kit is one of them.
    pub skus: Vec<String>,
    pub warehouse_id: String,
    pub units_received: i64,
}

/// A shop as it is to be.
struct Plan {
    by: &'static str,
    name: &'static str,
    number_prefix: &'static str,
    /// Name, kind, and the method of its orders.
    sources: &'static [(&'static str, Channel, &'static str)],
}

const SHOPS: [Plan; 2] = [
    Plan {
        by: "demo",
        name: "Подарки и дом",
        number_prefix: "K-",
        sources: &[
            ("site", Channel::Site, "ORDER_METHOD_CART"),
            ("marketplace", Channel::Marketplace, "ORDER_METHOD_MARKETPLACE"),
            ("messenger", Channel::Messenger, "ORDER_METHOD_CHAT"),
            ("phone", Channel::Phone, "ORDER_METHOD_CALL"),
        ],
    },
    Plan {
        by: "demo-2",
        name: "Скринька",
        number_prefix: "S-",
        sources: &[("second-site", Channel::Site, "ORDER_METHOD_CART")],
    },
];

/// What an operator sets up once, then everything else over REST as a partner would.
pub async fn open(suite: &Suite, outside: &Outside) -> anyhow::Result<(Vec<Shop>, Goods)> {
    let mut shops = Vec::new();
    for plan in SHOPS {
        shops.push(open_one(suite, outside, plan).await?);
    }
    let first = &shops[0];
    import_feed(suite, &first.sources[0].source_id).await?;
    let goods = stock(&first.rest).await?;
    println!(
        "{} shops with a key each, {} sources, a card provider and a carrier that fail as real ones do.",
        shops.len(),
        shops.iter().map(|shop| shop.sources.len()).sum::<usize>(),
    );
    println!("Stock: {} units of {} SKUs, which both shops sell.", goods.units_received, goods.skus.len());
    Ok((shops, goods))
}

async fn open_one(suite: &Suite, outside: &Outside, plan: Plan) -> anyhow::Result<Shop> {
    let sources: Vec<_> = plan.sources.iter().map(|(name, channel, _)| (*name, *channel)).collect();
    let new_shop = NewShop {
        by: plan.by,
        legal_entity: "ТОВ «Короб»",
        shop: ShopMessage {
            name: plan.name.to_owned(),
            time_zone: "Europe/Kyiv".to_owned(),
            locale: "uk-UA".to_owned(),
            currency_code: "RUB".to_owned(),
            shortage_policy: ShortagePolicy::Refuse.into(),
            number_prefix: plan.number_prefix.to_owned(),
            country_code: "UA".to_owned(),
            ..Default::default()
        },
        sources: &sources,
        scopes: keys::all_scopes(),
    };
    let OpenedShop { shop_id, source_ids, key } =
        new_shop.open(&suite.directory).await.map_err(|status| explain(&status))?;
    let sources = source_ids.into_iter().zip(plan.sources);
    let sources = sources.map(|(source_id, (name, _, method))| Source { source_id, name, method }).collect();

    let gateway = format!("http://{}", suite.gateway);
    let rest = Client::with_key(gateway.clone(), key.clone());
    outside.open_card_account(&rest, &gateway, &shop_id).await?;
    let [courier, pickup] = open_delivery(&rest, &shop_id).await?;
    let parcel = outside.open_carrier_account(&rest, &gateway, &shop_id).await?;
    let delivery_methods = [courier, pickup, parcel];
    Ok(Shop { name: plan.name, rest, key, shop_id, sources, delivery_methods })
}

/// Receives every SKU of the feed, and makes a kit of two that there are plenty of.
async fn stock(rest: &Client) -> anyhow::Result<Goods> {
    let mut skus = read_skus(rest).await?;
    let (warehouse_id, units_received) = receive_stock(rest, &skus).await?;
    let [_, first, second, ..] = &skus[..] else { anyhow::bail!("the feed has too few offers") };
    let kit = json!({ "product": { "kind": "PRODUCT_KIND_KIT", "name": "Подарункова скринька", "variants": [{
        "sku": KIT, "components": [{ "sku": first, "quantity": 1 }, { "sku": second, "quantity": 2 }],
    }] } });
    rest.post("/v1/products", "demo-kit", &kit).await?.ok()?;
    let lists = rest.get("/v1/price-lists").await?.ok()?;
    let list_id =
        text(list(&lists, "priceLists").first().context("the feed made no price list")?, "priceListId")?;
    let prices = json!({ "prices": [{ "sku": KIT, "amount": { "amount": "1490", "currencyCode": "RUB" } }] });
    rest.post(&format!("/v1/price-lists/{list_id}/prices"), "demo-kit-price", &prices).await?.ok()?;
    skus.push(KIT.to_owned());
    Ok(Goods { skus, warehouse_id, units_received })
}

async fn open_delivery(rest: &Client, shop_id: &str) -> anyhow::Result<[String; 2]> {
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
    let made = async |key: &str, method: Value| {
        let made = rest.post("/v1/delivery-methods", &format!("{key}-{shop_id}"), &method).await?.ok()?;
        text(&made, "deliveryMethodId")
    };
    Ok([made("courier", courier).await?, made("pickup", pickup).await?])
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

/// The warehouse and how many units lie there.
async fn receive_stock(rest: &Client, skus: &[String]) -> anyhow::Result<(String, i64)> {
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
    Ok((text(&warehouse, "warehouseId")?, (0..skus.len()).map(units).sum()))
}

/// A text field of an answer.
pub fn text(body: &Value, field: &str) -> anyhow::Result<String> {
    body[field].as_str().map(str::to_owned).with_context(|| format!("the answer has no {field}: {body}"))
}

/// A list of an answer; absent is empty.
pub fn list<'a>(body: &'a Value, field: &str) -> &'a [Value] {
    body[field].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// An int64 is a string in JSON.
pub fn whole(value: &Value) -> i64 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}
