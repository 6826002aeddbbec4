//! The disaster drill: one database is lost and restored to an earlier moment, and the others have been damaged in twenty more
//! ways; all of it is found, a repair is proposed for each, and afterwards nothing is left.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use prost::Message;
use proto::events::v1::Event;
use proto::inventory::v1::inventory_service_client::InventoryServiceClient;
use proto::inventory::v1::{ReserveStockRequest, StockQuantity};
use proto::payments::v1::payment_service_client::PaymentServiceClient;
use proto::payments::v1::{OpenPaymentRequest, PaymentMethod};
use rpc::{BoundChannel, Call, Caller};
use serde_json::{Value, json};
use testing::eventually;
use tokio_postgres::Client;
use types::{OrderId, PaymentId, ReservationId};
use uuid::Uuid;

use crate::command::korob;
use crate::day::{Day, id};
use crate::suite::SERVICES;

/// What may be on its way when the suite has just started.
const SETTLING: &str = "3s";
/// Of the event that was parked.
const PARKED: &str = "customers.count_purchases";

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_an_earlier_moment_and_twenty_damages_are_repaired() {
    let mut day = Day::live().await;
    day.suite.stock("NUT", 50).await;
    let config = day.suite.configuration().to_owned();
    let folder = config.parent().unwrap().to_owned();
    let mut planted = through_the_services(&day).await;
    two_orders_without_an_end(&mut day).await;

    // Everything is dumped; then the suite goes on, and the orders of what it did then are lost.
    for service in SERVICES {
        let file = folder.join(format!("{service}.dump"));
        pg("pg_dump", &["-Fc", "--file", file.to_str().unwrap(), day.suite.database_url(service)]);
    }
    day.suite.start_again().await;
    let lost = Lost::of(&day).await;
    day.suite.kill().await;
    restore(&day, &folder.join("orders.dump")).await;
    let said = korob(&config, &["restored", "orders"]);
    assert!(said.status == 0 && said.out.contains("has the epoch"), "{said:?}");
    planted.extend(behind_their_backs(&day).await);
    planted.extend(lost.found_by());

    day.suite.start_again().await;
    // It gets a number that one of the lost orders had, and its event a position that was read before.
    let after = day.place("after", json!({})).await;
    planted.push(("order-numbers-reused", plain(id(&after))));

    let said = korob(&config, &["check", "--json", "--wait", SETTLING]);
    assert_eq!(said.status, 1, "{said:?}");
    let found = said.findings();
    for (check, about) in &planted {
        let names =
            |finding: &Value| finding["check"] == *check && finding["ids"].to_string().contains(about);
        assert!(found.iter().any(names), "{check} does not find {about}: {found:#?}");
    }
    let kinds: BTreeSet<_> = planted.iter().map(|(check, _)| *check).collect();
    assert!(planted.len() >= 25 && kinds.len() >= 15, "{} of {} kinds", planted.len(), kinds.len());

    everything_is_proposed(&config, &found);
    let said = korob(&config, &["check", "--wait", "none"]);
    assert_eq!(said.status, 1, "a dry run does nothing: {said:?}");
    only_what_is_chosen_is_repaired(&config, &found);

    // All but the money that was taken, which nobody but a person can decide about.
    let said = korob(&config, &["repair", "--wait", SETTLING]);
    assert_eq!(said.status, 1, "{said:?}");
    let asks = format!("korob repair --decide payment-orders:{}=refund", lost.paid_by);
    assert!(said.out.contains(&asks), "{said:?}");
    assert!(said.out.ends_with("1 violations are left, 1 for a person to decide\n"), "{said:?}");
    a_decision_is_kept_while_it_is_found_as_it_was(&config, &lost).await;
    let refund = format!("payment-orders:{}=refund", lost.paid_by);
    korob(&config, &["repair", "--wait", "none", "--decide", &refund, "--note", "the buyer wants his money"]);

    eventually("the refund has arrived", async || {
        let said = korob(&config, &["check", "--wait", "none"]);
        (said.status == 0).then_some(())
    })
    .await;
    let simulators = day.simulators.root();
    let said = korob(&config, &["repair", "--wait", "none", "--simulators", &simulators]);
    assert_eq!((said.status, said.err.as_str()), (0, ""), "nothing is done twice: {said:?}");
    assert!(said.out.starts_with("clean: 0 violations"), "{said:?}");
    for service in ["access", "customers", "inventory", "orders", "payments", "delivery"] {
        let sql = "SELECT count(*) FROM audit_log WHERE actor = 'operator:repair'";
        assert!(day.suite.number(service, sql).await > 0, "{service} has no history of the repair");
    }
    // The order of after the restore is counted: nothing was skipped.
    let counted =
        format!("SELECT count(*) FROM purchases WHERE order_id = '{}' AND counted", uuid(id(&after)));
    assert_eq!(day.suite.number("customers", &counted).await, 1);
    day.suite.stop().await;
}

