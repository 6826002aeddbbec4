//! Numbers and money that nobody has, in every number and sum of every request: refused with the field's name, never an
//! error of ours, and no money moves. (S11, S14, S15)

use futures_util::StreamExt as _;
use http::Method;
use prost_reflect::Kind;
use proto::api::v1::Access;
use serde_json::{Value, json};

use crate::belongings::Belongings;
use crate::client::Answer;
use crate::findings::findings;
use crate::methods;
use crate::places::{is_money, places};
use crate::requests::{request_of, route_of, send};
use crate::suite::Suite;

/// Whether a value can be right anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Some field may take it.
    Depends,
    /// No field takes it: 400.
    Refused,
}

/// What is tried in every whole number.
fn numbers() -> Vec<(Value, Fate)> {
    vec![
        (json!(-1), Fate::Depends),
        (json!(0), Fate::Depends),
        (json!(i64::MAX.to_string()), Fate::Depends),
        (json!(9_007_199_254_740_993_i64), Fate::Depends),
        (json!(1.5), Fate::Refused),
        (json!("many"), Fate::Refused),
        (json!("9223372036854775808"), Fate::Refused),
        (json!({}), Fate::Refused),
    ]
}

/// What is tried in every sum.
fn sums() -> Vec<(Value, Fate)> {
    let sum = |amount: &str, currency_code: &str| json!({ "amount": amount, "currencyCode": currency_code });
    vec![
        (sum("-1.00", "UAH"), Fate::Depends),
        (sum("1.00", "USD"), Fate::Depends),
        (sum("92233720368547758.07", "UAH"), Fate::Depends),
        (sum("1.001", "UAH"), Fate::Refused),
        (sum("1.5", "JPY"), Fate::Refused),
        (sum("1.0001", "KWD"), Fate::Refused),
        (sum("1.00", "XYZ"), Fate::Refused),
        (sum("99999999999999999999", "UAH"), Fate::Refused),
        (sum("1e400", "UAH"), Fate::Refused),
        (sum("NaN", "UAH"), Fate::Refused),
        (sum("1,00", "UAH"), Fate::Refused),
        (sum("١", "UAH"), Fate::Refused),
        (json!("1.00"), Fate::Refused),
    ]
}

pub async fn in_every_field(suite: &Suite, shop: &Belongings) {
    let mut tries = Vec::new();
    for method in methods::all() {
        let Some(route) = route_of(&method).filter(|_| method.policy.access == Access::Key) else { continue };
        for place in places(&method.request) {
            let values = match place.field.kind() {
                Kind::Int32 | Kind::Int64 | Kind::Uint32 | Kind::Uint64 => numbers(),
                _ if is_money(&place.field) && route.has_body() => sums(),
                _ => continue,
            };
            tries.extend(values.into_iter().map(|(value, fate)| (route, place.clone(), value, fate)));
        }
    }
    assert!(tries.len() > 1_000, "only {} numbers were found", tries.len());
    let tried = futures_util::stream::iter(tries).map(async |(route, place, value, fate)| {
        let mut request = request_of(&route.operation, shop);
        place.put(&mut request, value.clone());
        let answer = send(shop, route, &request).await;
        let what = format!("{} {}: {value}", route.operation, place.name());
        let status = answer.status.as_u16();
        if status >= 500 {
            return Some(format!("{what} answers {status}: {}", answer.text));
        }
        // What only answers have is not looked at in a request, but numbers must be numbers there, too.
        let is_form = !is_money(&place.field) || value.is_string();
        let must_be_refused = fate == Fate::Refused && (is_form || is_read(&place.field));
        if must_be_refused && status != 400 && status != 404 {
            return Some(format!("{what} answers {status}: {}", answer.text));
        }
        let names_it = answer.fields().iter().any(|field| names(field, place.field.json_name()));
        (must_be_refused && status == 400 && is_form && !names_it)
            .then(|| format!("{what} does not name the field: {}", answer.text))
    });
    let wrong = findings(tried).await;
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
    let log = suite.log();
    assert!(!log.contains("a call failed inside"), "{log}");
}

/// Sums of requests themselves are always read; those of resources may be what only answers have.
fn is_read(field: &prost_reflect::FieldDescriptor) -> bool {
    field.parent_message().name().ends_with("Request")
}

fn names(field: &str, json_name: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace('_', "");
    plain(field).contains(&plain(json_name))
}

