//! What a feed becomes.

use proto::catalog::v1 as pb;
use types::SourceId;

use crate::desk::{Client, Desk, money, product, rubles};
use crate::feeds::{Import, feed, offer};

const RICH: &str = r#"<offer id="7" available="false" type="vendor.model">
  <url>https://example.com/7?a=1&amp;b=2</url>
  <price>1040,50</price><oldprice>1200</oldprice><currencyId>RUR</currencyId>
  <categoryId>1</categoryId><categoryId>2</categoryId>
  <picture>https://example.com/7-1.jpg</picture><picture>https://example.com/7-2.jpg</picture>
  <typePrefix>Кружка</typePrefix><vendor>Tom & Jerry</vendor><vendorCode> MUG-7 </vendorCode><model>«Кот» &#171;7&#187;</model>
  <barcode>4600000000017</barcode><barcode>house-7</barcode>
  <description><![CDATA[<p>Для чая & кофе</p>]]></description>
  <weight>0.2905</weight>
  <param name="Объём" unit="мл">250</param><param name="Цвет">белый</param><param name="Цвет">синий</param>
</offer>"#;

async fn variant(desk: &mut Desk, sku: &str) -> pb::Variant {
    let request = pb::GetVariantRequest { sku: sku.to_owned(), ..Default::default() };
    desk.catalog.get_variant(request).await.unwrap_or_else(|_| panic!("{sku} is there")).into_inner()
}