/// Orders that are gone with the database, and what is left of them elsewhere.
struct Lost {
    waits: String,
    paid: String,
    paid_by: String,
    sent: String,
}

impl Lost {
    /// Placed after the dump: one waits, one is paid by card, one is with the carrier.
    async fn of(day: &Day) -> Self {
        let waits = day.place("lost-waits", json!({})).await;
        let paid = day.place_and_pay("lost-paid", json!({ "paymentMethod": "card" })).await;
        let method = std::fs::read_to_string(day.parcel_method_file()).unwrap();
        let mut delivery = day.suite.order("TEA", 7)["delivery"].clone();
        delivery["deliveryMethodId"] = json!(method);
        let sent = day.place("lost-sent", json!({ "delivery": delivery })).await;
        day.assemble(&sent).await;
        eventually("all of it is counted", async || {
            let sql = format!("SELECT count(*) FROM purchases WHERE order_id = '{}'", uuid(id(&sent)));
            (day.suite.number("customers", &sql).await == 1).then_some(())
        })
        .await;
        let paid_by = paid["paymentId"].as_str().unwrap().to_owned();
        let of = |order: &Value| plain(id(order));
        Self { waits: of(&waits), paid: of(&paid), paid_by, sent: of(&sent) }
    }

    fn found_by(&self) -> Vec<(&'static str, String)> {
        let orders = [&self.waits, &self.paid, &self.sent];
        let each = ["order-reservations", "payment-orders", "delivery-plan-orders", "customer-purchases"];
        let mut found: Vec<_> =
            orders.iter().flat_map(|order| each.map(|check| (check, (*order).clone()))).collect();
        found.push(("shipment-orders", self.sent.clone()));
        found.push(("event-cursors-log", "customers.count_purchases".to_owned()));
        found.push(("event-cursors-log", "payments.follow_orders".to_owned()));
        found
    }
}

