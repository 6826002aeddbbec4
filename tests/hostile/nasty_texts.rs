//! Texts that mean something to SQL, terminals, spreadsheets and eyes, in every text of every request: kept exactly as they
//! are, or refused. (S12, S13)

use futures_util::StreamExt as _;
use http::Method;
use prost_reflect::Kind;
use proto::api::v1::Access;
use serde_json::{Value, json};

use crate::belongings::Belongings;
use crate::findings::findings;
use crate::methods;
use crate::places::{Place, places};
use crate::requests::{request_of, route_of, send};
use crate::suite::{SERVICES, Suite};

/// Texts that are tried in each field.
const TEXTS_PER_FIELD: usize = 2;

/// Each is kept as it is wherever a text is free.
const TEXTS: [&str; 12] = [
    "'; DROP TABLE orders; --",
    "' OR '1'='1",
    "x'); SELECT pg_sleep(9); --",
    "$1 %s {} %00 \\' \\x00",
    "%_%",
    "👩‍👩‍👧‍👦🏴‍☠️ 𝕌𝕟𝕚",
    "\u{202e}txt.exe\u{202c} \u{200f}שלום\u{200e} مرحبا",
    "e\u{301}\u{301}\u{301} Å Å ﬁ",
    "a\r\nSet-Cookie: x=1\r\n\r\n<b>",
    "=HYPERLINK(\"https://evil.example\")",
    "<script>alert(1)</script>",
    "../../../../etc/passwd",
];

/// Every text field of every method for keys.
pub async fn in_every_field(suite: &Suite, shop: &Belongings) {
    let tables = tables(suite).await;
    let mut tries = Vec::new();
    for method in methods::all() {
        let Some(route) = route_of(&method).filter(|_| method.policy.access == Access::Key) else { continue };
        let texts =
            places(&method.request).into_iter().filter(|place| matches!(place.field.kind(), Kind::String));
        for place in texts {
            // The first is for all; the others take turns.
            let turn = 1 + tries.len() % (TEXTS.len() - 1);
            tries.extend(
                [0, turn].into_iter().take(TEXTS_PER_FIELD).map(|at| (route, place.clone(), TEXTS[at])),
            );
        }
    }
    assert!(tries.len() > 1_000, "only {} texts were found", tries.len());
    let tried = futures_util::stream::iter(tries).map(async |(route, place, text)| {
        let mut request = request_of(&route.operation, shop);
        place.put(&mut request, json!(text));
        let answer = send(shop, route, &request).await;
        let name = format!("{} {}", route.operation, place.name());
        match answer.status.as_u16() {
            200..=299 => {
                altered(&place, text, &answer.body).map(|kept| format!("{name}: {text:?} became {kept}"))
            }
            400..=499 => None,
            status => Some(format!("{name}: {text:?} answers {status} {}", answer.text)),
        }
    });
    let wrong = findings(tried).await;
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(self::tables(suite).await, tables, "tables came or went");
    let log = suite.log();
    assert!(!log.contains("a call failed inside"), "{log}");
    assert!(
        !log.lines().any(|line| line.starts_with("Set-Cookie")),
        "a text wrote a line of its own:\n{log}"
    );
}

/// What an answer has in place of the text that was sent, when that is something else. Ids, versions and the names of secrets
/// are never taken from whoever makes a thing.
fn altered(place: &Place, text: &str, answer: &Value) -> Option<String> {
    let name = place.field.name();
    if name == "etag" || name == "credential_names" || name.ends_with("_id") {
        return None;
    }
    let kept = place.echoed(answer)?.as_str()?;
    (!kept.is_empty() && kept != text).then(|| format!("{kept:?}"))
}

/// The texts of an order come back as they were, by every way they are read.
pub async fn come_back_as_they_were(shop: &Belongings) {
    let marks = format!("e{}", "\u{301}".repeat(150));
    let texts = TEXTS.iter().map(|text| (*text).to_owned()).chain([marks]);
    for text in texts {
        let mut order = shop.order("MUG", "cash_on_delivery");
        order["comment"] = json!(text);
        order["contact"]["name"] = json!(text);
        order["delivery"]["address"]["line"] = json!(text);
        let placed = shop.client.ask(&Method::POST, "/v1/orders", Some(&shop.key), Some(&order)).await;
        if placed.status == 400 {
            assert!(!placed.fields().is_empty(), "{text:?}: {}", placed.text);
            continue;
        }
        assert_eq!(placed.status, 201, "{text:?}: {}", placed.text);
        let read = shop.get(&format!("/v1/orders/{}", placed.body["orderId"].as_str().unwrap())).await;
        for (pointer, what) in
            [("/comment", "comment"), ("/contact/name", "name"), ("/delivery/address/line", "address")]
        {
            assert_eq!(read.pointer(pointer), Some(&json!(text)), "the {what} is another one");
        }
    }
}

/// No text holds U+0000, and none is longer than its limit; both are said by name.
pub async fn nul_is_refused_by_name(shop: &Belongings) {
    for (text, reason) in [("a\u{0}b".to_owned(), "NUL_CHARACTER"), ("x".repeat(100_000), "TOO_LONG")] {
        let mut order = shop.order("MUG", "cash_on_delivery");
        order["comment"] = json!(text);
        let refused = shop.client.ask(&Method::POST, "/v1/orders", Some(&shop.key), Some(&order)).await;
        assert_eq!(refused.verdict(), (400, reason), "{}", refused.text);
        assert_eq!(refused.fields(), ["comment"]);
    }
}

async fn tables(suite: &Suite) -> Vec<String> {
    let mut tables = Vec::new();
    for service in SERVICES {
        let sql = "SELECT schemaname || '.' || tablename FROM pg_tables ORDER BY 1";
        let rows = suite.database(service).await.query(sql, &[]).await.unwrap();
        tables.extend(rows.iter().map(|row| format!("{service} {}", row.get::<_, String>(0))));
    }
    tables
}
