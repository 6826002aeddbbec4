//! The feed of a shop.

use proto::access::v1 as access;
use proto::catalog::v1 as pb;
use testing::refusal;
use tonic::Code;
use types::{ShopId, SourceId};

use crate::desk::{Desk, facts, product, rubles, variant, with_barcodes};
use crate::feeds::{Import, feed, offer};

const GOLDEN: &str = include_str!("golden/feed.yml");

fn shop(desk: &Desk, warehouses: &[&str]) -> String {
    let shop_id = ShopId::new().to_string();
    let shop = access::Shop {
        shop_id: shop_id.clone(),
        name: "Посуда & Ко".to_owned(),
        page_url: "https://shop.example/order?from=mail".to_owned(),
        warehouse_ids: warehouses.iter().map(|id| (*id).to_owned()).collect(),
        ..Default::default()
    };
    desk.neighbours.state().shops.insert(shop_id.clone(), shop);
    shop_id
}

async fn export(desk: &mut Desk, request: pb::ExportFeedRequest) -> Result<String, tonic::Status> {
    let mut stream = desk.catalog.export_feed(request).await?.into_inner();
    let mut file = Vec::new();
    while let Some(chunk) = stream.message().await? {
        file.extend_from_slice(&chunk.chunk);
    }
    Ok(String::from_utf8(file).expect("UTF-8"))
}

fn of(shop_id: &str) -> pb::ExportFeedRequest {
    let (shop_id, currency_code) = (shop_id.to_owned(), "RUB".to_owned());
    pb::ExportFeedRequest { shop_id, currency_code, ..Default::default() }
}

/// The file without the one thing that changes by itself.
fn undated(file: &str) -> String {
    let (before, rest) = file.split_once("date=\"").expect("a date");
    let (_, after) = rest.split_once('"').expect("its end");
    format!("{before}date=\"\"{after}")
}

