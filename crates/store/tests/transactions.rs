//! What changed, what is told and who did it are committed together, or not at all.

use std::time::{Duration, Instant};

use diesel::sql_types::BigInt;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use store::{Audit, Error, NewEvent, Tx, cached_sql};

use crate::workbench::{Workbench, call};

/// Well under the time after which PostgreSQL itself would end a forgotten transaction.
const AT_ONCE: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_keeps_the_change_its_event_and_its_history() {
    let bench = Workbench::new().await;
    note(&bench, 1).await.expect("the note is written");

    assert_eq!(bench.count("SELECT count(*) FROM notes").await, 1);
    assert_eq!(bench.count("SELECT count(*) FROM event_log").await, 1);
    assert_eq!(bench.count("SELECT count(*) FROM audit_log WHERE actor = 'operator:test'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_leaves_nothing() {
    let bench = Workbench::new().await;
    let refused: Result<(), Error> = bench
        .store
        .transaction(&call(), async |tx: &mut Tx| {
            write(tx, 1).await?;
            tell(tx, 1);
            Err(Error::KeyInUse)
        })
        .await;

    assert!(matches!(refused, Err(Error::KeyInUse)));
    assert_eq!(bench.count("SELECT count(*) FROM notes").await, 0);
    assert_eq!(bench.count("SELECT count(*) FROM event_log").await, 0);
    assert_eq!(bench.count("SELECT count(*) FROM audit_log").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_told_takes_the_change_back() {
    let bench = Workbench::new().await;
    note(&bench, 1).await.expect("the note is written");
    // The same version of the same aggregate again.
    let twice: Result<(), Error> = bench
        .store
        .transaction(&call(), async |tx: &mut Tx| {
            write(tx, 2).await?;
            tell(tx, 1);
            Ok(())
        })
        .await;

    assert!(twice.is_err());
    assert_eq!(bench.count("SELECT count(*) FROM notes").await, 1);
    assert_eq!(bench.count("SELECT count(*) FROM event_log").await, 1);
    note(&bench, 3).await.expect("the connection is fit for the next");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_swallowed_failure_is_not_reported_as_success() {
    let bench = Workbench::new().await;
    note(&bench, 1).await.expect("the note is written");
    // PostgreSQL answers COMMIT of a failed transaction with a silent rollback.
    let swallowed: Result<(), Error> = bench
        .store
        .transaction(&call(), async |tx: &mut Tx| {
            write(tx, 2).await?;
            let duplicate = write(tx, 1).await;
            assert!(duplicate.is_err());
            Ok(())
        })
        .await;

    assert_eq!(bench.count("SELECT count(*) FROM notes").await, 1);
    assert!(swallowed.is_err(), "nothing was written, so nothing may be acknowledged");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_done_again_and_tells_nothing_commits_without_the_disk() {
    let bench = Workbench::new().await;
    // A deferred trigger runs in the commit: it sees how that is done.
    bench
        .client()
        .await
        .batch_execute(
            "ALTER TABLE notes ADD COLUMN waits text;
             CREATE FUNCTION note_how() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 UPDATE notes SET waits = current_setting('synchronous_commit') WHERE id = NEW.id; RETURN NULL;
             END $$;
             CREATE CONSTRAINT TRIGGER note_how AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED
                 FOR EACH ROW EXECUTE FUNCTION note_how()",
        )
        .await
        .expect("a trigger");
    let again = |id, tells| {
        let store = bench.store.clone();
        async move {
            let body = async |tx: &mut Tx| {
                tx.comes_again();
                write(tx, id).await?;
                if tells {
                    tell(tx, id);
                }
                Ok::<_, Error>(())
            };
            store.transaction(&call(), body).await
        }
    };

    note(&bench, 1).await.expect("written");
    again(2, true).await.expect("written");
    again(3, false).await.expect("written");
    assert!(again(1, false).await.is_err(), "and a failure is one as ever");

    assert_eq!(bench.count("SELECT count(*) FROM notes WHERE waits = 'on'").await, 2);
    assert_eq!(bench.count("SELECT id FROM notes WHERE waits = 'off'").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_transaction_lets_its_rows_go_at_once() {
    let bench = Workbench::new().await;
    note(&bench, 1).await.expect("the note is written");
    let store = bench.store.clone();
    let holding = tokio::spawn(async move {
        let held: Result<(), Error> = store
            .transaction(&call(), async |tx: &mut Tx| {
                lock(tx, 1).await?;
                std::future::pending::<()>().await;
                Ok(())
            })
            .await;
        held
    });
    testing::eventually("the row is locked", async || {
        let locked = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()";
        (bench.count(locked).await == 1).then_some(())
    })
    .await;

    // The caller hangs up, or its deadline passes.
    holding.abort();
    let started = Instant::now();
    let freed: Result<(), Error> =
        bench.store.transaction(&call(), async |tx: &mut Tx| lock(tx, 1).await).await;

    freed.expect("the row is free");
    assert!(started.elapsed() < AT_ONCE, "the row was held for {:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_does_not_outlive_its_caller() {
    let bench = Workbench::new().await;
    let patience = Duration::from_millis(300);
    let call = call();
    let slow = bench.store.transaction(&call, async |tx: &mut Tx| {
        tx.conn().batch_execute("SELECT pg_sleep(20)").await?;
        Ok::<_, Error>(())
    });
    assert!(tokio::time::timeout(patience, slow).await.is_err(), "the deadline passes first");

    let started = Instant::now();
    testing::eventually("the server stops working on it", async || {
        let working =
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)%' AND state = 'active'
                       AND pid <> pg_backend_pid() AND datname = current_database()";
        (bench.count(working).await == 0).then_some(())
    })
    .await;
    assert!(started.elapsed() < AT_ONCE, "the statement ran on for {:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_transaction_leaves_nothing_behind_on_its_connection() {
    let bench = Workbench::with_pool(1).await;
    for id in 0..20 {
        let patience = Duration::from_micros(300 * id);
        let call = call();
        let cut = bench.store.transaction(&call, async |tx: &mut Tx| {
            write(tx, id as i64).await?;
            tell(tx, id as i64);
            tokio::time::sleep(Duration::from_millis(2)).await;
            Ok::<_, Error>(())
        });
        let _ = tokio::time::timeout(patience, cut).await;
        note(&bench, 1000 + id as i64).await.expect("the only connection is fit for the next call");
    }

    // Whatever was cut off is there with its event, or is not there at all.
    assert_eq!(
        bench.count("SELECT count(*) FROM notes WHERE id < 1000").await,
        bench.count("SELECT count(*) FROM event_log WHERE aggregate_id::bigint < 1000").await,
    );
    assert_eq!(bench.count("SELECT count(*) FROM notes WHERE id >= 1000").await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_inside_leaves_nothing_behind() {
    let bench = Workbench::with_pool(1).await;
    let store = bench.store.clone();
    let panicked = tokio::spawn(async move {
        let never: Result<(), Error> = store
            .transaction(&call(), async |tx: &mut Tx| {
                write(tx, 1).await?;
                panic!("a bug in a verb");
            })
            .await;
        never
    });

    assert!(panicked.await.is_err());
    assert_eq!(bench.count("SELECT count(*) FROM notes").await, 0);
    note(&bench, 1).await.expect("the only connection is fit for the next call");
}

async fn note(bench: &Workbench, id: i64) -> Result<(), Error> {
    bench
        .store
        .transaction(&call(), async |tx: &mut Tx| {
            write(tx, id).await?;
            tell(tx, id);
            Ok(())
        })
        .await
}

async fn write(tx: &mut Tx, id: i64) -> Result<(), Error> {
    cached_sql("INSERT INTO notes (id, text) VALUES ($1, 'a note')")
        .bind::<BigInt, _>(id)
        .execute(tx.conn())
        .await?;
    Ok(())
}

async fn lock(tx: &mut Tx, id: i64) -> Result<(), Error> {
    cached_sql("UPDATE notes SET text = text WHERE id = $1").bind::<BigInt, _>(id).execute(tx.conn()).await?;
    Ok(())
}

fn tell(tx: &mut Tx, id: i64) {
    tx.audit(Audit::new("bench.write_note", id).set("text", "a note"));
    tx.publish(NewEvent {
        aggregate_id: id.to_string(),
        version: 1,
        type_name: "bench.NoteWritten".to_owned(),
        body: vec![1],
        shop_id: None,
        origin: None,
    });
}
