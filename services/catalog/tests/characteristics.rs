//! Characteristics with types.

use std::collections::BTreeMap;

use proto::catalog::v1 as pb;
use testing::refusal;
use tonic::Code;
use types::SourceId;

use crate::desk::{Answer, Desk, key, mask, product, reason, skus, variant};
use crate::feeds::{Import, feed, offer};

fn names(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(language, name)| ((*language).to_owned(), (*name).to_owned())).collect()
}

fn clock() -> pb::Characteristic {
    pb::Characteristic {
        code: "clock".to_owned(),
        names: names(&[("ru", "Частота"), ("uk", "Частота процесора"), ("en", "Clock")]),
        r#type: pb::CharacteristicType::Number.into(),
        unit: "GHz".to_owned(),
        filterable: true,
        ..Default::default()
    }
}

fn colour() -> pb::Characteristic {
    let choice = |code: &str, ru: &str, uk: &str| pb::CharacteristicChoice {
        code: code.to_owned(),
        names: names(&[("ru", ru), ("uk", uk)]),
    };
    pb::Characteristic {
        code: "colour".to_owned(),
        names: names(&[("ru", "Цвет"), ("uk", "Колір")]),
        r#type: pb::CharacteristicType::Choice.into(),
        choices: vec![choice("red", "Красный", "Червоний"), choice("blue", "Синий", "Синій")],
        filterable: true,
        variant_axis: true,
        ..Default::default()
    }
}

async fn try_define(desk: &mut Desk, characteristic: pb::Characteristic) -> Answer<pb::Characteristic> {
    let request =
        pb::CreateCharacteristicRequest { characteristic: Some(characteristic), idempotency_key: key() };
    desk.catalog.create_characteristic(request).await
}

async fn define(desk: &mut Desk, characteristic: pb::Characteristic) -> pb::Characteristic {
    try_define(desk, characteristic).await.expect("defined").into_inner()
}

async fn redefine(
    desk: &mut Desk,
    characteristic: pb::Characteristic,
    paths: &[&str],
) -> Answer<pb::Characteristic> {
    let (characteristic, update_mask) = (Some(characteristic), Some(mask(paths)));
    desk.catalog.update_characteristic(pb::UpdateCharacteristicRequest { characteristic, update_mask }).await
}

fn with(sku: &str, characteristics: &[(&str, &str)]) -> pb::Variant {
    pb::Variant { characteristics: names(characteristics), ..variant(sku) }
}

fn laptop(variants: Vec<pb::Variant>) -> pb::Product {
    pb::Product { variants, ..product("Laptop", &[]) }
}

