//! Every id in every request × somebody else's thing: it answers exactly like one that does not exist, and nothing of it is
//! seen or changed. (S1)

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use prost_reflect::{Kind, MessageDescriptor};
use proto::api::v1::Access;
use serde_json::{Value, json};
use simulators::{Partner, Simulators};
use transcode::Api;

use crate::belongings::{Belongings, OWNED, ids_in};
use crate::client::Answer;
use crate::findings::findings;
use crate::methods;
use crate::places::{Place, places};
use crate::requests::{percent, request_of, route_of, send};
use crate::suite::{SERVICES, Suite};

/// What the ids of a shop's things are called, and how they begin.
const NAMES_OF_OWNED: [(&str, &str); 30] = [
    ("attempt_id", "att"),
    ("carrier_account_id", "cac"),
    ("customer_id", "cus"),
    ("delivery_id", "whd"),
    ("delivery_method_id", "dlm"),
    ("delivery_plan_id", "dlp"),
    ("endpoint_id", "whe"),
    ("except_key_ids", "key"),
    ("fulfilment_id", "ful"),
    ("hold_reservation_id", "res"),
    ("incident_id", "inc"),
    ("key_id", "key"),
    ("line_id", "lin"),
    ("notification_id", "ntf"),
    ("order_id", "ord"),
    ("payment_id", "pay"),
    ("payment_ids", "pay"),
    ("promo_code_id", "prm"),
    ("provider_account_id", "pac"),
    ("quote_id", "quo"),
    ("receipt_id", "rcp"),
    ("refund_id", "rfd"),
    ("reservation_id", "res"),
    ("return_id", "ret"),
    ("shipment_id", "shm"),
    ("shipment_ids", "shm"),
    ("shop_id", "shp"),
    ("shop_ids", "shp"),
    ("shortage_id", "sht"),
    ("source_id", "src"),
];

/// What belongs to the organisation, and what is no id of ours.
const NAMES_OF_OTHERS: [&str; 22] = [
    "base_price_list_id",
    "brand_id",
    "category_id",
    "category_ids",
    "document_id",
    "from_warehouse_id",
    "import_mapping_id",
    "layer_id",
    "legal_entity_id",
    "organization_id",
    "parent_id",
    "price_list_id",
    "product_id",
    "to_warehouse_id",
    "transfer_id",
    "variant_id",
    "warehouse_id",
    "warehouse_ids",
    // Chosen by whoever owns the thing, and looked up within the shop.
    "cart_id",
    "external_id",
    "external_ids",
    "tax_id",
];

