//! One suite, its day, and everything that can be planted into what it leaves behind.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use check::{Examination, Finding, News, Severity};
use serde_json::{Value, json};
use testing::eventually;

use crate::command::check as korob_check;
use crate::copies::{Copies, connect, sow, urls};
use crate::day::Day;
use crate::plants::{PLANTS, Plant};

/// What may still be on its way after the day.
const SETTLING: &str = "5s";
/// Inconsistencies that share a copy of a database.
const TOGETHER: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_well_is_silent_and_what_is_planted_is_found() {
    let mut day = Day::live().await;
    let simulators = day.simulators.root();
    let history = day.history.to_str().unwrap().to_owned();
    let config = day.suite.configuration().to_owned();

    // While it runs, with everything there is to compare.
    let databases = urls(&config);
    eventually("what is on its way has arrived", async || {
        examine(databases.clone(), Some(simulators.clone())).await.is_empty().then_some(())
    })
    .await;
    let all = ["--wait", SETTLING, "--history", &history, "--simulators", &simulators];
    let well = korob_check(&config, &all);
    assert_eq!(well.status, 0, "{well:?}");
    assert!(well.out.ends_with(" 0 violations, 0 notices\n"), "{well:?}");
    assert_eq!(korob_check(&config, &["--wait", "none", "--json"]).findings(), Vec::<Value>::new());

    what_nobody_knows_is_found(&day).await;
    what_clients_were_told_is_found(&day);
    what_comes_right_is_none(&day).await;

    day.suite.kill().await;
    let copies = Copies::of(&config).await;
    let mut missed: Vec<&str> = check::all()
        .map(|check| check.name)
        .filter(|name| {
            !["history", "charges", "refunds-known", "waybills-"].iter().any(|area| name.starts_with(area))
        })
        .collect();
    missed.retain(|name| PLANTS.iter().all(|plant| plant.check != *name));
    assert!(missed.is_empty(), "nothing was planted for {missed:?}");
    let services = copies.originals.keys().map(|service| {
        let planted: Vec<&Plant> = PLANTS.iter().filter(|plant| plant.database == service).collect();
        let copies = &copies;
        async move {
            // Neighbours speak of the same rows, so those that share a copy are far apart.
            let groups = planted.len().div_ceil(TOGETHER);
            for first in 0..groups {
                let together: Vec<&Plant> = planted.iter().skip(first).step_by(groups).copied().collect();
                are_found(copies, service, &together).await;
            }
        }
    });
    futures_util::future::join_all(services).await;
    the_command_says_what_is_wrong(&copies, &config).await;
    copies.drop_all().await;
}

/// Plants them, and hears of each by its ids, of what they break besides, and of nothing else.
async fn are_found(copies: &Copies, service: &str, planted: &[&Plant]) {
    let databases = copies.with_fresh(service).await;
    let mut sown = Vec::new();
    for plant in planted {
        let ids: Vec<String> = sow(&databases[service], plant).await.iter().map(|id| plain(id)).collect();
        assert!(!ids.is_empty(), "{}: nothing was planted", plant.check);
        sown.push((*plant, ids));
    }

    let findings = examine(databases, None).await;

    let names = |finding: &Finding, id: &String| finding.ids.values().any(|named| plain(named).contains(id));
    for (plant, ids) in &sown {
        let found = |id| findings.iter().any(|finding| finding.check == plant.check && names(finding, id));
        let missed: Vec<_> = ids.iter().filter(|id| !found(id)).collect();
        assert!(missed.is_empty(), "{}: {missed:?} are not in {findings:#?}", plant.check);
    }
    for finding in &findings {
        let meant = |(plant, ids): &(&Plant, Vec<String>)| {
            let itself = plant.check == finding.check && ids.iter().any(|id| names(finding, id));
            itself || plant.also.contains(&finding.check)
        };
        assert!(sown.iter().any(meant), "nobody planted {finding:#?}");
        assert_eq!(finding.severity == Severity::Notice, finding.check == "parked-events", "{finding:#?}");
    }
}

fn plain(id: &str) -> String {
    id.replace('-', "")
}

async fn examine(databases: BTreeMap<String, String>, simulators: Option<String>) -> Vec<Finding> {
    let examination = Examination { databases, history: None, simulators, wait: None };
    check::examine(&examination, |_| {}).await.unwrap().findings
}