/// What a mistake elsewhere could have left: made by the services' own verbs, so that it is whole in itself.
async fn through_the_services(day: &Day) -> Vec<(&'static str, String)> {
    let channel = |service: &str| -> BoundChannel {
        let call = Call::begin(Caller::operator("drill"), std::time::Duration::from_secs(10));
        day.suite.directory.channel(service).bind(&call)
    };
    let ghost = OrderId::new();
    let reserve = ReserveStockRequest {
        reservation_id: ReservationId::new().to_string(),
        owner: ghost.to_string(),
        shop_id: day.suite.shop_id.clone(),
        lines: vec![StockQuantity { sku: "NUT".to_owned(), quantity: 2 }],
        ..Default::default()
    };
    InventoryServiceClient::new(channel("inventory")).reserve_stock(reserve).await.unwrap();

    let sql = "SELECT replace(order_id::text, '-', '') FROM orders WHERE state = 'cancelled' LIMIT 1";
    let cancelled: String = day.suite.database("orders").await.query_one(sql, &[]).await.unwrap().get(0);
    let open = OpenPaymentRequest {
        payment_id: PaymentId::new().to_string(),
        order_id: format!("ord_{cancelled}"),
        shop_id: day.suite.shop_id.clone(),
        method: PaymentMethod::CashOnDelivery.into(),
        amount: Some(proto::r#type::v1::Money { amount: "9.00".to_owned(), currency_code: "UAH".to_owned() }),
        ..Default::default()
    };
    let payment_id = open.payment_id.clone();
    PaymentServiceClient::new(channel("payments")).open_payment(open).await.unwrap();
    vec![("order-reservations", plain(&ghost.to_string())), ("payment-orders", plain(&payment_id))]
}

/// The suite dies while two orders are being placed. One process is leased for an hour to nobody, the other is lost.
async fn two_orders_without_an_end(day: &mut Day) {
    let mut payments = day.suite.database("payments").await;
    let locked = payments.transaction().await.unwrap();
    locked.batch_execute("LOCK TABLE payments IN ACCESS EXCLUSIVE MODE").await.unwrap();
    for key in ["stuck", "processless"] {
        let (rest, mut order) = (day.suite.rest.clone(), day.suite.order("TEA", 7));
        order["externalId"] = json!(key);
        // Never answered: the suite dies.
        tokio::spawn(async move { drop(rest.post("/v1/orders", key, &order).await) });
    }
    eventually("both are recorded", async || {
        let sql =
            "SELECT count(*) FROM orders o JOIN sagas s ON s.saga_id = o.order_id WHERE o.state = 'placing'";
        (day.suite.number("orders", sql).await == 2).then_some(())
    })
    .await;
    day.suite.kill().await;
    locked.rollback().await.unwrap();
    let orders = day.suite.database("orders").await;
    let one = |key: &str| format!("(SELECT order_id FROM order_external_ids WHERE external_id = '{key}')");
    let sql = format!(
        "UPDATE sagas SET lease_until = now() + interval '1 hour', create_time = now() - interval '2 hours' WHERE saga_id = {};
         DELETE FROM sagas WHERE saga_id = {}",
        one("stuck"),
        one("processless")
    );
    orders.batch_execute(&sql).await.unwrap();
}

/// The orders as they were when they were dumped.
async fn restore(day: &Day, dump: &Path) {
    let url = day.suite.database_url("orders");
    let (server, name) = url.rsplit_once('/').unwrap();
    let admin = day.suite.database("access").await;
    eventually("nobody uses it any more", async || {
        admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.ok()
    })
    .await;
    admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    pg("pg_restore", &["-d", &format!("{server}/{name}"), dump.to_str().unwrap()]);
}

fn pg(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A damage: the check that finds it, where it goes, and SQL whose last statement answers whom it is about.
const DAMAGES: [(&str, &str, &str); 13] = [
    (
        "order-reservations",
        "inventory",
        "WITH one AS (DELETE FROM reservations WHERE owner = 'ord_' || '{waits-0}'
                      RETURNING reservation_id, 'res_' || replace(reservation_id::text, '-', '') AS id),
              lines AS (DELETE FROM reservation_lines WHERE reservation_id IN (SELECT reservation_id FROM one)),
              {forgotten}
         SELECT '{waits-0}' FROM one",
    ),
    (
        "stock-reservations",
        "inventory",
        "SELECT sku FROM stock_levels WHERE sku = 'TEA' AND condition = 'sellable'",
    ),
    (
        "order-reservations",
        "orders",
        "UPDATE order_lines SET reserved = 0 WHERE order_id = '{waits-1}'::uuid RETURNING '{waits-1}'",
    ),
    (
        "order-payments",
        "payments",
        "WITH one AS (DELETE FROM payments WHERE order_id = '{waits-2}'::uuid
                      RETURNING payment_id, 'pay_' || replace(payment_id::text, '-', '') AS id),
              {forgotten},
              entries AS (DELETE FROM ledger_entries WHERE order_id = '{waits-2}'::uuid),
              attempts AS (DELETE FROM payment_attempts WHERE payment_id IN (SELECT payment_id FROM one))
         SELECT '{waits-2}' FROM one",
    ),
    (
        "order-payments",
        "orders",
        "UPDATE orders SET paid = 100 WHERE order_id = '{waits-3}'::uuid RETURNING '{waits-3}'",
    ),
    (
        "order-delivery-plans",
        "delivery",
        "WITH one AS (DELETE FROM delivery_plans WHERE order_id = '{waits-4}'::uuid
                      RETURNING 'dlp_' || replace(delivery_plan_id::text, '-', '') AS id),
              {forgotten}
         SELECT '{waits-4}' FROM one",
    ),
    (
        "customer-purchases",
        "customers",
        "UPDATE purchases SET version = version + 7 WHERE order_id = '{waits-5}'::uuid RETURNING '{waits-5}'",
    ),
    (
        "customer-counters",
        "customers",
        "UPDATE purchase_totals SET order_count = order_count + 3 RETURNING replace(customer_id::text, '-', '')",
    ),
    (
        "order-customers",
        "orders",
        "UPDATE orders SET customer_id = gen_random_uuid() WHERE order_id = '{waits-6}'::uuid RETURNING '{waits-6}'",
    ),
    (
        "order-sagas",
        "orders",
        "UPDATE orders SET cancelling = gen_random_uuid() WHERE order_id = '{waits-7}'::uuid RETURNING '{waits-7}'",
    ),
    (
        "stock-on-hand",
        "inventory",
        "UPDATE stock_levels SET on_hand = on_hand + 5 WHERE sku = 'NUT' AND condition = 'sellable' RETURNING sku",
    ),
    (
        "delivery-plan-orders",
        "delivery",
        "UPDATE delivery_plans SET cancelled = false WHERE order_id = '{cancelled}'::uuid RETURNING '{cancelled}'",
    ),
    (
        // Ahead of its log: the suite finds that when it has started, and trusts the cursor no more.
        "event-cursors-log",
        "orders",
        "UPDATE event_cursors SET position = position + 1000 WHERE consumer = 'orders.follow_stock' RETURNING consumer",
    ),
];