/// One id in a request, and how the ids of its kind begin.
type IdPlace = (Place, &'static str);

/// Lets one shop try everything on another one's things; answers the shop that tried.
pub async fn try_every_id(suite: &Suite) -> Belongings {
    let simulators = Simulators::start().await;
    simulators.faults("fiscal").settle(std::time::Duration::from_millis(50));
    let partner = Partner::start().await;
    suite.stock("RARE", 0).await;
    let (victim, attacker) = tokio::join!(
        Belongings::of(suite, &simulators, &partner, "victim", "+380671000001"),
        Belongings::of(suite, &simulators, &partner, "attacker", "+380671000002"),
    );
    let before = quiet(suite, &victim, &attacker).await;
    assert!(before.len() > 15, "the shop lives in few tables: {before:?}");

    let mut wrong = owners_see_their_own(&victim).await;
    wrong.extend(ids(&victim, &attacker).await);
    wrong.extend(lists(&victim, &attacker).await);
    wrong.extend(carts(&victim, &attacker).await);

    let after = rows(suite, &victim, &attacker).await;
    for (table, was) in &before {
        let is = after.get(table);
        if is != Some(was) {
            wrong.push(format!("{table} changed: {was:?} became {is:?}"));
        }
    }
    wrong.extend(
        after.keys().filter(|table| !before.contains_key(*table)).map(|table| format!("{table} is new")),
    );
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
    attacker
}

/// Without this an interface that finds nothing would pass.
async fn owners_see_their_own(victim: &Belongings) -> Vec<String> {
    let mut wrong = Vec::new();
    for path in [
        format!("/v1/orders/{}", victim.id("ord")),
        format!("/v1/payments/{}", victim.id("pay")),
        format!("/v1/shipments/{}", victim.id("shm")),
        format!("/v1/returns/{}", victim.id("ret")),
        format!("/v1/quotes/{}", victim.id("quo")),
        format!("/v1/carts/{}?shopId={}", victim.cart(), victim.id("shp")),
        format!("/v1/customers/{}", victim.id("cus")),
        format!("/v1/reservations/{}", victim.id("res")),
        format!("/v1/shortages/{}", victim.id("sht")),
        format!("/v1/promo-codes/{}", victim.id("prm")),
        format!("/v1/shops/{}", victim.id("shp")),
        format!("/v1/channel-accounts/{}", victim.id("src")),
    ] {
        let answer = victim.client.ask(&http::Method::GET, &path, Some(&victim.key), None).await;
        if answer.status != 200 {
            wrong.push(format!("{path} is hidden from its owner: {}", answer.text));
        }
    }
    wrong
}

/// Every id of a shop's thing, wherever a request has one.
async fn ids(victim: &Belongings, attacker: &Belongings) -> Vec<String> {
    let mut tries = Vec::new();
    for method in methods::all() {
        if method.policy.access != Access::Key {
            continue;
        }
        let ids = ids_of(&method.request);
        let Some(route) = route_of(&method) else { continue };
        tries.extend(ids.into_iter().map(|id| (route, id)));
    }
    assert!(tries.len() > 150, "only {} ids were found in the requests", tries.len());
    let tried = futures_util::stream::iter(tries).map(async |(route, (place, kind))| {
        let absent = format!("{kind}_{}", uuid::Uuid::now_v7().simple());
        let mut answers = Vec::new();
        for id in [victim.id(kind), absent.as_str()] {
            let mut request = request_of(&route.operation, attacker);
            place.put(&mut request, json!(id));
            answers.push((id.to_owned(), send(attacker, route, &request).await));
        }
        let (absent, foreign) = (answers.pop().unwrap(), answers.pop().unwrap());
        judge(victim, route, &place, &foreign, &absent)
    });
    findings(tried).await
}

/// What is wrong with the two answers, if anything.
fn judge(
    victim: &Belongings,
    route: &transcode::Route,
    place: &Place,
    foreign: &(String, Answer),
    absent: &(String, Answer),
) -> Option<String> {
    let name = format!("{} {}", route.operation, place.name());
    let ((foreign_id, foreign), (_, absent)) = (foreign, absent);
    let seen = leaked(victim, &foreign.text.replace(foreign_id.as_str(), ""));
    if !seen.is_empty() {
        return Some(format!("{name} shows {seen:?}: {}", foreign.text));
    }
    if foreign.status.is_server_error() || absent.status.is_server_error() {
        return Some(format!("{name} fails: {} / {}", foreign.text, absent.text));
    }
    if foreign.verdict() != absent.verdict() {
        return Some(format!("{name} tells them apart: foreign {} / absent {}", foreign.text, absent.text));
    }
    let (one, other) = (without_names(&foreign.text), without_names(&absent.text));
    if !foreign.status.is_success() && one != other {
        return Some(format!("{name} words them differently: {one} / {other}"));
    }
    // A request that is wrong for another reason proves nothing about the id that names what is acted on.
    let names_the_thing = route.template.contains(&format!("{{{}}}", place.name()));
    if names_the_thing && absent.status != 404 {
        return Some(format!("{name} of an absent thing answers {}: {}", absent.status, absent.text));
    }
    None
}

/// Every list without filters, and with what the victim's texts are.
async fn lists(victim: &Belongings, attacker: &Belongings) -> Vec<String> {
    let mut wrong = Vec::new();
    for route in Api::suite().routes() {
        if route.method != http::Method::GET
            || route.template.contains('{')
            || route.policy.access() != Access::Key
        {
            continue;
        }
        let method =
            methods::all().into_iter().find(|method| method.policy.operation == route.operation).unwrap();
        let texts = method.request.fields().filter(|field| {
            matches!(field.kind(), Kind::String)
                && !field.is_list()
                && !field.name().ends_with("_id")
                && field.name() != "page_token"
        });
        let words = [victim.canary.clone(), victim.phone.clone(), victim.cart(), victim.id("ord").to_owned()];
        let filtered = texts.flat_map(|field| {
            words
                .iter()
                .map(move |word| format!("{}={}", field.json_name(), percent(word)))
                .collect::<Vec<_>>()
        });
        let queries: Vec<_> = std::iter::once(String::new()).chain(filtered).collect();
        for query in queries {
            let path = format!("{}?pageSize=200&{query}", route.template);
            let path = path.trim_end_matches('&');
            let answer = attacker.client.ask(&route.method, path, Some(&attacker.key), None).await;
            // A refusal repeats what was asked for.
            let seen = leaked(victim, &answer.text);
            if answer.status.is_server_error() || (answer.status.is_success() && !seen.is_empty()) {
                wrong.push(format!("{path} shows {seen:?}: {} {}", answer.status, answer.text));
            }
        }
    }
    wrong
}

/// Carts have ids that the shop chose: they are looked up within a shop.
async fn carts(victim: &Belongings, attacker: &Belongings) -> Vec<String> {
    let mut wrong = Vec::new();
    let paths = [
        (http::Method::GET, format!("/v1/carts/{}", victim.cart()), (404, "CART_NOT_FOUND")),
        (http::Method::GET, format!("/v1/carts/{}?shopId={}", victim.cart(), victim.id("shp")), (404, "")),
        (http::Method::POST, format!("/v1/carts/{}/clear", victim.cart()), (404, "CART_NOT_FOUND")),
    ];
    for (method, path, (status, reason)) in paths {
        let body = (method == http::Method::POST).then(|| json!({}));
        let answer = attacker.client.ask(&method, &path, Some(&attacker.key), body.as_ref()).await;
        if answer.status.as_u16() != status || !(reason.is_empty() || answer.verdict().1 == reason) {
            wrong.push(format!("{method} {path}: {}", answer.text));
        }
    }
    wrong
}

/// What of the victim stands in an answer to somebody else.
fn leaked(victim: &Belongings, text: &str) -> Vec<String> {
    let ids = ids_in(text).into_iter().filter(|id| victim.all.contains(id));
    let words = [&victim.canary, &victim.phone].into_iter().filter(|word| text.contains(word.as_str()));
    ids.chain(words.cloned()).collect()
}

/// The text without what names the request, the thing asked for and the order that was made of it.
fn without_names(text: &str) -> String {
    let text = ids_in(text).into_iter().fold(text.to_owned(), |text, id| text.replace(&id, "…"));
    let mut body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    if let Some(body) = body.as_object_mut() {
        body.remove("request_id");
    }
    if let Some(facts) = body["metadata"].as_object_mut() {
        facts.remove("number");
    }
    body.to_string()
}

/// Where a request has ids of a shop's things.
fn ids_of(request: &MessageDescriptor) -> Vec<IdPlace> {
    let texts = places(request).into_iter().filter(|place| matches!(place.field.kind(), Kind::String));
    let ids =
        texts.filter(|place| place.field.name().ends_with("_id") || place.field.name().ends_with("_ids"));
    ids.filter_map(|place| {
        let owned = NAMES_OF_OWNED.iter().find(|(name, _)| *name == place.field.name());
        let Some((_, kind)) = owned else {
            let known = NAMES_OF_OTHERS.contains(&place.field.name());
            assert!(known, "{}: say whose it is, in NAMES_OF_…", place.field.full_name());
            return None;
        };
        assert!(OWNED.contains(kind), "{kind}_ is not made for the victim");
        Some((place, *kind))
    })
    .collect()
}

/// Every table's rows that name anything of the victim: how many, and a digest. An order that was refused keeps what it
/// asked for, whosever that is.
async fn rows(suite: &Suite, victim: &Belongings, attacker: &Belongings) -> BTreeMap<String, (i64, String)> {
    let uuid = |id: &str| uuid::Uuid::parse_str(&id[4..]).unwrap().hyphenated().to_string();
    let patterns: Vec<String> = victim.all.iter().map(|id| format!("%{}%", uuid(id))).collect();
    let refused = format!("%{}%,rejected,%", uuid(attacker.id("shp")));
    let mut found = BTreeMap::new();
    for service in SERVICES {
        let database = suite.database(service).await;
        let tables = "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables \
                      WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1";
        for table in database.query(tables, &[]).await.unwrap() {
            let table: String = table.get(0);
            let sql = format!(
                "SELECT count(*), coalesce(md5(string_agg(row_text, '|' ORDER BY row_text)), '') \
                 FROM (SELECT kept::text AS row_text FROM {table} AS kept) AS texts \
                 WHERE row_text LIKE ANY ($1) AND NOT ($2 AND row_text LIKE $3)"
            );
            let is_orders = service == "orders" && table == "public.orders";
            let row = database.query_one(&sql, &[&patterns, &is_orders, &refused]).await.unwrap();
            let (count, digest): (i64, String) = (row.get(0), row.get(1));
            if count > 0 {
                found.insert(format!("{service} {table}"), (count, digest));
            }
        }
    }
    found
}

/// The same once nothing moves any more.
async fn quiet(suite: &Suite, victim: &Belongings, attacker: &Belongings) -> BTreeMap<String, (i64, String)> {
    let mut last = rows(suite, victim, attacker).await;
    for _ in 0..60 {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let now = rows(suite, victim, attacker).await;
        if now == last {
            return now;
        }
        last = now;
    }
    panic!("the victim's rows never come to rest");
}