/// What was done outside behind our back: a charge and a parcel of nobody, a second of each of ours, a refund.
async fn what_nobody_knows_is_found(day: &Day) {
    let attempts = "SELECT 'att_' || replace(attempt_id::text, '-', ''), reference FROM payment_attempts
                    WHERE account_id IS NOT NULL LIMIT 1";
    let attempt = day.suite.database("payments").await.query_one(attempts, &[]).await.unwrap();
    let (attempt, charge): (String, String) = (attempt.get(0), attempt.get(1));
    let parcels =
        "SELECT 'shm_' || replace(shipment_id::text, '-', '') FROM shipments WHERE carrier = 'parcel'";
    let parcel: String = day.suite.database("delivery").await.query_one(parcels, &[]).await.unwrap().get(0);
    // A name is used once by an account: what has the same is made by a stranger.
    let post = async |key: &str, path: String, body: Value| {
        let client = crate::rest::Client::new().authorized(key.to_owned());
        client.post(&path, &body["reference"].to_string(), &body).await.unwrap().ok().unwrap();
    };
    for reference in ["att_of_nobody", &attempt] {
        let path = format!("{}/v1/charges", day.simulators.url("card"));
        post("key_of_a_stranger", path, charge_of(reference)).await;
    }
    for reference in ["shm_of_nobody", &parcel] {
        let path = format!("{}/v1/parcels", day.simulators.url("parcel"));
        post("key_of_a_stranger", path, parcel_of(reference)).await;
    }
    let refund =
        json!({ "reference": "rfd_of_nobody", "charge_id": charge, "amount_minor": 100, "currency": "UAH" });
    post("key_of_tests", format!("{}/v1/refunds", day.simulators.url("card")), refund).await;
    day.simulators.advance_clock(Duration::from_secs(1));

    let root = day.simulators.root();
    let arguments = ["--wait", "none", "--json", "--simulators", &root];
    let said = korob_check(day.suite.configuration(), &arguments);

    assert_eq!(said.status, 1, "{said:?}");
    let ids = ["attempt_id", "reference", "shipment_id"];
    let about = |finding: &Value| {
        let id = ids.iter().find_map(|kind| finding["ids"][kind].as_str()).unwrap_or_default();
        (finding["check"].as_str().unwrap_or_default().to_owned(), id.to_owned())
    };
    let found: BTreeSet<_> = said.findings().iter().map(about).collect();
    let wanted = [
        ("charges-once", attempt.as_str()),
        ("charges-known", &attempt),
        ("charges-known", "att_of_nobody"),
        ("refunds-known", "rfd_of_nobody"),
        ("waybills-once", &parcel),
        ("waybills-known", "shm_of_nobody"),
    ];
    let wanted: BTreeSet<_> = wanted.map(|(check, id)| (check.to_owned(), id.to_owned())).into();
    assert_eq!(found, wanted, "{said:?}");
}

fn charge_of(reference: &str) -> Value {
    let valid_until = types::Clock::system().now() + chrono::TimeDelta::hours(1);
    json!({
        "reference": reference, "amount_minor": 500, "currency": "UAH", "capture": true, "payment_token": "tok_ok",
        "valid_until_time": valid_until.to_rfc3339(),
    })
}

fn parcel_of(reference: &str) -> Value {
    json!({
        "reference": reference, "order_number": "1", "service": "standard",
        "recipient": { "name": "Олена", "phone": "+380501234567" },
        "address": {
            "country_code": "UA", "region": "", "city": "Київ", "postal_code": "01001", "line": "Хрещатик 1",
            "pickup_point_code": "", "comment": "",
        },
        "weight_grams": 1_200, "declared_value": { "amount": "100.00", "currency": "UAH" }, "cod": null, "items": [],
    })
}