/// What was told of it was told of something else: a database that was restored does not know that either.
const FORGOTTEN: &str = "told AS (UPDATE event_log SET aggregate_id = left(aggregate_id, 4) || reverse(substr(aggregate_id, 5))
                                  WHERE aggregate_id IN (SELECT id FROM one)),
                         written AS (UPDATE audit_log SET resource_id = left(resource_id, 4) || reverse(substr(resource_id, 5))
                                     WHERE resource_id IN (SELECT id FROM one))";

/// Plants all of it by SQL, while nothing runs.
async fn behind_their_backs(day: &Day) -> Vec<(&'static str, String)> {
    let orders = day.suite.database("orders").await;
    let mut planted = Vec::new();
    for (check, service, sql) in DAMAGES {
        let mut sql = sql.replace("{forgotten}", FORGOTTEN);
        while let Some((before, rest)) = sql.split_once('{') {
            let (key, after) = rest.split_once('}').unwrap();
            sql = format!("{before}{}{after}", order_of(&orders, key).await);
        }
        let client = day.suite.database(service).await;
        client.batch_execute("SET session_replication_role = replica").await.unwrap();
        let rows = client.query(&sql, &[]).await.unwrap_or_else(|error| panic!("{check}: {error:?}"));
        assert!(!rows.is_empty(), "{check}: nothing was planted by {sql}");
        planted.extend(rows.iter().map(|row| (check, row.get::<_, String>(0))));
    }
    planted.push(("order-sagas", order_of(&orders, "processless").await));
    let stuck = order_of(&orders, "stuck").await;
    planted.push(("sagas-undecided", Uuid::parse_str(&stuck).unwrap().to_string()));
    park_an_event(&orders, &day.suite.database("customers").await).await;
    planted.push(("parked-events", PARKED.to_owned()));
    planted
}

async fn order_of(orders: &Client, external_id: &str) -> String {
    let sql = "SELECT replace(order_id::text, '-', '') FROM order_external_ids WHERE external_id = $1";
    orders.query_one(sql, &[&external_id]).await.unwrap().get(0)
}

