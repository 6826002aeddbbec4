//! The transaction of a batch begins while its requests gather.

use std::error::Error as _;
use std::sync::Arc;

use diesel::sql_types::{Array, BigInt};
use diesel_async::RunQueryDsl;
use futures_util::future::join_all;
use store::{Batcher, Begun, Error, Result, Settings, Store, Tx, cached_sql};
use types::Clock;

use crate::workbench::{Workbench, call};

/// Writes notes and answers which transaction did it.
type Writer = Batcher<i64, i64, Error>;

fn writer(store: Store) -> Writer {
    Writer::start_in("notes.write", store.clone(), move |begun, ids| write(store.clone(), begun, ids))
}

async fn write(store: Store, begun: Result<Begun>, ids: Vec<i64>) -> Vec<Result<i64>> {
    match write_together(&store, begun, &ids).await {
        Ok(transaction) => ids.iter().map(|_| Ok(transaction)).collect(),
        Err(error) => {
            let error = Arc::new(error);
            ids.iter().map(|_| Err(Error::Unreachable(Box::new(error.clone())))).collect()
        }
    }
}

async fn write_together(store: &Store, begun: Result<Begun>, ids: &[i64]) -> Result<i64> {
    let write = async |tx: &mut Tx| {
        let statement = "WITH written AS (INSERT INTO notes SELECT id, 'note' FROM unnest($1) AS id)
            SELECT pg_current_xact_id()::text::bigint";
        let written = cached_sql(statement).bind::<Array<BigInt>, _>(ids).returns::<(BigInt,)>();
        let (transaction,): (i64,) = written.get_result(tx.conn()).await?;
        Ok::<_, Error>(transaction)
    };
    store.transaction_in(begun?, &call(), write).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_gathered_is_done_in_one_transaction_after_another() {
    // Of one connection: none is taken while another one's batch gathers, and all are given back.
    let bench = Workbench::with_pool(1).await;
    let writer = writer(bench.store.clone());

    let first = join_all((0..40).map(|id| writer.submit(id))).await;
    let second = writer.submit(100).await.expect("written");
    let refused = writer.submit(100).await;
    let third = writer.submit(101).await.expect("written after a rollback");

    let first: Vec<i64> = first.into_iter().collect::<Result<_>>().expect("written");
    assert!(first.iter().all(|transaction| *transaction == first[0]), "{first:?}");
    assert!(first[0] < second && second < third);
    assert!(refused.is_err(), "the note is there");
    assert_eq!(bench.count("SELECT count(*) FROM notes").await, 42);
    assert_eq!(bench.store.usage().open, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_transaction_that_cannot_begin_is_told() {
    let bench = Workbench::new().await;
    let settings = Settings { pool_size: 1, pool_wait_ms: 50, ..Settings::at(bench.url()) };
    let store = Store::new("bench", &settings, Clock::system(), b"a secret of tests only").expect("a store");
    let writer = writer(store.clone());
    let held = store.connection().await.expect("the only one");

    let refused = writer.submit(1).await.expect_err("nothing is free");
    drop(held);
    writer.submit(2).await.expect("written");

    let cause = refused.source().map(ToString::to_string);
    assert_eq!(cause, Some(Error::PoolExhausted.to_string()));
    assert_eq!(bench.count("SELECT id FROM notes").await, 2);
}
