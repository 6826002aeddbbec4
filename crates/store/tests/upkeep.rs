//! What was kept long enough is forgotten, and nothing else.

use std::time::Duration;

use store::{EVENT_LIFE, Error, KEY_LIFE, NewEvent, Once, Tx};

use crate::workbench::{Workbench, call};

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_events_are_forgotten_after_their_life() {
    let bench = Workbench::new().await;
    for number in 1..=3 {
        use_key_and_tell(&bench, number).await;
    }
    assert_eq!(bench.store.forget_old().await.expect("upkeep runs"), 0, "everything is young");

    bench.clock.advance(KEY_LIFE.to_std().expect("positive") + Duration::from_secs(1));
    use_key_and_tell(&bench, 4).await;
    bench.store.forget_old().await.expect("upkeep runs");
    assert_eq!(bench.count("SELECT count(*) FROM idempotency_keys").await, 1);
    assert_eq!(bench.count("SELECT count(*) FROM event_log").await, 4);

    bench.clock.advance(EVENT_LIFE.to_std().expect("positive"));
    bench.store.forget_old().await.expect("upkeep runs");
    assert_eq!(bench.count("SELECT min(position) FROM event_log").await, 4, "the newest event stays");
    assert_eq!(bench.count("SELECT trimmed FROM event_stream").await, 3);
    use_key_and_tell(&bench, 5).await;
    assert_eq!(bench.count("SELECT max(position) FROM event_log").await, 5, "positions go on");
}

async fn use_key_and_tell(bench: &Workbench, number: i64) {
    let key = format!("key-{number}");
    let once = Once { scope: "org", method: "bench.tell", key: &key };
    let served: Result<(), Error> = bench
        .store
        .once(&call(), once, &(), async |tx: &mut Tx| {
            tx.publish(NewEvent {
                aggregate_id: number.to_string(),
                version: 1,
                type_name: "bench.Told".to_owned(),
                body: Vec::new(),
                shop_id: None,
                origin: None,
            });
            Ok(())
        })
        .await;
    served.expect("served");
}