async fn filtered(desk: &mut Desk, filters: &[&str]) -> Vec<String> {
    let characteristics: Vec<String> = filters.iter().map(|one| (*one).to_owned()).collect();
    let request =
        pb::SearchVariantsRequest { characteristics: characteristics.clone(), ..Default::default() };
    let found = skus(desk.search(request).await);
    // The words of a name narrow it no further here, and products are those of the variants.
    let request = pb::SearchVariantsRequest {
        characteristics: characteristics.clone(),
        text: "laptop".to_owned(),
        ..Default::default()
    };
    assert_eq!(skus(desk.search(request).await), found);
    let request = pb::ListProductsRequest { characteristics, ..Default::default() };
    assert_eq!(desk.products(request).await.len(), found.len());
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn values_have_the_type_of_their_characteristic() {
    let mut desk = Desk::open().await;
    define(&mut desk, clock()).await;
    define(&mut desk, colour()).await;
    let wifi = pb::Characteristic {
        code: "wifi".to_owned(),
        names: names(&[("en", "Wi-Fi")]),
        r#type: pb::CharacteristicType::Boolean.into(),
        ..Default::default()
    };
    define(&mut desk, wifi).await;

    let said = [("clock", "2.40"), ("colour", "red"), ("wifi", "true"), ("Материал", "медь")];
    let added = desk.add(laptop(vec![with("A", &said)])).await;
    assert_eq!(added.variants[0].characteristics["clock"], "2.4");
    for (code, value) in [("clock", "fast"), ("clock", "2.4 GHz"), ("colour", "pink"), ("wifi", "yes")] {
        let refused = refusal(desk.try_add(laptop(vec![with("B", &[(code, value)])])).await);
        assert_eq!(refused.code, Code::InvalidArgument);
        assert_eq!(refused.fields, [format!("product.variants[0].characteristics.{code}")], "{code} {value}");
        let changed = pb::Product { variants: vec![with("A", &[(code, value)])], ..added.clone() };
        assert_eq!(reason(desk.update(changed, &["variants"]).await), "MALFORMED");
    }
    // 2.40 is 2.4: nothing changes.
    let before = desk.traces().await;
    let same = pb::Product { variants: vec![with("A", &said)], ..added.clone() };
    desk.update(same, &["variants"]).await.expect("the same");
    assert!(desk.traces().await == before, "something was written");
    assert_eq!(desk.count("variant_values").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_narrowed_by_ranges_and_choices() {
    let mut desk = Desk::open().await;
    // Said before it was defined: it counts all the same.
    desk.add(laptop(vec![with("A", &[("clock", "2.39"), ("colour", "red")])])).await;
    desk.add(laptop(vec![with("B", &[("clock", "2.4"), ("colour", "blue")])])).await;
    define(&mut desk, clock()).await;
    define(&mut desk, colour()).await;
    desk.add(laptop(vec![with("C", &[("clock", "3"), ("colour", "red")])])).await;
    desk.add(laptop(vec![with("D", &[("clock", "3.000001")])])).await;
    desk.add(laptop(vec![variant("E")])).await;
    let old = desk.add(laptop(vec![with("F", &[("clock", "2.5")])])).await;
    desk.update(pb::Product { archived: true, ..old }, &["archived"]).await.expect("archived");

    for (filters, expected) in [
        (vec!["clock=2.4..3.0"], vec!["B", "C"]),
        (vec!["clock=..2.4"], vec!["A", "B"]),
        (vec!["clock=2.9.."], vec!["C", "D"]),
        (vec!["clock=3"], vec!["C"]),
        (vec!["colour=red"], vec!["A", "C"]),
        (vec!["colour=red|blue"], vec!["A", "B", "C"]),
        (vec!["colour=red", "clock=2.4.."], vec!["C"]),
        (vec!["clock=10.."], vec![]),
    ] {
        assert_eq!(filtered(&mut desk, &filters).await, expected, "{filters:?}");
    }
    for (filter, expected) in [
        ("clock", "MALFORMED"),
        ("clock=fast", "MALFORMED"),
        ("clock=3..2", "MALFORMED"),
        ("colour=pink", "MALFORMED"),
        ("weight=1..2", "NOT_FILTERABLE"),
    ] {
        let request =
            pb::SearchVariantsRequest { characteristics: vec![filter.to_owned()], ..Default::default() };
        let refused = refusal(desk.search(request).await);
        assert_eq!(
            (refused.fields[0].as_str(), refused.reason.as_str()),
            ("characteristics[0]", expected),
            "{filter}"
        );
    }
    let many =
        pb::SearchVariantsRequest { characteristics: vec!["clock=1".to_owned(); 11], ..Default::default() };
    assert_eq!(reason(desk.search(many).await), "TOO_MANY");
    // An archived one narrows nothing; its values are text again.
    redefine(&mut desk, pb::Characteristic { archived: true, ..clock() }, &["archived"])
        .await
        .expect("archived");
    let request =
        pb::ListProductsRequest { characteristics: vec!["clock=1".to_owned()], ..Default::default() };
    assert_eq!(reason(desk.catalog.list_products(request).await), "NOT_FILTERABLE");
    desk.add(laptop(vec![with("G", &[("clock", "fast")])])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_axis_tells_the_variants_of_a_product_apart() {
    let mut desk = Desk::open().await;
    let twins = laptop(vec![with("OLD-1", &[("colour", "red")]), with("OLD-2", &[("colour", "red")])]);
    let twins = desk.add(twins).await;
    define(&mut desk, colour()).await;

    let refused = refusal(
        desk.try_add(laptop(vec![with("A", &[("colour", "red")]), with("B", &[("colour", "red")])])).await,
    );
    assert_eq!(
        (refused.fields[0].as_str(), refused.reason.as_str()),
        ("product.variants[1].characteristics", "AXIS_TWIN")
    );
    let both =
        desk.add(laptop(vec![with("A", &[("colour", "red")]), with("B", &[("colour", "blue")])])).await;
    // What was so before stands in the way of no other change, and an archived twin of none.
    desk.update(pb::Product { name: "Old".to_owned(), ..twins }, &["name"]).await.expect("renamed");
    let replaced = pb::Product {
        variants: vec![with("C", &[("colour", "red")]), with("B", &[("colour", "blue")])],
        ..both
    };
    desk.update(replaced, &["variants"]).await.expect("A is archived");
    desk.add(product("Plain", &["P-1", "P-2"])).await;

    let grouped = |id: &str, colour: &str| {
        offer(id, "1", &format!("<param name=\"Колір\">{colour}</param>"))
            .replace("<offer ", "<offer group_id=\"g\" ")
    };
    let file = feed("", &(grouped("1", "Червоний") + &grouped("2", "Синий") + &grouped("3", "красный")));
    let said = desk.import(Import::of(file, SourceId::new())).await;
    assert_eq!(said.refusals().iter().map(|row| (row.1, row.3)).collect::<Vec<_>>(), [("3", "AXIS_TWIN")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_understood_in_any_language_and_with_units() {
    let mut desk = Desk::open().await;
    define(&mut desk, clock()).await;
    define(&mut desk, colour()).await;
    let param = |name: &str, unit: &str, value: &str| {
        format!("<param name=\"{name}\" unit=\"{unit}\">{value}</param>")
    };
    let file = feed(
        "",
        &(offer(
            "1",
            "1",
            &(param("частота", "GHz", "2,4") + &param("Колір", "", "Синій") + &param("Иное", "см", "7")),
        ) + &offer("2", "1", &param("Clock", "", "3.0"))
            + &offer("3", "1", &param("Частота", "", "быстро"))),
    );
    let import = Import::of(file, SourceId::new());

    let said = desk.import(import.clone()).await;

    assert_eq!(
        said.refusals().iter().map(|row| (row.1, row.2, row.3)).collect::<Vec<_>>(),
        [("3", "param", "CHARACTERISTIC_INVALID")]
    );
    let listed =
        desk.catalog.get_variant(pb::GetVariantRequest { sku: "1".to_owned(), ..Default::default() }).await;
    let expected = names(&[("clock", "2.4"), ("colour", "blue"), ("Иное", "7 см")]);
    assert_eq!(listed.expect("a variant").into_inner().characteristics, expected);
    let request =
        pb::SearchVariantsRequest { characteristics: vec!["clock=2.4..3".to_owned()], ..Default::default() };
    assert_eq!(skus(desk.search(request).await), ["1", "2"]);
    let before = desk.traces().await;
    desk.import(import).await;
    assert!(desk.traces().await == before, "something was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_are_kept_listed_and_changed() {
    let mut desk = Desk::open().await;
    let defined = define(&mut desk, clock()).await;
    define(&mut desk, colour()).await;

    assert_eq!(reason(try_define(&mut desk, clock()).await), "CHARACTERISTIC_EXISTS");
    let namesake = pb::Characteristic { code: "speed".to_owned(), ..clock() };
    assert_eq!(reason(try_define(&mut desk, namesake).await), "DUPLICATE");
    let lossy = pb::Characteristic { choices: colour().choices[..1].to_vec(), ..colour() };
    assert_eq!(reason(redefine(&mut desk, lossy, &["choices"]).await), "IMMUTABLE");
    let renamed = pb::Characteristic { unit: "ГГц".to_owned(), ..defined.clone() };
    let renamed = redefine(&mut desk, renamed, &["unit"]).await.expect("changed").into_inner();
    assert_eq!((renamed.unit.as_str(), renamed.etag.as_str()), ("ГГц", "2"));
    assert_eq!(
        reason(redefine(&mut desk, pb::Characteristic { unit: "Hz".to_owned(), ..defined }, &["unit"]).await),
        "ETAG_MISMATCH"
    );
    let absent = pb::Characteristic { code: "none".to_owned(), ..clock() };
    assert_eq!(reason(redefine(&mut desk, absent, &["unit"]).await), "CHARACTERISTIC_NOT_FOUND");

    let mut page = pb::ListCharacteristicsRequest { page_size: 1, ..Default::default() };
    let one = desk.catalog.list_characteristics(page.clone()).await.expect("a page").into_inner();
    page.page_token = one.next_page_token;
    let two = desk.catalog.list_characteristics(page).await.expect("a page").into_inner();
    assert_eq!((one.characteristics, two.characteristics[0].code.as_str()), (vec![renamed], "colour"));
    assert_eq!(desk.events::<pb::CharacteristicChanged>().await.len(), 3);
    assert_eq!(desk.audit("characteristic/clock").await.len(), 2);

    let odd = pb::Characteristic {
        code: "Clock!".to_owned(),
        names: names(&[("de", "Takt")]),
        r#type: pb::CharacteristicType::String.into(),
        choices: colour().choices,
        ..clock()
    };
    let expected =
        ["characteristic.code", "characteristic.names.de", "characteristic.unit", "characteristic.choices"];
    assert_eq!(refusal(try_define(&mut desk, odd).await).fields, expected);
}
