//! The page of a parcel, for buyers without a key.

use base64::Engine as _;
use http::Method;
use prost::Message as _;
use prost_types::Timestamp;
use proto::access::v1::{GetShopRequest, Shop as ShopOfAccess};
use proto::delivery::v1::{GetTrackerRequest, Tracker, TrackerStep, TrackingStatus};
use rpc::{Actor, Fault};
use serde_json::json;
use sha2::Digest as _;
use tonic::{Code, Status};

use crate::shop::{Answer, Asking, Shop};

const TRACKER: &str = "/korob.delivery.v1.DeliveryService/GetTracker";
const GET_SHOP: &str = "/korob.access.v1.AccessService/GetShop";
const CODE: &str = "0192f0a1b2c3d4e5f60718293a4b5c6d";
/// One that no parcel has.
const NOBODYS: &str = "ffffffffffffffffffffffffffffffff";
/// 2026-07-01 20:30 UTC: the next day in Almaty, and summer in Kyiv.
const EVENING: i64 = 1_782_937_800;

/// A gateway in front of one parcel, of a shop in Kyiv that speaks Ukrainian.
async fn open() -> Shop {
    let shop = Shop::open_with(|settings| {
        settings.limits.trackers_per_second_max = 1000;
        settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    show(&shop, parcel());
    shop_is(&shop, "Europe/Kyiv", "uk-UA");
    shop
}

fn parcel() -> Tracker {
    let at = |seconds| Timestamp { seconds, nanos: 0 };
    let step = |status: TrackingStatus, hours: i64| TrackerStep {
        status: status.into(),
        occur_time: Some(at(EVENING + hours * 3600)),
    };
    Tracker {
        carrier: "nova-poshta".to_owned(),
        tracking_number: "20450123456789".to_owned(),
        status: TrackingStatus::ReadyForPickup.into(),
        steps: vec![step(TrackingStatus::PickedUp, 0), step(TrackingStatus::ReadyForPickup, 20)],
        storage_end_time: Some(at(EVENING + 7 * 24 * 3600)),
        shop_id: "shp_1".to_owned(),
    }
}

fn show(shop: &Shop, tracker: Tracker) {
    shop.fakes.answer(TRACKER, move |request: GetTrackerRequest| match request.tracker_code.as_str() {
        CODE => Ok(tracker.clone()),
        _ => Err(Fault::new(Code::NotFound, "SHIPMENT_NOT_FOUND", "there is no such shipment").into()),
    });
}

fn shop_is(shop: &Shop, time_zone: &'static str, locale: &'static str) {
    shop.fakes.answer(GET_SHOP, move |request: GetShopRequest| {
        assert_eq!(request.shop_id, "shp_1");
        let (time_zone, locale) = (time_zone.to_owned(), locale.to_owned());
        Ok(ShopOfAccess { time_zone, locale, ..Default::default() })
    });
}

fn ask<'s>(shop: &'s Shop, code: &str) -> Asking<'s> {
    shop.ask_anonymously(Method::GET, &format!("/track/{code}"))
}

async fn read(shop: &Shop, languages: &str) -> Answer {
    ask(shop, CODE).header("accept-language", languages).send().await
}

#[track_caller]
fn expect_page(answer: &Answer, status: u16, language: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(answer.header("content-language"), language);
    assert!(answer.text.contains(&format!("<html lang=\"{language}\">")), "{}", answer.text);
    assert_eq!(answer.header("x-robots-tag"), "noindex, nofollow");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    for loading in
        ["<script", "src=", "href=", "<link", "url(", "@import", "<iframe", "<img", "style=\"", "<form"]
    {
        assert!(!answer.text.contains(loading), "{loading}");
    }
    let (_, style) = answer.text.split_once("<style>").unwrap();
    let digest = sha2::Sha256::digest(style.split_once("</style>").unwrap().0);
    let digest = base64::engine::general_purpose::STANDARD.encode(digest);
    assert_eq!(
        answer.header("content-security-policy"),
        format!(
            "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'"
        )
    );
}

