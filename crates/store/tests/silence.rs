//! A server that vanishes without a word is missed, and one that takes its time is not taken for gone.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use store::{Error, Settings, Store, Tx};
use testing::{Line, Proxy};
use types::Clock;

use crate::workbench::{Workbench, call};

/// Two seconds of silence, a question, and as much again for a busy machine.
const MISSED_MAX: Duration = Duration::from_secs(8);
/// Longer than the silence after which the server is asked.
const LONG_STATEMENT: &str = "SELECT pg_sleep(5)";

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_server_that_is_gone_is_told_soon() {
    let bench = Workbench::new().await;
    let (store, proxy) = through_proxy(&bench, 2).await;
    let changing = tokio::spawn({
        let store = store.clone();
        async move {
            let changed: Result<(), Error> = store
                .transaction(&call(), async |tx: &mut Tx| {
                    tx.conn().batch_execute("INSERT INTO notes VALUES (1, 'lost')").await?;
                    Ok(tx.conn().batch_execute("SELECT pg_sleep(60)").await?)
                })
                .await;
            changed
        }
    });
    let reading = tokio::spawn({
        let store = store.clone();
        async move {
            let mut connection = store.connection().await?;
            Ok::<_, Error>(connection.batch_execute("SELECT pg_sleep(60)").await?)
        }
    });
    let asleep = "SELECT count(*) FROM pg_stat_activity
                  WHERE query = 'SELECT pg_sleep(60)' AND state = 'active' AND datname = current_database()";
    testing::eventually("both wait", async || (bench.count(asleep).await == 2).then_some(())).await;

    proxy.set(Line::HalfOpen);
    testing::eventually("the server is gone", async || (bench.count(asleep).await == 0).then_some(())).await;
    proxy.set(Line::Good);
    let gone = Instant::now();
    for waiting in [changing, reading] {
        let told = waiting.await.expect("no panic").expect_err("nobody answers");
        assert!(matches!(told, Error::Unreachable(_)), "{told:?}");
        assert!(told.is_transient());
    }
    assert!(gone.elapsed() < MISSED_MAX, "told after {:?}", gone.elapsed());
    store.ping().await.expect("the next call gets a new connection");
    assert_eq!(bench.count("SELECT count(*) FROM notes").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_an_answer_that_was_lost_is_told_soon() {
    let bench = Workbench::new().await;
    let (store, proxy) = through_proxy(&bench, 1).await;
    let mut connection = store.connection().await.expect("a connection");
    // The server has done it and waits for more, for ever.
    let asked = connection.batch_execute("INSERT INTO notes SELECT 1, 'unknown' FROM pg_sleep(0.2)");
    let lost = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        proxy.set(Line::Forgotten);
        tokio::time::sleep(Duration::from_millis(300)).await;
        proxy.set(Line::Good);
    };
    let begun = Instant::now();
    let (told, ()) = tokio::join!(asked, lost);

    let told = Error::from(told.expect_err("the answer does not come"));
    assert!(matches!(told, Error::Unreachable(_)), "{told:?}");
    assert!(begun.elapsed() < MISSED_MAX, "told after {:?}", begun.elapsed());
    assert_eq!(bench.count("SELECT count(*) FROM notes").await, 1, "nobody knew");
    drop(connection);
    store.ping().await.expect("the next call gets a new connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_server_that_nobody_can_ask_is_told_soon() {
    let bench = Workbench::new().await;
    let (store, proxy) = through_proxy(&bench, 1).await;
    store.ping().await.expect("a connection is there");
    proxy.set(Line::Blackhole);
    let begun = Instant::now();
    let told = store.ping().await.expect_err("nothing gets through");

    assert!(matches!(told, Error::Unreachable(_)), "{told:?}");
    // Two questions more than where one can be asked.
    assert!(begun.elapsed() < MISSED_MAX + Duration::from_secs(4), "told after {:?}", begun.elapsed());
    proxy.set(Line::Good);
    store.ping().await.expect("all is well again");
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_whose_server_is_gone_are_replaced_unnoticed() {
    let bench = Workbench::new().await;
    let (store, proxy) = through_proxy(&bench, 8).await;
    let held: Vec<_> = futures_util::future::join_all((0..8).map(|_| store.connection())).await;
    assert!(held.iter().all(Result::is_ok));
    drop(held);
    let sessions = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    testing::eventually("nobody else is connected", async || {
        (bench.count(sessions).await == 8).then_some(())
    })
    .await;
    proxy.set(Line::HalfOpen);
    testing::eventually("the server is gone", async || (bench.count(sessions).await == 0).then_some(()))
        .await;
    proxy.set(Line::Good);
    // Longer than a connection is trusted.
    tokio::time::sleep(Duration::from_millis(1_200)).await;

    let begun = Instant::now();
    store.ping().await.expect("a new connection");
    let first = begun.elapsed();
    for _ in 0..8 {
        store.ping().await.expect("every connection answers");
    }
    let all = begun.elapsed();
    // Eight of them one after the other would be four seconds.
    assert!(all < Duration::from_secs(3), "the first was served after {first:?}, all after {all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_its_time_is_let_alone() {
    let bench = Workbench::new().await;
    let (store, proxy) = through_proxy(&bench, 2).await;
    let mut connection = store.connection().await.expect("a connection");
    let alone = connection.batch_execute(LONG_STATEMENT);
    let call = call();
    let in_transaction = store.transaction(&call, async |tx: &mut Tx| {
        tx.conn().batch_execute("INSERT INTO notes VALUES (1, 'slow')").await?;
        Ok::<_, Error>(tx.conn().batch_execute(LONG_STATEMENT).await?)
    });
    let (alone, in_transaction) = tokio::join!(alone, in_transaction);
    alone.expect("it ends");
    in_transaction.expect("it is committed");
    assert_eq!(bench.count("SELECT count(*) FROM notes").await, 1);
    drop(proxy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_good_again_in_time_costs_nobody_anything() {
    let bench = Workbench::new().await;
    let (store, proxy) = through_proxy(&bench, 1).await;
    let mut connection = store.connection().await.expect("a connection");
    let asked = connection.batch_execute("INSERT INTO notes VALUES (1, 'late')");
    proxy.set(Line::Blackhole);
    let healed = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        proxy.set(Line::Good);
    };
    let (answered, ()) = tokio::join!(asked, healed);
    answered.expect("what was sent arrives when the line is good again");
    assert_eq!(bench.count("SELECT count(*) FROM notes").await, 1);
}

/// A store that reaches the workbench's database through a line that may go bad.
async fn through_proxy(bench: &Workbench, pool_size: usize) -> (Store, Proxy) {
    let (before, rest) = bench.url().split_once('@').expect("a password");
    let (server, database) = rest.split_once('/').expect("a database");
    let server: SocketAddr = server.parse().expect("an address");
    let proxy = Proxy::to(server).await;
    let url = format!("{before}@{}/{database}", proxy.address());
    let settings = Settings { pool_size, ..Settings::at(url) };
    let store = Store::new("bench", &settings, Clock::system(), b"a secret of tests only").expect("a store");
    (store, proxy)
}
