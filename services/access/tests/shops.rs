//! Shops: what they are made of, who sees them, how they change.

use proto::access::v1 as pb;
use testing::refusal;
use tonic::Code;

use crate::office::{Office, READ, WRITE, create, mask, nobody};

fn get(shop_id: &str) -> pb::GetShopRequest {
    pb::GetShopRequest { shop_id: shop_id.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_gets_what_it_does_not_say() {
    let office = Office::open().await;
    let shop = office.shop("Подарки").await;

    assert_eq!(shop.shortage_policy(), pb::ShortagePolicy::Refuse);
    assert_eq!(shop.country_code, "UA", "from the locale");
    assert_eq!(shop.etag, "1");
    assert_eq!((shop.pay_by_minutes, shop.split_allowed, shop.quote_minutes), (0, Some(true), 30));
    assert!(shop.public_status_names.is_empty() && shop.page_url.is_empty());
    let read = office.operator().get_shop(get(&shop.shop_id)).await.unwrap().into_inner();
    assert_eq!(read, shop);
    assert_eq!(office.events_of(&shop.shop_id).await, ["korob.access.v1.ShopChanged"]);
    assert_eq!(office.history_of(&shop.shop_id).await, ["access.create_shop"]);

    let worldwide = pb::Shop { locale: "en".to_owned(), ..office.described("En").await };
    let worldwide = office.operator().create_shop(create(worldwide)).await.unwrap().into_inner();
    assert_eq!(worldwide.country_code, "UA", "home, when nothing says otherwise");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_makes_no_second_shop() {
    let office = Office::open().await;
    let request = create(office.described("Once").await);
    let (mut one, mut two) = (office.operator(), office.operator());
    let (first, second) = tokio::join!(one.create_shop(request.clone()), two.create_shop(request.clone()));
    assert_eq!(first.unwrap().into_inner(), second.unwrap().into_inner());

    let mut other = request;
    other.shop.as_mut().unwrap().name = "Twice".to_owned();
    assert_eq!(refusal(office.operator().create_shop(other).await).reason, "IDEMPOTENCY_KEY_REUSED");
    let shops =
        office.operator().list_shops(pb::ListShopsRequest::default()).await.unwrap().into_inner().shops;
    assert_eq!(shops.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_by_field() {
    let office = Office::open().await;
    let good = office.described("Good").await;
    let with = |change: fn(&mut pb::Shop)| {
        let mut shop = good.clone();
        change(&mut shop);
        shop
    };
    let cases = [
        (with(|shop| shop.legal_entity_id = "1".to_owned()), "shop.legal_entity_id"),
        (with(|shop| shop.name.clear()), "shop.name"),
        (with(|shop| shop.name = "n".repeat(201)), "shop.name"),
        (with(|shop| shop.time_zone.clear()), "shop.time_zone"),
        (with(|shop| shop.time_zone = "Europe/Kiyv".to_owned()), "shop.time_zone"),
        (with(|shop| shop.time_zone = "+02:00".to_owned()), "shop.time_zone"),
        (with(|shop| shop.locale = "ukrainian".to_owned()), "shop.locale"),
        (with(|shop| shop.locale = "uk_UA".to_owned()), "shop.locale"),
        (with(|shop| shop.locale = "uk-".to_owned()), "shop.locale"),
        (with(|shop| shop.currency_code = "XXX".to_owned()), "shop.currency_code"),
        (with(|shop| shop.shortage_policy = 7), "shop.shortage_policy"),
        (with(|shop| shop.number_prefix = "A B".to_owned()), "shop.number_prefix"),
        (with(|shop| shop.number_prefix = "123456789".to_owned()), "shop.number_prefix"),
        (with(|shop| shop.warehouse_ids = vec!["whs_1".to_owned()]), "shop.warehouse_ids[0]"),
        (with(|shop| shop.warehouse_ids = vec![format!("whs_{:032x}", 1); 2]), "shop.warehouse_ids[1]"),
        (with(|shop| shop.warehouse_ids = vec![String::new(); 101]), "shop.warehouse_ids"),
        (with(|shop| shop.country_code = "ua".to_owned()), "shop.country_code"),
        (with(|shop| shop.pay_by_minutes = -1), "shop.pay_by_minutes"),
        (with(|shop| shop.pay_by_minutes = 43_201), "shop.pay_by_minutes"),
        (with(|shop| shop.quote_minutes = -1), "shop.quote_minutes"),
        (with(|shop| shop.quote_minutes = 1_441), "shop.quote_minutes"),
        (
            with(|shop| shop.public_status_names = vec![named(0, &[("uk", "Нове")])]),
            "shop.public_status_names[0].state",
        ),
        (
            with(|shop| shop.public_status_names = vec![named(99, &[("uk", "?")])]),
            "shop.public_status_names[0].state",
        ),
        (
            with(|shop| shop.public_status_names = vec![named(2, &[("uk", "Нове")]); 2]),
            "shop.public_status_names[1].state",
        ),
        (with(|shop| shop.public_status_names = vec![named(2, &[])]), "shop.public_status_names[0].names"),
        (
            with(|shop| shop.public_status_names = vec![named(2, &[("українська", "Нове")])]),
            "shop.public_status_names[0].names",
        ),
        (
            with(|shop| shop.public_status_names = vec![named(2, &[("uk", " ")])]),
            "shop.public_status_names[0].names.uk",
        ),
        (
            with(|shop| shop.public_status_names = vec![named(2, &[("uk", &"н".repeat(61))])]),
            "shop.public_status_names[0].names.uk",
        ),
        (
            with(|shop| shop.public_status_names = vec![named(2, &[("uk", "Нове")]); 21]),
            "shop.public_status_names",
        ),
        (with(|shop| shop.page_url = "shop.example".to_owned()), "shop.page_url"),
    ];
    for (shop, field) in cases {
        let refused = refusal(office.operator().create_shop(create(shop)).await);
        assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec![field.to_owned()]));
    }
    assert_eq!(refusal(office.operator().get_shop(get("7")).await).fields, ["shop_id"]);
}

fn named(state: i32, names: &[(&str, &str)]) -> pb::PublicStatusName {
    let names = names.iter().map(|(language, name)| ((*language).to_owned(), (*name).to_owned())).collect();
    pb::PublicStatusName { state, names }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_an_address_that_links_can_be_made_of() {
    let office = Office::open().await;
    let shop = office.shop("Shop").await;
    let set = async |url: &str| {
        let shop = pb::Shop { page_url: url.to_owned(), etag: String::new(), ..shop.clone() };
        office
            .operator()
            .update_shop(pb::UpdateShopRequest { shop: Some(shop), update_mask: mask(&["page_url"]) })
            .await
    };
    let good = [
        "https://shop.example/order",
        "https://shop.example:8443/o?lang=uk",
        "https://xn--80aa.example",
        "http://localhost:3000/order",
        "http://127.0.0.1/",
        "http://[::1]:3000/",
        "",
    ];
    for url in good {
        assert_eq!(set(url).await.unwrap().into_inner().page_url, url);
    }
    let long = format!("https://shop.example/{}", "x".repeat(500));
    let bad = [
        "http://shop.example/order",
        "ftp://shop.example",
        "javascript:alert(1)",
        "https://",
        "https:///order",
        "https://shop..example",
        "https://user:secret@shop.example/",
        "https://shop.example/order#token",
        "https://shop.example/a b",
        "https://shop.example:70000/",
        "https://shop.example\\@evil.example/",
        "https://крамниця.example/",
        "https://shop.example/\u{0}",
        "http://localhost.evil.example/",
        "http://[::1/",
        long.as_str(),
    ];
    for url in bad {
        let refused = refusal(set(url).await);
        assert_eq!(
            (refused.code, refused.fields),
            (Code::InvalidArgument, vec!["shop.page_url".to_owned()]),
            "{url}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_are_left_out_of_the_mask_stay() {
    let office = Office::open().await;
    let wanted = pb::Shop {
        split_allowed: Some(false),
        quote_minutes: 5,
        public_status_names: vec![
            named(6, &[("uk", "Виконано")]),
            named(2, &[("uk", "Прийнято"), ("en", "Accepted")]),
        ],
        ..office.described("Shop").await
    };
    let shop = office.operator().create_shop(create(wanted)).await.unwrap().into_inner();
    let states: Vec<i32> = shop.public_status_names.iter().map(|name| name.state).collect();
    assert_eq!((shop.split_allowed, shop.quote_minutes, states), (Some(false), 5, vec![2, 6]));

    let later =
        pb::Shop { pay_by_minutes: 90, ..pb::Shop { shop_id: shop.shop_id.clone(), ..Default::default() } };
    let request = pb::UpdateShopRequest { shop: Some(later), update_mask: mask(&["pay_by_minutes"]) };
    let changed = office.operator().update_shop(request).await.unwrap().into_inner();
    assert_eq!(changed, pb::Shop { pay_by_minutes: 90, etag: "2".to_owned(), ..shop.clone() });

    let reset = pb::Shop { shop_id: shop.shop_id.clone(), ..Default::default() };
    let paths = ["split_allowed", "quote_minutes", "public_status_names"];
    let request = pb::UpdateShopRequest { shop: Some(reset), update_mask: mask(&paths) };
    let reset = office.operator().update_shop(request).await.unwrap().into_inner();
    assert_eq!((reset.split_allowed, reset.quote_minutes), (Some(true), 30));
    assert!(reset.public_status_names.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_shop_answers_exactly_like_an_absent_one() {
    let office = Office::open().await;
    let (mine, foreign) = (office.shop("mine").await, office.shop("foreign").await);
    let mut partner = office.partner(&[&mine], &[READ, WRITE]);

    let absent = nobody("shp");
    let of_foreign = partner.get_shop(get(&foreign.shop_id)).await.unwrap_err();
    let of_absent = partner.get_shop(get(&absent)).await.unwrap_err();
    assert_eq!(of_foreign.code(), Code::NotFound);
    assert_eq!(rpc::reason(&of_foreign).as_deref(), Some("SHOP_NOT_FOUND"));
    assert_eq!(of_foreign.message().replace(&foreign.shop_id, ""), of_absent.message().replace(&absent, ""));

    let rename = |shop: &pb::Shop| pb::UpdateShopRequest {
        shop: Some(pb::Shop { name: "renamed".to_owned(), ..shop.clone() }),
        update_mask: mask(&["name"]),
    };
    assert_eq!(refusal(partner.update_shop(rename(&foreign)).await).reason, "SHOP_NOT_FOUND");
    let gone = pb::Shop { shop_id: absent, ..mine.clone() };
    assert_eq!(refusal(office.operator().update_shop(rename(&gone)).await).reason, "SHOP_NOT_FOUND");
    assert_eq!(partner.update_shop(rename(&mine)).await.unwrap().into_inner().name, "renamed");

    let listed = partner.list_shops(pb::ListShopsRequest::default()).await.unwrap().into_inner().shops;
    assert_eq!(listed.iter().map(|shop| &shop.shop_id).collect::<Vec<_>>(), [&mine.shop_id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_changes_what_is_masked_and_tells_it() {
    let office = Office::open().await;
    let shop = office.shop("Shop").await;
    let wanted = pb::Shop {
        name: "ignored".to_owned(),
        shortage_policy: pb::ShortagePolicy::Accept.into(),
        warehouse_ids: vec![format!("whs_{:032x}", 2), format!("whs_{:032x}", 1)],
        ..shop.clone()
    };
    let request = pb::UpdateShopRequest {
        shop: Some(wanted.clone()),
        update_mask: mask(&["shortage_policy", "warehouse_ids"]),
    };

    let changed = office.operator().update_shop(request.clone()).await.unwrap().into_inner();
    let repeated = office.operator().update_shop(request).await.unwrap().into_inner();

    let expected = pb::Shop { name: "Shop".to_owned(), etag: "2".to_owned(), ..wanted.clone() };
    assert_eq!(changed, expected);
    assert_eq!(repeated, changed, "a repeat finds it done, though its etag is old");
    assert_eq!(office.events_of(&shop.shop_id).await.len(), 2);
    assert_eq!(office.history_of(&shop.shop_id).await, ["access.create_shop", "access.update_shop"]);

    let late = pb::UpdateShopRequest { shop: Some(wanted), update_mask: mask(&["name"]) };
    assert_eq!(refusal(office.operator().update_shop(late).await).reason, "ETAG_MISMATCH");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_a_shop_can_be_changed() {
    let office = Office::open().await;
    let shop = office.shop("Before").await;
    let wanted = pb::Shop {
        legal_entity_id: office.entity("Other").await.legal_entity_id,
        name: "After".to_owned(),
        time_zone: "Asia/Almaty".to_owned(),
        locale: "kk-KZ".to_owned(),
        currency_code: "KZT".to_owned(),
        shortage_policy: pb::ShortagePolicy::Accept.into(),
        number_prefix: "KZ-".to_owned(),
        warehouse_ids: vec![format!("whs_{:032x}", 1)],
        country_code: "KZ".to_owned(),
        pay_by_minutes: 60,
        split_allowed: Some(false),
        quote_minutes: 15,
        public_status_names: vec![named(2, &[("kk", "Қабылданды"), ("ru", "Принят")])],
        page_url: "https://shop.example.kz/order".to_owned(),
        ..shop
    };
    let all = [
        "legal_entity_id",
        "name",
        "time_zone",
        "locale",
        "currency_code",
        "shortage_policy",
        "number_prefix",
        "warehouse_ids",
        "country_code",
        "pay_by_minutes",
        "split_allowed",
        "quote_minutes",
        "public_status_names",
        "page_url",
    ];
    let request = pb::UpdateShopRequest { shop: Some(wanted.clone()), update_mask: mask(&all) };
    let changed = office.operator().update_shop(request).await.unwrap().into_inner();
    assert_eq!(changed, pb::Shop { etag: "2".to_owned(), ..wanted });
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_updates_with_one_etag_change_it_once() {
    let office = Office::open().await;
    let shop = office.shop("Contested").await;
    let updates = (0..8).map(|at| {
        let shop = pb::Shop { name: format!("name {at}"), ..shop.clone() };
        let mut operator = office.operator();
        async move {
            operator
                .update_shop(pb::UpdateShopRequest { shop: Some(shop), update_mask: mask(&["name"]) })
                .await
        }
    });
    let answers = futures_util::future::join_all(updates).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 1);
    assert!(refused.into_iter().all(|answer| refusal(answer).reason == "ETAG_MISMATCH"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_cover_every_shop_once() {
    let office = Office::open().await;
    let mut made = Vec::new();
    for at in 0..5 {
        made.push(office.shop(&format!("shop {at}")).await.shop_id);
    }
    let (mut seen, mut request) = (Vec::new(), pb::ListShopsRequest { page_size: 2, ..Default::default() });
    loop {
        let page = office.operator().list_shops(request.clone()).await.unwrap().into_inner();
        seen.extend(page.shops.into_iter().map(|shop| shop.shop_id));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(seen, made);
}