/// What JSON itself cannot say, or says twice. (S11)
pub async fn json_bombs(shop: &Belongings) {
    let good = shop.order("MUG", "cash_on_delivery").to_string();
    let quantity = |raw: &str| good.replace("\"quantity\":1", &format!("\"quantity\":{raw}"));
    let comment = |raw: &str| {
        good.replacen('{', &format!("{{\"comment\":{raw},"), 1)
            .replace(",\"comment\":\"Канаркаattacker\"", "")
    };
    let bombs = [
        ("a number without end", quantity("1e400"), 400),
        ("NaN", quantity("NaN"), 400),
        ("Infinity", quantity("-Infinity"), 400),
        ("minus zero", quantity("-0"), 400),
        ("2^63", quantity("9223372036854775808"), 400),
        ("a number of a hundred thousand digits", quantity(&"9".repeat(100_000)), 400),
        ("leading zeros", quantity("01"), 400),
        ("hexadecimal", quantity("0x10"), 400),
        ("a lone surrogate", comment("\"\\ud800\""), 400),
        ("an unknown escape", comment("\"\\q\""), 400),
        ("a raw line break", comment("\"a\nb\""), 400),
        ("a text of a mebibyte", comment(&format!("\"{}\"", "x".repeat(1024 * 1024 - 4096))), 400),
        ("a duplicate key", good.replacen('{', "{\"shopId\":\"x\",", 1), 400),
        ("a hundred thousand lists", "[".repeat(100_000), 400),
        ("a hundred thousand objects", "{\"a\":".repeat(100_000), 400),
        (
            "deep inside an unknown field",
            good.replacen('{', &format!("{{\"x\":{}1{},", "[".repeat(50_000), "]".repeat(50_000)), 1),
            400,
        ),
        (
            "a hundred thousand lines",
            good.replace("\"lines\":[", &format!("\"lines\":[{}", "{},".repeat(100_000))),
            400,
        ),
        ("a byte order mark", format!("\u{feff}{good}"), 400),
        ("two documents", format!("{good}{good}"), 400),
        ("a comment", format!("/* */{good}"), 400),
    ];
    for (name, body, status) in bombs {
        let answer = raw(shop, body.into_bytes()).await;
        let (answered, reason) = answer.verdict();
        assert!(answered == status && !reason.is_empty(), "{name}: {} {}", answer.status, answer.text);
    }
    for (name, body) in [
        ("Latin-1", b"{\"comment\":\"\xe9\"}".to_vec()),
        ("an overlong NUL", b"{\"comment\":\"\xc0\x80\"}".to_vec()),
    ] {
        assert_eq!(raw(shop, body).await.verdict(), (400, "INVALID_UTF8"), "{name}");
    }
}

async fn raw(shop: &Belongings, body: Vec<u8>) -> Answer {
    let headers = [
        ("authorization", format!("Bearer {}", shop.key)),
        ("content-type", "application/json".to_owned()),
        ("idempotency-key", uuid::Uuid::new_v4().to_string()),
    ];
    shop.client.send(&Method::POST, "/v1/orders", headers, body).await
}

/// Money of another currency than the one that is owed moves nowhere, and rounding loses nothing.
pub async fn other_currencies(suite: &Suite, shop: &Belongings) {
    let post = async |path: String, body: Value| {
        shop.client.ask(&Method::POST, &path, Some(&shop.key), Some(&body)).await
    };
    let entries = "SELECT count(*) FROM ledger_entries";
    let placed = post("/v1/orders".to_owned(), shop.order("MUG", "cash_on_delivery")).await.ok();
    let payment = format!("/v1/payments/{}", placed["paymentId"].as_str().unwrap());
    let before = suite.number("payments", entries).await;
    for (amount, currency) in [
        ("150.00", "USD"),
        ("150", "JPY"),
        ("150.000", "KWD"),
        ("150.001", "UAH"),
        ("1.5", "JPY"),
        ("0", "UAH"),
        ("-1.00", "UAH"),
    ] {
        let money = json!({ "amount": { "amount": amount, "currencyCode": currency }, "reference": "1" });
        let refused = post(format!("{payment}/record"), money).await;
        assert!(
            matches!(refused.status.as_u16(), 400 | 409),
            "{amount} {currency} is taken: {}",
            refused.text
        );
        assert!(!refused.verdict().1.is_empty(), "{}", refused.text);
    }
    assert_eq!(suite.number("payments", entries).await, before, "money moved");

    let paid = json!({ "amount": { "amount": "150.00", "currencyCode": "UAH" }, "reference": "1" });
    post(format!("{payment}/record"), paid).await.ok();
    let before = suite.number("payments", entries).await;
    for (amount, currency) in
        [("1.00", "USD"), ("1", "JPY"), ("150.01", "UAH"), ("1.001", "UAH"), ("-1.00", "UAH")]
    {
        let refund = json!({ "amount": { "amount": amount, "currencyCode": currency }, "reason": "late" });
        let refused = post(format!("{payment}/refund"), refund).await;
        assert!(
            matches!(refused.status.as_u16(), 400 | 409),
            "{amount} {currency} is given back: {}",
            refused.text
        );
    }
    assert_eq!(suite.number("payments", entries).await, before, "money moved");

    for (field, value) in [
        ("currencyCode", json!("USD")),
        ("currencyCode", json!("XYZ")),
        ("currencyCode", json!("uah")),
        ("expectedTotal", json!({ "amount": "150.00", "currencyCode": "USD" })),
        ("expectedTotal", json!({ "amount": "0.01", "currencyCode": "UAH" })),
    ] {
        let mut order = shop.order("MUG", "cash_on_delivery");
        order[field] = value.clone();
        let refused = post("/v1/orders".to_owned(), order).await;
        assert!(matches!(refused.status.as_u16(), 400 | 409), "{field} {value}: {}", refused.text);
        assert!(!refused.verdict().1.is_empty(), "{}", refused.text);
    }
}