/// Everything a feed can say, and things it must leave out.
async fn stock_the_shop(desk: &mut Desk) -> pb::PriceList {
    let kitchen = desk.category("Кухня <и> дом", None).await;
    let cups = desk.category("Чашки", Some(&kitchen)).await;
    let list = desk.price_list(rubles("Retail")).await;
    let white = pb::Variant {
        name: "Чашка \"белая\"".to_owned(),
        weight_grams: 290,
        picture_urls: vec!["https://shop.example/1.jpg?a=1&b=2".to_owned()],
        characteristics: [("Цвет", "белый"), ("Пусто", "")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        page_url: "https://shop.example/cup".to_owned(),
        ..with_barcodes("CUP-W", &["4600000000017"])
    };
    let blue = pb::Variant { name: "Чашка синяя".to_owned(), ..variant("CUP-B") };
    let gone = pb::Variant { archived: true, ..variant("CUP-GONE") };
    desk.add(pb::Product {
        vendor: "Завод".to_owned(),
        description: "Крепкая\nи лёгкая ".to_owned(),
        category_ids: vec![cups.category_id.clone(), kitchen.category_id.clone()],
        variants: vec![white, blue, gone],
        ..product("Чашка", &[])
    })
    .await;
    desk.add(product("Блюдце", &["PLATE"])).await;
    let set = pb::Variant {
        components: vec![
            pb::KitComponent { sku: "CUP-W".to_owned(), quantity: 2 },
            pb::KitComponent { sku: "PLATE".to_owned(), quantity: 1 },
        ],
        ..variant("SET")
    };
    desk.add(pb::Product {
        kind: pb::ProductKind::Kit.into(), variants: vec![set], ..product("Набор", &[])
    })
    .await;
    desk.add(pb::Product { kind: pb::ProductKind::Service.into(), ..product("Упаковка", &["WRAP"]) }).await;
    desk.add(product("Без цены", &["NO-PRICE"])).await;
    let archived = desk.add(product("Старое", &["OLD"])).await;
    desk.update(pb::Product { archived: true, ..archived }, &["archived"]).await.expect("archived");
    for (sku, amount) in [
        ("CUP-W", "350"),
        ("CUP-B", "340.50"),
        ("PLATE", "100"),
        ("SET", "750"),
        ("WRAP", "50"),
        ("OLD", "1"),
    ] {
        desk.set_price(&list, sku, amount).await;
    }
    let reduced = pb::Price {
        old_amount: Some(crate::desk::money("400", "RUB")),
        ..crate::desk::price("CUP-W", "350", "RUB")
    };
    desk.try_set_prices(&list, vec![reduced]).await.expect("set");
    for (sku, warehouse, units) in [("CUP-W", "near", 5), ("CUP-W", "far", 90), ("PLATE", "near", 7)] {
        desk.neighbours.put(sku, warehouse, units);
    }
    list
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_what_it_was_but_for_its_date() {
    let mut desk = Desk::open().await;
    stock_the_shop(&mut desk).await;
    let shop_id = shop(&desk, &["near"]);

    let file = export(&mut desk, of(&shop_id)).await.expect("a feed");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/feed.yml"), undated(&file))
            .expect("written");
    }
    desk.world.clock.advance(std::time::Duration::from_secs(3600));
    let later = export(&mut desk, of(&shop_id)).await.expect("a feed");

    assert_eq!(undated(&file), GOLDEN);
    assert_ne!(file, later);
    assert_eq!(undated(&file), undated(&later));
    desk.neighbours.put("CUP-B", "near", 1);
    let other = export(&mut desk, of(&shop_id)).await.expect("a feed");
    assert!(other.contains("<offer id=\"CUP-B\" available=\"true\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn its_own_feed_taken_in_again_changes_nothing() {
    let mut desk = Desk::open().await;
    let list = stock_the_shop(&mut desk).await;
    let source = SourceId::new();
    let foreign: String = (0..450)
        .map(|at| {
            offer(
                &format!("f{at}"),
                "9.90",
                &format!("<barcode>99{at}</barcode><param name=\"L\" unit=\"cm\">{at}</param>"),
            )
        })
        .collect();
    desk.import(Import::of(feed("<category id=\"7\">Foreign</category>", &foreign), source).into_list(&list))
        .await;
    let shop_id = shop(&desk, &[]);
    let file = export(&mut desk, of(&shop_id)).await.expect("a feed");
    assert_eq!(file.matches("<offer ").count(), 454);

    let own = Import {
        settings: pb::ImportFeedSettings {
            identity: pb::FeedIdentity::Own.into(),
            price_list_id: list.price_list_id.clone(),
            ..Default::default()
        },
        ..Import::of(file, source)
    };
    let before = desk.traces().await;
    let again = desk.import(own.clone()).await;

    assert_eq!(again.counts(), (454, 0, 0, 454, 0), "{:?}", again.errors);
    assert_eq!(again.last.price_changed_count, 0);
    assert!(desk.traces().await == before, "something was written");

    // What somebody changed in it counts.
    let text = String::from_utf8(own.file.clone()).expect("UTF-8");
    let edited = Import {
        file: text.replace("Чашка синяя", "Чашка голубая").into_bytes(), ..own
    };
    assert_eq!(desk.import(edited).await.counts(), (454, 0, 1, 453, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_without_its_neighbours_is_not_written() {
    let mut desk = Desk::open().await;
    let list = stock_the_shop(&mut desk).await;
    let shop_id = shop(&desk, &[]);

    let absent = ShopId::new().to_string();
    assert_eq!(facts(desk.catalog.export_feed(of(&absent)).await)["shop_id"], absent);
    let other = pb::ExportFeedRequest {
        currency_code: "USD".to_owned(),
        price_list_id: list.price_list_id,
        ..of(&shop_id)
    };
    assert_eq!(refusal(desk.catalog.export_feed(other).await).reason, "CURRENCY_MISMATCH");
    assert_eq!(refusal(desk.catalog.export_feed(of("shop")).await).fields, ["shop_id"]);
    desk.neighbours.state().away = true;
    let status = export(&mut desk, of(&shop_id)).await.expect_err("wrong stock is worse than none");
    assert_eq!(
        (status.code(), rpc::reason(&status).as_deref()),
        (Code::Unavailable, Some("UPSTREAM_UNAVAILABLE"))
    );
}