async fn product_of(desk: &mut Desk, sku: &str) -> pb::Product {
    let product_id = variant(desk, sku).await.product_id;
    desk.get(&pb::Product { product_id, ..Default::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_becomes_a_product_with_everything_it_says() {
    let mut desk = Desk::open().await;
    let source = SourceId::new();
    let categories = r#"<category id="2" parentId="1">Кружки</category><category id="1">Посуда</category>"#;

    let said = desk.import(Import::of(feed(categories, RICH), source).in_chunks_of(7)).await;

    assert_eq!(
        (said.counts(), said.last.category_count, said.last.price_changed_count),
        ((1, 1, 0, 0, 0), 2, 1)
    );
    let mug = product_of(&mut desk, "MUG-7").await;
    assert_eq!(mug.name, "Кружка Tom & Jerry «Кот» «7»");
    assert_eq!((mug.vendor.as_str(), mug.description.as_str()), ("Tom & Jerry", "<p>Для чая & кофе</p>"));
    assert_eq!(mug.external_ids, [pb::ExternalId { source_id: source.to_string(), id: "7".to_owned() }]);
    assert_eq!(mug.category_ids.len(), 2);
    let variant = &mug.variants[0];
    assert_eq!((variant.name.as_str(), variant.weight_grams), ("", 291));
    assert_eq!(variant.barcodes, ["4600000000017", "house-7"]);
    assert_eq!(variant.picture_urls, ["https://example.com/7-1.jpg", "https://example.com/7-2.jpg"]);
    assert_eq!(variant.page_url, "https://example.com/7?a=1&b=2");
    assert_eq!(variant.external_ids, mug.external_ids);
    let said: Vec<_> =
        [("Объём", "250 мл"), ("Цвет", "белый, синий")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
    assert_eq!(variant.characteristics, said.into_iter().collect());
    let request = pb::GetEffectivePriceRequest {
        sku: "MUG-7".to_owned(),
        currency_code: "RUB".to_owned(),
        ..Default::default()
    };
    let price = desk.catalog.get_effective_price(request).await.expect("a price").into_inner();
    assert_eq!(
        (price.amount, price.old_amount),
        (Some(money("1040.50", "RUB")), Some(money("1200.00", "RUB")))
    );
    let tree = desk
        .catalog
        .list_categories(pb::ListCategoriesRequest::default())
        .await
        .expect("a tree")
        .into_inner();
    assert_eq!(tree.categories.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["Посуда", "Кружки"]);
    assert_eq!(tree.categories[1].parent_id, tree.categories[0].category_id);
    assert_eq!(desk.audit(&mug.product_id).await, ["catalog.import_feed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_in_every_encoding_is_the_same_catalog() {
    let mut desk = Desk::open().await;
    let source = SourceId::new();
    let text = feed(
        "<category id=\"1\">Посуда</category>",
        &offer("1", "10", "<categoryId>1</categoryId><vendor>Глина</vendor>"),
    );
    let cp1251 = text.replace("UTF-8", "windows-1251");
    let (cp1251, _, _) = encoding_rs::WINDOWS_1251.encode(&cp1251);
    let utf16: Vec<u8> =
        std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();

    let first = desk.import(Import::of(text.clone(), source)).await;
    assert_eq!(first.counts(), (1, 1, 0, 0, 0));
    for (name, file) in [
        ("with a byte order mark", format!("\u{FEFF}{text}").into_bytes()),
        ("with CRLF", text.replace('\n', "\r\n").into_bytes()),
        ("windows-1251", cp1251.into_owned()),
        ("UTF-16", utf16),
        ("without a declaration", text.lines().skip(2).collect::<String>().into_bytes()),
    ] {
        let said = desk.import(Import::of(file, source).in_chunks_of(11)).await;
        assert_eq!(said.counts(), (1, 0, 0, 1, 0), "{name}");
    }
    assert_eq!(product_of(&mut desk, "1").await.vendor, "Глина");
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_of_a_group_are_variants_of_one_product() {
    let mut desk = Desk::open().await;
    let grouped = |id: &str| offer(id, "10", "").replace("<offer ", "<offer group_id=\"501\" ");
    let offers = [grouped("1"), offer("501", "10", ""), grouped("2")].concat();

    let said = desk.import(Import::of(feed("", &offers), SourceId::new())).await;

    assert_eq!(said.counts(), (3, 3, 0, 0, 0));
    assert_eq!(desk.count("products").await, 2);
    let group = product_of(&mut desk, "2").await;
    assert_eq!(group.name, "Offer 1");
    let variants: Vec<_> = group.variants.iter().map(|one| (one.sku.as_str(), one.name.as_str())).collect();
    assert_eq!(variants, [("1", "Offer 1"), ("2", "Offer 2")]);
    assert_eq!(group.external_ids[0].id, "group:501");
    assert_eq!(desk.events::<pb::ProductChanged>().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_code_is_the_sku_of_the_first_offer_that_has_it() {
    let mut desk = Desk::open().await;
    let source = SourceId::new();
    let coded = |id: &str| offer(id, "10", "<vendorCode>CODE</vendorCode>");
    desk.import(Import::of(feed("", &[coded("1"), coded("2"), offer("3", "10", "")].concat()), source)).await;

    for (sku, name) in [("CODE", "Offer 1"), ("2", "Offer 2"), ("3", "Offer 3")] {
        assert_eq!(product_of(&mut desk, sku).await.name, name);
    }
    // The other way round and with other codes, every variant keeps its SKU.
    let again = [offer("3", "10", "<vendorCode>NEW</vendorCode>"), coded("2"), coded("1")].concat();
    let said = desk.import(Import::of(feed("", &again), source)).await;
    assert_eq!(said.counts(), (3, 0, 0, 3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_offer_does_not_say_stays() {
    let mut desk = Desk::open().await;
    let source = SourceId::new();
    desk.import(Import::of(feed("", &offer("1", "10", "<weight>1</weight><barcode>46</barcode>")), source))
        .await;
    let mut mine = product_of(&mut desk, "1").await;
    mine.description = "Written by hand".to_owned();
    mine.variants[0].tax_category = "food".to_owned();
    desk.update(mine, &["description", "variants"]).await.expect("updated");

    let said = desk.import(Import::of(feed("", &offer("1", "10", "<weight>2</weight>")), source)).await;

    assert_eq!(said.counts(), (1, 0, 1, 0, 0));
    let product = product_of(&mut desk, "1").await;
    assert_eq!(product.description, "Written by hand");
    let variant = &product.variants[0];
    assert_eq!((variant.weight_grams, variant.tax_category.as_str()), (2000, "food"));
    assert_eq!(variant.barcodes, ["46"]);
    let last = desk.events::<pb::ProductChanged>().await.pop().expect("an event");
    assert_eq!((last.1, last.2.changed_fields), (3, vec!["variants".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_go_to_the_named_list_or_to_the_default_list_of_their_currency() {
    let mut desk = Desk::open().await;
    let dollars = offer("2", "5", "").replace("RUR", "USD");
    let offers = [offer("1", "10", ""), dollars].concat();
    let named = desk.price_list(rubles("Named")).await;

    let into_named = desk.import(Import::of(feed("", &offers), SourceId::new()).into_list(&named)).await;
    let by_default =
        desk.import(Import::of(feed("", &offers.replace("id=\"", "id=\"x")), SourceId::new())).await;

    assert_eq!(into_named.refusals(), [(8, "2", "currencyId", "CURRENCY_MISMATCH")]);
    assert_eq!(by_default.last.price_changed_count, 2);
    let lists = desk
        .catalog
        .list_price_lists(pb::ListPriceListsRequest::default())
        .await
        .expect("lists")
        .into_inner();
    let names: Vec<_> = lists.price_lists.iter().map(|list| list.name.as_str()).collect();
    assert_eq!(names, ["Named", "Default RUB", "Default USD"]);
    assert_eq!(desk.events::<pb::PriceListChanged>().await.len(), 3);
    // A second import finds the default lists.
    let dearer = offers.replace("id=\"", "id=\"x").replace("<price>", "<price>1");
    desk.import(Import::of(feed("", &dearer), SourceId::new())).await;
    assert_eq!(desk.count("price_lists").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_shop_comes_in_whole() {
    let mut desk = Desk::open().await;
    let file =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../korob/demo/feed.xml")).expect("the demo feed");

    let said = desk.import(Import::of(file, SourceId::new())).await;

    assert_eq!(said.refusals(), []);
    assert_eq!((said.counts(), said.last.category_count), ((347, 347, 0, 0, 0), 33));
    assert_eq!((desk.count("variants").await, desk.count("prices").await), (347, 347));
    assert_eq!(desk.count("categories").await, 33);
}

/// `KOROB_FEED=/path/to/feed.xml cargo nextest run -p korob-catalog a_feed_of_ones_own --no-capture`
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_of_ones_own() {
    let Ok(path) = std::env::var("KOROB_FEED") else { return };
    let mut desk = Desk::open().await;
    let file = std::fs::read(path).expect("the file");
    let import = Import::of(file, SourceId::new()).in_chunks_of(1 << 20);
    let call = rpc::Call::begin(rpc::Caller::operator("test"), std::time::Duration::from_secs(3600));
    desk.catalog = Client::new(desk.world.directory.channel("catalog").bind(&call));

    let started = std::time::Instant::now();
    let first = desk.import(import.clone()).await;
    let first_took = started.elapsed();
    let second = desk.import(import).await;

    println!("{first_took:?} {:?}\n{:?}", first.last, first.refusals());
    println!("{:?} {:?}", started.elapsed() - first_took, second.last);
    let (rows, created, updated, unchanged, errors) = first.counts();
    assert_eq!(rows, created + updated + unchanged + errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_may_import_with_the_scope_only() {
    let mut desk = Desk::open().await;
    let import = Import::of(feed("", &offer("1", "10", "")), SourceId::new());

    let reader = crate::feeds::send(&mut desk.for_partner(&["catalog.read"]), import.messages()).await;
    let writer = crate::feeds::send(&mut desk.for_partner(&["catalog.write"]), import.messages()).await;

    assert_eq!(reader.reason(), "SCOPE_MISSING");
    assert_eq!(writer.counts(), (1, 1, 0, 0, 0));
    let product = product_of(&mut desk, "1").await;
    let history = pb::ListProductHistoryRequest { product_id: product.product_id, ..Default::default() };
    let history = desk.catalog.list_product_history(history).await.expect("history").into_inner();
    assert!(history.entries[0].actor.starts_with("key:key_"), "{}", history.entries[0].actor);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_sku_or_barcode_is_refused_by_name() {
    let mut desk = Desk::open().await;
    let mine =
        pb::Product { variants: vec![crate::desk::with_barcodes("CODE", &["46"])], ..product("Mine", &[]) };
    desk.add(mine).await;
    let offers = [
        offer("1", "10", "<vendorCode>CODE</vendorCode>"),
        offer("CODE", "10", ""),
        offer("2", "10", "<barcode>46</barcode>"),
        offer("3", "10", "<barcode>47</barcode>"),
        offer("4", "10", "<barcode>47</barcode>"),
    ];

    let said = desk.import(Import::of(feed("", &offers.concat()), SourceId::new())).await;

    let expected = [
        (7, "1", "vendorCode", "SKU_TAKEN"),
        (8, "CODE", "id", "SKU_TAKEN"),
        (9, "2", "barcode", "BARCODE_TAKEN"),
        (11, "4", "barcode", "BARCODE_TAKEN"),
    ];
    assert_eq!(said.refusals(), expected);
    assert!(said.errors[2].message.contains("CODE"), "{}", said.errors[2].message);
    assert_eq!(said.counts(), (5, 1, 0, 0, 4));
}
