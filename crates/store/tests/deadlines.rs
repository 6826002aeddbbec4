//! A verb that is cut off leaves no statement running, no lock held and no connection spoilt.

use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use store::{Error, Store, Tx};

use crate::workbench::{Workbench, call};

const PATIENCE: Duration = Duration::from_millis(200);
/// PostgreSQL alone looks for its client every 250 ms: who is quicker has been asked to cancel.
const CANCELLED: Duration = Duration::from_millis(100);

/// Statements that wait for the table of notes.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE query LIKE '%notes%' AND state = 'active' AND pid <> pg_backend_pid() AND datname = current_database()";

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_cut_off_ends_at_once_and_nobody_waits_behind_it() {
    let bench = Workbench::with_pool(1).await;
    let took = quickest(async || {
        let mut blocker = bench.client().await;
        let lock = blocker.transaction().await.expect("a transaction");
        lock.batch_execute("LOCK TABLE notes").await.expect("the table is locked");

        let read = read(&bench.store);
        assert!(tokio::time::timeout(PATIENCE, read).await.is_err(), "the table stays locked");
        let cut_off = Instant::now();
        gone(&bench).await;
        let took = cut_off.elapsed();

        // The only place of the pool is free, and what comes next does not wait for what was cut off.
        bench.store.ping().await.expect("the next call is served while the table is still locked");
        took
    })
    .await;
    assert!(took < CANCELLED, "the statement ran on for {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_cut_off_ends_at_once_and_never_happens() {
    let bench = Workbench::with_pool(1).await;
    let took = quickest(async || {
        let mut blocker = bench.client().await;
        let lock = blocker.transaction().await.expect("a transaction");
        lock.batch_execute("LOCK TABLE notes").await.expect("the table is locked");

        let call = call();
        let change = bench.store.transaction(&call, async |tx: &mut Tx| {
            tx.conn().batch_execute("INSERT INTO notes VALUES (1, 'late')").await?;
            Ok::<_, Error>(())
        });
        assert!(tokio::time::timeout(PATIENCE, change).await.is_err(), "the table stays locked");
        let cut_off = Instant::now();
        gone(&bench).await;
        let took = cut_off.elapsed();

        lock.commit().await.expect("the lock is given up");
        bench.store.ping().await.expect("the next call is served");
        assert_eq!(bench.count("SELECT count(*) FROM notes").await, 0);
        took
    })
    .await;
    assert!(took < CANCELLED, "the statement ran on for {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_whose_statement_has_ended_stays_in_the_pool() {
    let bench = Workbench::with_pool(1).await;
    let own = async || {
        let mut connection = bench.store.connection().await.expect("a connection");
        let failed = connection.batch_execute("SELECT 1 / 0").await;
        assert!(failed.is_err());
        // Cut off, but not within a statement.
        let idle = async {
            let _connection = connection;
            std::future::pending::<()>().await;
        };
        assert!(tokio::time::timeout(Duration::from_millis(1), idle).await.is_err());
    };
    own().await;
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    // The oldest: one that looked may be about to end.
    let begun = "SELECT (extract(epoch FROM min(backend_start)) * 1000000)::bigint FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()";
    testing::eventually("nobody else is connected", async || {
        (bench.count(sessions).await == 1).then_some(())
    })
    .await;
    let first = bench.count(begun).await;
    own().await;
    assert_eq!(bench.count(begun).await, first, "it is the same session");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_are_cut_off_at_once_are_all_cancelled() {
    let bench = Workbench::with_pool(10).await;
    let mut blocker = bench.client().await;
    let lock = blocker.transaction().await.expect("a transaction");
    lock.batch_execute("LOCK TABLE notes").await.expect("the table is locked");
    let reads: Vec<_> = (0..40)
        .map(|_| {
            let store = bench.store.clone();
            tokio::spawn(async move { tokio::time::timeout(PATIENCE, read(&store)).await.is_err() })
        })
        .collect();
    for read in reads {
        assert!(read.await.expect("no panic"), "the table stays locked");
    }
    gone(&bench).await;
    lock.commit().await.expect("the lock is given up");
    for _ in 0..20 {
        read(&bench.store).await.expect("every connection answers");
    }
}

/// The shortest of a few tries: a busy machine may take its time once, not always.
async fn quickest(attempt: impl AsyncFn() -> Duration) -> Duration {
    let mut shortest = Duration::MAX;
    for _ in 0..5 {
        shortest = shortest.min(attempt().await);
    }
    shortest
}

async fn read(store: &Store) -> Result<(), Error> {
    let mut connection = store.connection().await?;
    connection.batch_execute("SELECT count(*) FROM notes").await?;
    Ok(())
}

/// Looks until nothing waits for the table any more.
async fn gone(bench: &Workbench) {
    let client = bench.client().await;
    let looked = Instant::now();
    while client.query_one(WAITING, &[]).await.expect("the query runs").get::<_, i64>(0) > 0 {
        assert!(looked.elapsed() < Duration::from_secs(1), "the server still works on it");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