/// One that was applied before, so that applying it changes nothing.
async fn park_an_event(orders: &Client, customers: &Client) {
    let sql = "SELECT position, event_id::text, aggregate_id, version, type, body FROM event_log
               WHERE type = 'korob.orders.v1.OrderPlaced' ORDER BY position LIMIT 1";
    let row = orders.query_one(sql, &[]).await.unwrap();
    let event = Event {
        position: row.get(0),
        event_id: row.get(1),
        aggregate_id: row.get(2),
        aggregate_version: row.get(3),
        r#type: row.get(4),
        body: row.get::<_, Vec<u8>>(5).into(),
        actor: "service:orders".to_owned(),
        create_time: Some(rpc::wire::time(types::Clock::system().now())),
        ..Default::default()
    };
    let sql = "INSERT INTO parked_events (consumer, position, event_id, aggregate_id, event, tries, error, park_time)
               VALUES ($1, $2, $3::text::uuid, $4, $5, 5, 'the disk was full', now())";
    let bytes = event.encode_to_vec();
    customers
        .execute(sql, &[&PARKED, &event.position, &event.event_id, &event.aggregate_id, &bytes])
        .await
        .unwrap();
}

/// Every violation has a repair or a question that names it.
fn everything_is_proposed(config: &Path, found: &[Value]) {
    let said = korob(config, &["repair", "--dry-run", "--json", "--wait", "none"]);
    assert_eq!(said.status, 1, "{said:?}");
    let proposed: Value = serde_json::from_str(&said.out).unwrap();
    let reasons: Vec<&Value> = proposed["repairs"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|one| one["for"].as_array().unwrap())
        .collect();
    for finding in found {
        let subject: Vec<_> = finding["ids"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(kind, id)| format!("{kind}={}", id.as_str().unwrap()))
            .collect();
        let subject = subject.join(" ");
        let about =
            |reason: &&&Value| reason["check"] == finding["check"] && reason["subject"] == subject.as_str();
        let asked = proposed["questions"].as_array().unwrap().iter().any(|one| one["finding"] == *finding);
        assert!(
            asked || reasons.iter().any(|reason| about(&reason)),
            "nothing is proposed about {finding:#}"
        );
    }
    let questions = proposed["questions"].as_array().unwrap();
    assert_eq!(
        questions.len(),
        1,
        "a person decides about money that was taken, and nothing else: {questions:#?}"
    );
}

/// Of one check, of one thing, and nothing of a check that nobody knows.
fn only_what_is_chosen_is_repaired(config: &Path, found: &[Value]) {
    let said = korob(config, &["repair", "--only", "stock-on-hands"]);
    assert!(said.status == 2 && said.err.contains("there is no such check"), "{said:?}");
    let said = korob(config, &["repair", "--decide", "payment-orders=refund"]);
    assert!(said.status == 2 && said.err.contains("CHECK:ID=CHOICE"), "{said:?}");

    let said = korob(config, &["repair", "--only", "stock-on-hand", "--wait", "none"]);
    assert_eq!(said.status, 1, "the others are left: {said:?}");
    assert!(said.err.contains("[1/1] done: make the level of NUT"), "{said:?}");
    let left = korob(config, &["check", "--json", "--wait", "none"]).findings();
    let checks = |findings: &[Value]| -> BTreeSet<String> {
        findings.iter().map(|one| one["check"].as_str().unwrap().to_owned()).collect()
    };
    let gone: Vec<_> = checks(found).difference(&checks(&left)).cloned().collect();
    // Every unit has a layer again, too.
    assert_eq!(gone, ["stock-layers", "stock-on-hand"]);
}

/// It counts as decided until something about it changes.
async fn a_decision_is_kept_while_it_is_found_as_it_was(config: &Path, lost: &Lost) {
    let keep = format!("payment-orders:{}=keep", lost.paid_by);
    let said = korob(config, &["repair", "--decide", &keep, "--wait", "none"]);
    assert!(said.status == 2 && said.err.contains("--note"), "{said:?}");
    let said = korob(
        config,
        &["repair", "--decide", &keep, "--note", "asked the buyer on Monday", "--wait", "none"],
    );
    assert_eq!(said.status, 0, "{said:?}");
    let said = korob(config, &["check", "--wait", "none"]);
    assert!(said.status == 0 && said.out.contains("decided by operator:repair"), "{said:?}");
    assert!(said.out.contains("asked the buyer on Monday"), "{said:?}");
}

fn plain(id: &str) -> String {
    id.split_once('_').map_or(id, |(_, digits)| digits).to_owned()
}

fn uuid(id: &str) -> Uuid {
    plain(id).parse().unwrap()
}