/// An order that is lost, one that is doubled, one that was altered, and one that came in spite of a refusal.
fn what_clients_were_told_is_found(day: &Day) {
    let text = std::fs::read_to_string(&day.history).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let acknowledged: Vec<&Value> = lines.iter().filter(|line| line["op"] == "ok").collect();
    let [first, second, third, ..] = acknowledged.as_slice() else { panic!("too few orders") };
    let ok = |key: &str, order_id: &Value, total: Value| json!({ "op": "ok", "kind": "place_order", "key": key, "order_id": order_id, "total": total });
    let told = [
        ok("lost", &json!("ord_00000000000000000000000000000000"), Value::Null),
        ok("doubled", &first["order_id"], Value::Null),
        ok("doubled", &second["order_id"], Value::Null),
        ok("altered", &third["order_id"], json!("1.00")),
        json!({ "op": "fail", "kind": "place_order", "key": "refused", "external_id": first["external_id"] }),
        json!({ "op": "invoke", "kind": "place_order", "key": "nobody knows" }),
    ];
    let file = day.history.with_file_name("other.jsonl");
    std::fs::write(&file, told.map(|line| line.to_string()).join("\n")).unwrap();

    let said = korob_check(
        day.suite.configuration(),
        &["--wait", "none", "--json", "--history", file.to_str().unwrap()],
    );

    let found: Vec<_> = said
        .findings()
        .iter()
        .map(|finding| (finding["check"].as_str().unwrap().to_owned(), finding["ids"]["key"].clone()))
        .collect();
    let wanted =
        ["lost", "doubled", "altered", "refused"].map(|word| (format!("history-{word}"), json!(word)));
    assert_eq!(found, wanted);
    assert_eq!(said.status, 1, "{said:?}");

    std::fs::write(&file, "{\"op\":\"done\",\"kind\":\"place_order\",\"key\":\"a\"}").unwrap();
    let said = korob_check(day.suite.configuration(), &["--history", file.to_str().unwrap()]);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(said.err.contains("line 1: op: done is none of"), "{said:?}");
}

/// What is wrong at the first look and right at the second is only a suspicion.
async fn what_comes_right_is_none(day: &Day) {
    let orders = day.suite.database("orders").await;
    let change = async |by: i64| {
        let sql = "UPDATE idempotency_keys SET resource_id = CASE $1::bigint WHEN 1 THEN resource_id || 'x' ELSE rtrim(resource_id, 'x') END
                   WHERE key = 'waits-0' AND method = 'orders.place_order'";
        assert_eq!(orders.execute(sql, &[&by]).await.unwrap(), 1);
    };
    change(1).await;
    let databases = urls(day.suite.configuration());
    let wait = Some(Duration::from_millis(500));
    let examination = Examination { databases, history: None, simulators: None, wait };
    let suspected = std::sync::Mutex::new(0);
    let (repair, waits) = tokio::sync::oneshot::channel::<()>();
    let repair = std::sync::Mutex::new(Some(repair));
    let news = |news| {
        if let News::Waits { suspicions, .. } = news {
            *suspected.lock().unwrap() = suspicions;
            drop(repair.lock().unwrap().take());
        }
    };

    let (report, ()) = tokio::join!(check::examine(&examination, news), async {
        // Dropped when the examination waits.
        let _ = waits.await;
        change(-1).await;
    });

    assert_eq!(*suspected.lock().unwrap(), 1);
    assert_eq!(report.unwrap().findings, Vec::new());
}

/// The words and the status of the command, and that an unreachable database is no violation.
async fn the_command_says_what_is_wrong(copies: &Copies, config: &std::path::Path) {
    let orders = connect(&copies.originals["orders"]).await;
    let order: String = orders
        .query_one("UPDATE orders SET cancelling = gen_random_uuid() WHERE state = 'cancelled' RETURNING replace(order_id::text, '-', '')", &[])
        .await
        .unwrap()
        .get(0);
    let said = korob_check(config, &["--wait", "100ms"]);
    assert_eq!(said.status, 1, "{said:?}");
    let words = format!(
        "VIOLATION order-sagas [orders] order_id=ord_{order} what=cancelling: expected a running process, found none\n"
    );
    assert!(said.out.contains(&words), "{said:?}");
    assert!(said.err.contains("1 suspicions: looking at them again in 0.1 s"), "{said:?}");

    let listed = korob_check(config, &["--list"]);
    assert!(
        listed.out.contains("\nstock-on-hand: What is on hand is the sum of what the ledger moved.\n"),
        "{listed:?}"
    );

    let text = std::fs::read_to_string(config).unwrap();
    let port = copies.originals["orders"].rsplit_once(':').unwrap().1.split_once('/').unwrap().0;
    let nowhere = config.with_file_name("nowhere.toml");
    std::fs::write(&nowhere, text.replace(&format!(":{port}/"), ":1/")).unwrap();
    let said = korob_check(&nowhere, &[]);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(said.err.contains("cannot be read") && said.err.contains("is PostgreSQL running"), "{said:?}");

    orders.batch_execute("ALTER TABLE quotes RENAME TO quotes_of_tomorrow").await.unwrap();
    let said = korob_check(config, &[]);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(said.err.contains("korob migrate"), "{said:?}");
}
