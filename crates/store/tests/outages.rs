//! What a caller is told when PostgreSQL goes away, is busy, or comes back.

use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use store::{Error, Settings, Store, Tx};
use tonic::Code;
use types::Clock;

use crate::workbench::{Workbench, call};

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_ended_from_outside_is_an_outage_not_a_bug() {
    let bench = Workbench::with_pool(1).await;
    bench.store.ping().await.expect("a connection is there");
    let store = bench.store.clone();
    let sleeping = tokio::spawn(async move {
        let slept: Result<(), Error> = store
            .transaction(&call(), async |tx: &mut Tx| {
                tx.conn().batch_execute("SELECT pg_sleep(20)").await?;
                Ok(())
            })
            .await;
        slept
    });
    let victims = "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE query = 'SELECT pg_sleep(20)' AND datname = current_database() AND state = 'active') AS ended";
    testing::eventually("the statement is ended", async || (bench.count(victims).await == 1).then_some(()))
        .await;

    let ended = sleeping.await.expect("no panic").expect_err("the statement did not end by itself");
    assert!(matches!(ended, Error::Unreachable(_)), "{ended:?}");
    assert_eq!(ended.fault().code(), Code::Unavailable);
    assert!(ended.is_transient());
    bench.store.ping().await.expect("the next call gets a new connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_that_died_are_replaced_unnoticed() {
    let bench = Workbench::with_pool(4).await;
    let held: Vec<_> = futures_util::future::join_all((0..4).map(|_| bench.store.connection())).await;
    assert!(held.iter().all(Result::is_ok));
    drop(held);
    let ended = "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE pid <> pg_backend_pid() AND datname = current_database()) AS ended";
    assert!(bench.count(ended).await >= 4);
    testing::eventually("the client side noticed", async || bench.store.ping().await.ok()).await;
    for _ in 0..8 {
        bench.store.ping().await.expect("every connection answers");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_unavailable() {
    let nowhere = Settings::at("postgres://nobody:nothing@127.0.0.1:1/nowhere");
    let store = Store::new("bench", &nowhere, Clock::system(), b"secret").expect("connects when first used");
    let refused = store.ping().await.expect_err("nobody listens there");

    assert_eq!(refused.fault().code(), Code::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exhausted_pool_refuses_in_time() {
    let bench = Workbench::with_pool(1).await;
    let settings_wait = Duration::from_millis(5_000);
    let _only = bench.store.connection().await.expect("the only connection");
    let started = Instant::now();
    let refused = bench.store.ping().await.expect_err("there is no second one");

    assert_eq!(refused.fault().code(), Code::ResourceExhausted);
    assert!(started.elapsed() < settings_wait + Duration::from_millis(500));
}

#[tokio::test(flavor = "multi_thread")]
async fn contention_asks_to_repeat() {
    let bench = Workbench::new().await;
    let mut blocker = bench.client().await;
    let blocking = blocker.transaction().await.expect("a transaction");
    blocking.batch_execute("LOCK TABLE notes").await.expect("the table is locked");
    let waited: Result<(), Error> = bench
        .store
        .transaction(&call(), async |tx: &mut Tx| {
            tx.conn().batch_execute("INSERT INTO notes VALUES (1, 'late')").await?;
            Ok(())
        })
        .await;

    let waited = waited.expect_err("the lock is not given up");
    assert_eq!(waited.fault().code(), Code::Aborted);
    assert_eq!(waited.fault().reason(), "CONTENTION");
    assert!(waited.is_transient());
}
