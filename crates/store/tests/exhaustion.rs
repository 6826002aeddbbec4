//! A pool that is too small for all refuses some in time, and nobody waits for themselves.

use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use store::{Error, Settings, Store, Tx};
use tonic::Code;
use types::Clock;

use crate::workbench::{Workbench, call};

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_callers_of_four_connections_are_served_or_refused_in_time() {
    let bench = Workbench::new().await;
    let store = of_size(&bench, 4);
    let callers: Vec<_> = (0..200)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let begun = Instant::now();
                let slept = store
                    .transaction(&call(), async |tx: &mut Tx| {
                        tx.conn().batch_execute("SELECT pg_sleep(0.15)").await?;
                        Ok::<_, Error>(())
                    })
                    .await;
                (slept, begun.elapsed())
            })
        })
        .collect();
    let (mut served, mut refused) = (0, Vec::new());
    for caller in callers {
        match caller.await.expect("no panic") {
            (Ok(()), _) => served += 1,
            (Err(error), took) => {
                assert_eq!(error.fault().code(), Code::ResourceExhausted, "{error}");
                assert_eq!(error.fault().reason(), "BUSY");
                refused.push(took);
            }
        }
    }
    // Three rounds of four fit into the wait.
    assert!(served >= 4, "{served} were served");
    assert_eq!(served + refused.len(), 200);
    refused.sort();
    let median = refused.get(refused.len() / 2).copied().expect("most are refused");
    assert!(median < Duration::from_millis(500), "refused after {median:?}");

    // Nothing is left of the rush.
    let begun = Instant::now();
    for _ in 0..20 {
        store.ping().await.expect("served again");
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_holds_a_connection_for_long_holds_none_of_the_pool() {
    let bench = Workbench::new().await;
    let store = of_size(&bench, 1);
    let mut own = store.own_connection().await.expect("a connection of one's own");
    own.batch_execute("CREATE TEMPORARY TABLE mine (id int)").await.expect("it is one session");
    for _ in 0..3 {
        store.ping().await.expect("the pool has its one connection");
        own.batch_execute("INSERT INTO mine VALUES (1)").await.expect("and this one is kept");
    }
    drop(own);
    testing::eventually("it is closed, not given back", async || {
        let sessions = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        (bench.count(sessions).await == 1).then_some(())
    })
    .await;
}

fn of_size(bench: &Workbench, pool_size: usize) -> Store {
    let settings = Settings { pool_size, ..Settings::at(bench.url()) };
    Store::new("bench", &settings, Clock::system(), b"a secret of tests only").expect("a store")
}
