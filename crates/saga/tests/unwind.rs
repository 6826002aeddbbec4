//! A refused step undoes what was done, latest first, and only that.

use crate::errand::{Answer, Office, call, input};

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_undoes_what_was_done_latest_first() {
    let office = Office::new().await;
    office.counter.plan("pay", Answer::Refused("no money"));
    let (saga_id, outcome) = office.run().await;

    assert_eq!(outcome.as_deref(), Some("undone: no money"));
    // The refused step, too: it may have taken effect before it was refused.
    assert_eq!(office.counter.log(), ["price", "reserve", "undo pay", "undo reserve"]);
    assert_eq!(office.state(saga_id).await, "undone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_before_anything_was_done_undoes_nothing() {
    let office = Office::new().await;
    office.counter.plan("price", Answer::Refused("unknown SKU"));
    let (_, outcome) = office.run().await;

    assert_eq!(outcome.as_deref(), Some("undone: unknown SKU"));
    assert!(office.counter.log().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_a_later_attempt_undoes_what_an_earlier_one_did() {
    let office = Office::new().await;
    // The first attempt reserves and cannot pay; before the second, the price is gone.
    office.counter.plan("pay", Answer::Unreachable);
    let saga_id = office.record().await;
    let outcome = office.runner.start(saga_id, &call(), input(saga_id));
    testing::eventually("stock is reserved", async || {
        office.counter.log().contains(&"reserve".to_owned()).then_some(())
    })
    .await;
    office.counter.plan("price", Answer::Refused("no longer sold"));
    let outcome = saga::wait(outcome, std::time::Duration::from_secs(20)).await;

    assert_eq!(outcome.as_deref(), Some("undone: no longer sold"));
    assert_eq!(office.counter.log(), ["price", "reserve", "undo pay", "undo reserve"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_is_not_answered_is_asked_again_and_the_way_back_stays_the_way_back() {
    let office = Office::new().await;
    office.counter.plan("pay", Answer::Refused("no money"));
    office.counter.plan("undo reserve", Answer::Unreachable);
    let (saga_id, outcome) = office.run().await;

    assert_eq!(outcome.as_deref(), Some("undone: no money"));
    assert_eq!(office.counter.log(), ["price", "reserve", "undo pay", "undo pay", "undo reserve"]);
    assert_eq!(office.state(saga_id).await, "undone");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_has_finished_is_not_undone() {
    let office = Office::new().await;
    office.counter.plan("pay", Answer::Refused("asked too late"));
    let saga_id = office.record().await;
    // This process was silent for so long that another one took over and finished.
    office.set_state(saga_id, "done").await;
    let outcome = office.runner.start(saga_id, &call(), input(saga_id));
    let outcome = saga::wait(outcome, std::time::Duration::from_secs(20)).await;

    assert_eq!(outcome, None, "the outcome is the other's");
    assert_eq!(office.counter.log(), ["price", "reserve"], "nothing of a finished order is taken back");
    assert_eq!(office.state(saga_id).await, "done");
}
