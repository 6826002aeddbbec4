//! A key has one effect, however many callers use it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use proto::r#type::v1::Money;
use store::{Error, Once, Store, Tx, cached_sql};

use crate::workbench::{Workbench, call};

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_callers_with_one_key_have_one_effect_and_one_answer() {
    let bench = Workbench::new().await;
    let runs = Arc::new(AtomicI64::new(0));
    let calls =
        (0..64).map(|_| tokio::spawn(pay(bench.store.clone(), "key-1", money("10.00"), runs.clone())));
    let mut answers = Vec::new();
    for answer in calls.collect::<Vec<_>>() {
        answers.push(answer.await.expect("no panic").expect("every caller gets the answer"));
    }

    assert_eq!(bench.count("SELECT count(*) FROM notes").await, 1);
    answers.dedup();
    assert_eq!(answers.len(), 1, "the first answer is replayed to all");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_request_with_the_key_is_refused() {
    let (bench, runs) = (Workbench::new().await, Arc::default());
    pay(bench.store.clone(), "key-1", money("10.00"), Arc::clone(&runs)).await.expect("the first is served");
    let reused = pay(bench.store.clone(), "key-1", money("99.00"), runs).await;

    assert!(matches!(reused, Err(Error::KeyReused)));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_different_scopes_do_not_meet() {
    let bench = Workbench::new().await;
    for scope in ["shp_1", "shp_2"] {
        let once = Once { scope, method: "bench.pay", key: "key-1" };
        let answer: Result<Money, Error> = bench
            .store
            .once(&call(), once, &money("10.00"), async |_: &mut Tx| {
                Ok(money(if scope == "shp_1" { "1.00" } else { "2.00" }))
            })
            .await;
        assert_eq!(answer.expect("served").amount, if scope == "shp_1" { "1.00" } else { "2.00" });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call_does_not_use_up_its_key() {
    let bench = Workbench::new().await;
    let once = Once { scope: "org", method: "bench.pay", key: "key-1" };
    let refused: Result<Money, Error> =
        bench.store.once(&call(), once, &money("10.00"), async |_: &mut Tx| Err(Error::QueueFull)).await;
    assert!(matches!(refused, Err(Error::QueueFull)));

    let served: Result<Money, Error> =
        bench.store.once(&call(), once, &money("20.00"), async |_: &mut Tx| Ok(money("20.00"))).await;
    assert_eq!(served.expect("the key is free").amount, "20.00");
}

async fn pay(store: Store, key: &'static str, request: Money, runs: Arc<AtomicI64>) -> Result<Money, Error> {
    let once = Once { scope: "org", method: "bench.pay", key };
    store
        .once(&call(), once, &request, async |tx: &mut Tx| {
            let id = runs.fetch_add(1, Ordering::SeqCst);
            cached_sql("INSERT INTO notes (id, text) VALUES ($1, 'paid')")
                .bind::<BigInt, _>(id)
                .execute(tx.conn())
                .await?;
            Ok(money(&format!("{id}.00")))
        })
        .await
}

fn money(amount: &str) -> Money {
    Money { amount: amount.to_owned(), currency_code: "EUR".to_owned() }
}
