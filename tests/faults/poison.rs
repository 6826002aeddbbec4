//! An event that cannot be applied: it is set aside with what comes behind it, everybody else goes on, and it is applied once
//! it can be.

use std::time::Duration;

use prost::Message;
use proto::events::v1::event_log_service_client::EventLogServiceClient;
use proto::events::v1::{Event, ListParkedEventsRequest};
use rpc::{Call, Caller};

use crate::figure;
use crate::suite::{Mode, Suite};

const CONSUMER: &str = "customers.count_purchases";
const OTHERS: u64 = 40;
/// Longer than all tries take.
const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn a_poisonous_event_is_set_aside_and_replayed_once_it_can_be_applied() {
    let suite = Suite::start(Mode::OneProcess).await;
    suite.stock("MUG", 1_000).await;
    suite.rest.post("/v1/orders", "first", &suite.order("MUG", 1)).await.unwrap().ok().unwrap();
    counted(&suite, 1).await;
    // An order's event whose body is broken, and a good one behind it.
    let orders = suite.database("orders").await;
    orders
        .batch_execute(
            "BEGIN; SELECT pg_advisory_xact_lock(7001);
             INSERT INTO event_log (position, event_id, aggregate_id, version, type, body, shop_id, actor, traceparent, create_time)
             SELECT (SELECT max(position) FROM event_log) + version, gen_random_uuid(), 'ord_poison', version, type,
                    CASE version WHEN 1 THEN '\\xff'::bytea ELSE body END, shop_id, actor, traceparent, create_time
             FROM (SELECT * FROM event_log WHERE type LIKE '%OrderPlaced' LIMIT 1) AS good (
                      position, event_id, aggregate_id, old_version, type, body, shop_id, actor, traceparent,
                      causation_id, origin, create_time),
                  generate_series(1, 2) AS copies (version);
             COMMIT",
        )
        .await
        .unwrap();
    for number in 0..OTHERS {
        let key = format!("other-{number}");
        suite.rest.post("/v1/orders", &key, &suite.order("MUG", number)).await.unwrap().ok().unwrap();
    }
    counted(&suite, 1 + OTHERS as i64).await;

    let call = Call::begin(Caller::operator("faults"), PATIENCE);
    let mut log = EventLogServiceClient::new(suite.directory.channel("customers").bind(&call));
    // Five tries take half a minute; then it waits for somebody.
    let tries = figure(2, events::TRIES_MAX);
    let parked = loop {
        let parked = log
            .list_parked_events(ListParkedEventsRequest::default())
            .await
            .unwrap()
            .into_inner()
            .parked_events;
        let parked: Vec<_> = parked.into_iter().filter(|parked| parked.consumer == CONSUMER).collect();
        if parked.first().is_some_and(|first| first.tries >= tries) {
            break parked;
        }
        assert!(!call.remaining().is_zero(), "tried again: {parked:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(parked.len(), 2, "the event and what is behind it: {parked:?}");
    assert!(!parked[0].error.is_empty(), "says why");
    assert_eq!((parked[1].tries, parked[1].error.as_str()), (0, ""), "only waits");

    // Somebody mends it.
    let [broken, good]: [Event; 2] = [0, 1].map(|at| parked[at].event.clone().unwrap());
    let mended = Event { body: good.body.clone(), ..broken.clone() };
    let customers = suite.database("customers").await;
    customers
        .execute(
            "UPDATE parked_events SET event = $1 WHERE consumer = $2 AND position = $3",
            &[&mended.encode_to_vec(), &CONSUMER, &broken.position],
        )
        .await
        .unwrap();
    let (listed, told) = korob(&suite, &["events", "parked"]);
    assert!(listed && told.contains("2 events are parked, 1 of them failed"), "{told}");
    let (shown, told) = korob(&suite, &["events", "show", &good.event_id]);
    assert!(shown && told.contains("aggregate ord_poison") && told.contains("MUG"), "{told}");
    let (replayed, told) = korob(&suite, &["events", "replay", "no-such-event"]);
    assert!(!replayed && told.contains("no such event is parked"), "{told}");
    let (replayed, told) = korob(&suite, &["events", "replay", &broken.event_id]);
    assert!(replayed && told.contains("due again"), "{told}");
    testing::eventually("nothing is set aside any more", async || {
        let left = suite.number(
            "customers",
            "SELECT count(*) FROM parked_events WHERE consumer = 'customers.count_purchases'",
        );
        (left.await == 0).then_some(())
    })
    .await;
    suite.stop().await;
}

async fn counted(suite: &Suite, orders: i64) {
    testing::eventually("every order is counted", async || {
        (suite.number("customers", "SELECT count(*) FROM purchases WHERE counted").await == orders)
            .then_some(())
    })
    .await;
}

/// A command over the suite: whether it succeeded, and what it said.
fn korob(suite: &Suite, arguments: &[&str]) -> (bool, String) {
    let output = suite.korob(arguments);
    let told = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&told).into_owned())
}