#[tokio::test]
async fn a_buyer_sees_where_the_parcel_is_by_the_clock_of_the_shop() {
    let shop = open().await;
    let page = read(&shop, "en-GB, en;q=0.8").await;
    expect_page(&page, 200, "en");
    for part in [
        "<p class=\"status\">Ready for pick-up</p>",
        "<bdi>Nova Poshta</bdi>",
        "<bdi>20450123456789</bdi>",
        "<dt>Kept until</dt><dd><time datetime=\"2026-07-08T23:30:00+03:00\">8 Jul 2026, 23:30</time></dd>",
        "<li>Handed to the carrier <time datetime=\"2026-07-01T23:30:00+03:00\">1 Jul 2026, 23:30</time></li>",
        "Europe/Kyiv",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    let at = |text: &str| page.text.find(text).unwrap();
    assert!(at("<li>Ready for pick-up") < at("<li>Handed to the carrier"), "the latest first");

    shop_is(&shop, "Asia/Almaty", "ru-KZ");
    let page = read(&shop, "en").await;
    assert!(page.text.contains("2 Jul 2026, 01:30"), "{}", page.text);

    let asked = shop.fakes.asked(TRACKER).remove(0);
    assert_eq!(asked.call.caller.actor, Actor::Service("gateway".to_owned()));
    assert_eq!(GetTrackerRequest::decode(asked.messages[0].clone()).unwrap().tracker_code, CODE);
}

#[tokio::test]
async fn the_page_speaks_the_language_of_its_reader_else_that_of_the_shop() {
    let shop = open().await;
    for (wished, language, status) in [
        ("uk", "uk", "Чекає на отримання"),
        ("ru-UA, uk;q=0.9", "ru", "Ожидает получения"),
        ("de, en;q=0.5, ru;q=0.4", "en", "Ready for pick-up"),
        ("de", "uk", "Чекає на отримання"),
    ] {
        let page = read(&shop, wished).await;
        expect_page(&page, 200, language);
        assert!(page.text.contains(&format!("<p class=\"status\">{status}</p>")), "{wished}: {}", page.text);
    }
    shop_is(&shop, "Europe/Berlin", "de-DE");
    expect_page(&ask(&shop, CODE).send().await, 200, "en");
}

#[tokio::test]
async fn every_status_has_a_name_in_every_language() {
    let shop = open().await;
    let mut names = std::collections::BTreeSet::new();
    for number in 1..=12 {
        show(&shop, Tracker { status: number, steps: vec![], ..parcel() });
        for language in ["uk", "ru", "en"] {
            let page = read(&shop, language).await;
            let (_, name) = page.text.split_once("<p class=\"status\">").unwrap();
            names.insert((language, name.split_once("</p>").unwrap().0.to_owned()));
        }
    }
    assert_eq!(names.len(), 36, "{names:?}");
}

#[tokio::test]
async fn what_is_over_or_not_known_is_left_out() {
    let shop = open().await;
    let status = TrackingStatus::Delivered.into();
    show(&shop, Tracker { status, tracking_number: String::new(), steps: vec![], ..parcel() });
    let page = read(&shop, "en").await;
    expect_page(&page, 200, "en");
    for absent in ["Kept until", "Number", "<ol>"] {
        assert!(!page.text.contains(absent), "{absent}: {}", page.text);
    }
}

#[tokio::test]
async fn what_comes_from_a_carrier_is_text_and_never_markup() {
    let shop = open().await;
    let (carrier, tracking_number) =
        ("<script>alert(1)</script>".to_owned(), "\"'><img onerror=x>&".to_owned());
    show(&shop, Tracker { carrier, tracking_number, ..parcel() });
    let page = read(&shop, "en").await;
    expect_page(&page, 200, "en");
    assert!(page.text.contains("<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>"), "{}", page.text);
    assert!(page.text.contains("<bdi>&quot;&#39;&gt;&lt;img onerror=x&gt;&amp;</bdi>"), "{}", page.text);
}

#[tokio::test]
async fn a_program_gets_the_same_as_json() {
    let shop = open().await;
    let answer = ask(&shop, CODE).header("accept", "application/json").send().await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.header("x-robots-tag"), "noindex, nofollow");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(
        answer.json(),
        json!({
            "carrier": "nova-poshta", "trackingNumber": "20450123456789", "shopId": "shp_1",
            "status": "TRACKING_STATUS_READY_FOR_PICKUP", "storageEndTime": "2026-07-08T20:30:00Z",
            "steps": [
                {"status": "TRACKING_STATUS_PICKED_UP", "occurTime": "2026-07-01T20:30:00Z"},
                {"status": "TRACKING_STATUS_READY_FOR_PICKUP", "occurTime": "2026-07-02T16:30:00Z"},
            ],
        })
    );
    for (accept, content_type) in [
        ("*/*", "text/html; charset=utf-8"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("text/html, application/json;q=0.9", "text/html; charset=utf-8"),
        ("application/json;q=0", "text/html; charset=utf-8"),
        ("application/json, text/html;q=0.9", "application/json"),
    ] {
        let answer = ask(&shop, CODE).header("accept", accept).send().await;
        assert_eq!(answer.header("content-type"), content_type, "{accept}");
    }
}

#[tokio::test]
async fn a_link_that_leads_nowhere_says_the_same_whatever_is_wrong_with_it() {
    let shop = open().await;
    let unknown = ask(&shop, NOBODYS).header("accept-language", "uk").send().await;
    expect_page(&unknown, 404, "uk");
    let unknown_json = ask(&shop, NOBODYS).header("accept", "application/json").send().await;
    unknown_json.expect_problem(404, "NOT_FOUND");
    assert_eq!(unknown_json.header("x-robots-tag"), "noindex, nofollow");
    let asked = shop.fakes.asked(TRACKER).len();
    for code in
        ["short", &CODE[1..], &format!("{CODE}0"), "%3Cscript%3E", "%00", &"я".repeat(16), &"g".repeat(32)]
    {
        let code: String = code
            .bytes()
            .map(|byte| if byte.is_ascii() { (byte as char).to_string() } else { format!("%{byte:02X}") })
            .collect();
        let malformed = ask(&shop, &code).header("accept-language", "uk").send().await;
        assert_eq!((malformed.status, &malformed.text), (unknown.status, &unknown.text), "{code}");
        let malformed = ask(&shop, &code).header("accept", "application/json").send().await;
        assert_eq!(malformed.expect_problem(404, "NOT_FOUND")["detail"], unknown_json.json()["detail"]);
    }
    assert_eq!(shop.fakes.asked(TRACKER).len(), asked, "what cannot be a code is not looked for");
}

#[tokio::test]
async fn a_page_that_cannot_be_shown_now_says_when_to_come_back() {
    let shop = open().await;
    for code in [Code::Unavailable, Code::DeadlineExceeded] {
        let down = move |_: GetTrackerRequest| -> Result<Tracker, Status> {
            Err(Status::new(code, "pod delivery-7"))
        };
        shop.fakes.answer(TRACKER, down);
        let page = read(&shop, "ru").await;
        expect_page(&page, 503, "ru");
        assert_eq!(page.header("retry-after"), "30");
        assert!(!page.text.contains("delivery-7"), "{}", page.text);
    }
    let answer = ask(&shop, CODE).header("accept", "application/json").send().await;
    answer.expect_problem(504, "DEADLINE_EXCEEDED");

    shop.fakes
        .answer::<GetTrackerRequest, Tracker>(TRACKER, |_| Err(Status::internal("row of Olena is broken")));
    let page = read(&shop, "en").await;
    expect_page(&page, 500, "en");
    assert!(!page.text.contains("Olena"), "{}", page.text);
}

#[tokio::test]
async fn without_the_access_service_times_are_those_of_greenwich() {
    let shop = open().await;
    shop.fakes.answer::<GetShopRequest, ShopOfAccess>(GET_SHOP, |_| Err(Status::unavailable("down")));
    let page = ask(&shop, CODE).send().await;
    expect_page(&page, 200, "en");
    assert!(
        page.text.contains("1 Jul 2026, 20:30</time>") && page.text.contains(": UTC</p>"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn who_looks_too_often_waits_and_nobody_else_does() {
    let shop = Shop::open_with(|settings| {
        settings.limits.trackers_per_second_max = 1;
        settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    show(&shop, parcel());
    shop_is(&shop, "Europe/Kyiv", "uk-UA");
    let look = async |from: &str| ask(&shop, CODE).header("x-forwarded-for", from).send().await;
    // Within one subscriber's network; a bucket holds twice the rate.
    let mut answers = Vec::new();
    for host in 1..=20 {
        answers.push(look(&format!("2001:db8::{host}")).await);
    }
    let refused = answers.iter().find(|answer| answer.status == 429).expect("one is refused");
    expect_page(refused, 429, "en");
    assert_eq!(refused.header("retry-after"), "1");
    expect_page(&look("2001:db8:0:1::1").await, 200, "uk");
}

#[tokio::test]
async fn looking_at_parcels_does_not_take_the_places_of_others() {
    let shop = Shop::open_with(|settings| settings.limits.trackers_max = 0).await;
    show(&shop, parcel());
    expect_page(&read(&shop, "en").await, 503, "en");
    let answer = ask(&shop, CODE).header("accept", "application/json").send().await;
    answer.expect_problem(503, "OVERLOADED");
    assert!(shop.fakes.asked(TRACKER).is_empty());
}

#[tokio::test]
async fn the_page_is_only_read() {
    let shop = open().await;
    let post = shop.ask_anonymously(Method::POST, &format!("/track/{CODE}")).send().await;
    post.expect_problem(405, "METHOD_NOT_ALLOWED");
    assert_eq!(post.header("allow"), "GET, HEAD, OPTIONS");
    let head = shop.ask_anonymously(Method::HEAD, &format!("/track/{CODE}")).send().await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    shop.ask_anonymously(Method::GET, "/track/").send().await.expect_problem(404, "UNKNOWN_PATH");
}
