//! A hundred thousand orders, made of one by SQL, are checked within a minute.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio_postgres::Client;

use crate::command::check;
use crate::copies::{Copies, connect, urls};
use crate::suite::{Mode, Suite};

const ORDERS: i64 = 100_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// Of each row of a table that belongs to the order, `$$ORDERS` more, with other ids. `n` counts them.
const ORDERS_SQL: [&str; 7] = [
    "INSERT INTO orders SELECT r.* FROM orders t, generate_series(1, $$N) AS n, jsonb_populate_record(t, jsonb_build_object(
         'order_id', md5('o' || n)::uuid, 'number', 'L' || n, 'reservation_id', md5('r' || n)::uuid,
         'payment_id', md5('p' || n)::uuid, 'delivery_plan_id', md5('d' || n)::uuid)) AS r WHERE t.order_id = '$$ORDER'",
    "INSERT INTO order_lines SELECT r.* FROM order_lines t, generate_series(1, $$N) AS n,
         jsonb_populate_record(t, jsonb_build_object('order_id', md5('o' || n)::uuid)) AS r WHERE t.order_id = '$$ORDER'",
    "INSERT INTO order_buyers SELECT r.* FROM order_buyers t, generate_series(1, $$N) AS n,
         jsonb_populate_record(t, jsonb_build_object('order_id', md5('o' || n)::uuid)) AS r WHERE t.order_id = '$$ORDER'",
    "INSERT INTO order_external_ids SELECT r.* FROM order_external_ids t, generate_series(1, $$N) AS n,
         jsonb_populate_record(t, jsonb_build_object('order_id', md5('o' || n)::uuid, 'external_id', 'L' || n)) AS r
         WHERE t.order_id = '$$ORDER'",
    "INSERT INTO sagas SELECT r.* FROM sagas t, generate_series(1, $$N) AS n,
         jsonb_populate_record(t, jsonb_build_object('saga_id', md5('o' || n)::uuid)) AS r WHERE t.saga_id = '$$ORDER'",
    "INSERT INTO idempotency_keys SELECT r.* FROM idempotency_keys t, generate_series(1, $$N) AS n,
         jsonb_populate_record(t, jsonb_build_object('key', 'L' || n, 'resource_id', 'ord_' || md5('o' || n))) AS r
         WHERE t.resource_id = 'ord_' || replace('$$ORDER', '-', '')",
    "VACUUM ANALYZE",
];
const INVENTORY_SQL: [&str; 7] = [
    "INSERT INTO reservations SELECT r.* FROM reservations t, generate_series(1, $$N) AS n, jsonb_populate_record(t,
         jsonb_build_object('reservation_id', md5('r' || n)::uuid, 'owner', 'ord_' || md5('o' || n))) AS r
         WHERE t.owner = 'ord_' || replace('$$ORDER', '-', '')",
    "INSERT INTO reservation_lines SELECT md5('r' || n)::uuid, sku, warehouse_id, quantity
         FROM reservation_lines, generate_series(1, $$N) AS n",
    "INSERT INTO stock_ledger (sku, warehouse_id, condition, kind, on_hand_delta, reserved_delta, reference, note, actor, shop_id, post_time)
         SELECT sku, warehouse_id, condition, kind, on_hand_delta, reserved_delta, 'ord_' || md5('o' || n), note, actor, shop_id, post_time
         FROM stock_ledger, generate_series(1, $$N) AS n WHERE kind = 'reserve'",
    "UPDATE stock_ledger SET on_hand_delta = on_hand_delta + $$N WHERE kind = 'receipt'",
    "UPDATE stock_levels SET on_hand = on_hand + $$N, reserved = reserved + $$N",
    "UPDATE cost_layers SET received = received + $$N; UPDATE cost_layer_places SET remaining = remaining + $$N",
    "VACUUM ANALYZE",
];
const PAYMENTS_SQL: [&str; 3] = [
    "INSERT INTO payments SELECT r.* FROM payments t, generate_series(1, $$N) AS n, jsonb_populate_record(t, jsonb_build_object(
         'payment_id', md5('p' || n)::uuid, 'order_id', md5('o' || n)::uuid)) AS r",
    "INSERT INTO ledger_entries (posting_id, account, currency, debit, credit, payment_id, order_id, shop_id, post_time)
         SELECT md5('l' || n)::uuid, account, currency, debit, credit, md5('p' || n)::uuid, md5('o' || n)::uuid, shop_id, post_time
         FROM ledger_entries, generate_series(1, $$N) AS n",
    "VACUUM ANALYZE",
];
const DELIVERY_SQL: [&str; 2] = [
    "INSERT INTO delivery_plans SELECT r.* FROM delivery_plans t, generate_series(1, $$N) AS n, jsonb_populate_record(t,
         jsonb_build_object('delivery_plan_id', md5('d' || n)::uuid, 'order_id', md5('o' || n)::uuid)) AS r",
    "VACUUM ANALYZE",
];
const CUSTOMERS_SQL: [&str; 3] = [
    "INSERT INTO purchases SELECT r.* FROM purchases t, generate_series(1, $$N) AS n,
         jsonb_populate_record(t, jsonb_build_object('order_id', md5('o' || n)::uuid)) AS r",
    "UPDATE purchase_totals SET order_count = order_count + $$N, total = total + $$N * total",
    "VACUUM ANALYZE",
];
/// The events and the history of an aggregate.
const TOLD_SQL: [&str; 2] = [
    "INSERT INTO event_log SELECT r.* FROM (SELECT max(position) AS last FROM event_log) AS log, event_log t,
         generate_series(1, $$N) AS n, jsonb_populate_record(t, jsonb_build_object('position', last + n,
             'event_id', gen_random_uuid(), 'aggregate_id', '$$PREFIX_' || md5('$$SEED' || n))) AS r
     WHERE t.aggregate_id LIKE '$$PREFIX\\_%' AND t.position <= last",
    "INSERT INTO audit_log (change_time, actor, action, resource_id, shop_id, changes, trace_id)
     SELECT change_time, actor, action, '$$PREFIX_' || md5('$$SEED' || n), shop_id, changes, trace_id
     FROM audit_log, generate_series(1, $$N) AS n WHERE resource_id LIKE '$$PREFIX\\_%'",
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes of filling: cargo nextest run -p korob --test check --run-ignored only long_list --no-capture"]
async fn a_hundred_thousand_orders_are_checked_within_a_minute() {
    let mut suite = Suite::start(Mode::OneProcess).await;
    suite.stock("TEA", 10).await;
    let mut order = suite.order("TEA", 7);
    order["externalId"] = json!("first");
    let placed = suite.rest.post("/v1/orders", "first", &order).await.unwrap().ok().unwrap();
    let order_id = placed["orderId"].as_str().unwrap().trim_start_matches("ord_").to_owned();
    testing::eventually("the purchase is counted", async || {
        (suite.number("customers", "SELECT count(*) FROM purchases").await == 1).then_some(())
    })
    .await;
    suite.kill().await;

    let config = suite.configuration().to_owned();
    let databases = urls(&config);
    for (service, told, statements) in [
        ("orders", Some(("ord", "o")), ORDERS_SQL.as_slice()),
        ("inventory", Some(("res", "r")), &INVENTORY_SQL),
        ("payments", Some(("pay", "p")), &PAYMENTS_SQL),
        ("delivery", Some(("dlp", "d")), &DELIVERY_SQL),
        ("customers", None, &CUSTOMERS_SQL),
    ] {
        let database = connect(&databases[service]).await;
        database.batch_execute("SET session_replication_role = replica").await.unwrap();
        if let Some((prefix, seed)) = told {
            for statement in TOLD_SQL {
                run(&database, &order_id, &statement.replace("$$PREFIX", prefix).replace("$$SEED", seed))
                    .await;
            }
        }
        for statement in statements {
            run(&database, &order_id, statement).await;
        }
    }

    let started = Instant::now();
    let said = check(&config, &["--wait", "none"]);
    let took = started.elapsed();

    println!("{ORDERS} orders: {:.1} s. {}", took.as_secs_f64(), said.out);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(took < PATIENCE, "{took:?}");
    Copies::of(&config).await.drop_all().await;
}

async fn run(database: &Client, order_id: &str, statement: &str) {
    let sql = statement.replace("$$N", &ORDERS.to_string()).replace("$$ORDER", order_id);
    if let Err(error) = database.batch_execute(&sql).await {
        panic!("{sql}: {error:?}");
    }
}
