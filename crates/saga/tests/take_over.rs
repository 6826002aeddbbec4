//! A process that dies leaves its lease to run out; the next one goes on.

use saga::Records;

use crate::errand::{Answer, Office, STEPS, call, input};

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_runs_is_taken_over() {
    let office = Office::new().await;
    let saga_id = office.record().await; // And the process dies.
    office.expire_lease(saga_id).await;
    let second = office.second();
    second.recover();

    second.reaches(saga_id, "done").await;
    assert_eq!(office.counter.log(), STEPS);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_runs_is_left_alone() {
    let office = Office::new().await;
    let saga_id = office.record().await;
    let second = office.second();
    second.recover();
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;

    assert_eq!(second.state(saga_id).await, "running");
    assert!(office.counter.log().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_after_a_take_over_undoes_everything_that_may_have_been_done() {
    let office = Office::new().await;
    let saga_id = office.record().await;
    // The first process reserved and died; only the database and the counter know.
    office.expire_lease(saga_id).await;
    office.counter.plan("price", Answer::Refused("no longer sold"));
    let second = office.second();
    second.recover();

    second.reaches(saga_id, "undone").await;
    assert_eq!(office.counter.log(), ["undo pay", "undo reserve"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_attempt_that_slept_past_its_lease_undoes_what_others_did_meanwhile() {
    let office = Office::new().await;
    let saga_id = office.record().await;
    // It sleeps, and another one gets as far as the payment.
    office.expire_lease(saga_id).await;
    office.counter.cut_off("pay");
    let second = office.second();
    second.recover();
    testing::eventually("stock is reserved", async || {
        office.counter.log().contains(&"reserve".to_owned()).then_some(())
    })
    .await;
    second.stop.cancel();
    second.runner.drain().await;

    office.counter.plan("price", Answer::Refused("no longer sold"));
    let outcome = office.runner.start(saga_id, &call(), input(saga_id));
    let outcome = saga::wait(outcome, std::time::Duration::from_secs(20)).await;

    assert_eq!(outcome.as_deref(), Some("undone: no longer sold"));
    let log = office.counter.log();
    assert!(log.ends_with(&["undo pay".to_owned(), "undo reserve".to_owned()]), "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_that_was_begun_is_gone_to_its_end() {
    let office = Office::new().await;
    office.counter.plan("pay", Answer::Refused("no money"));
    office.counter.cut_off("undo pay");
    let saga_id = office.record().await;
    let _outcome = office.runner.start(saga_id, &call(), input(saga_id));
    office.reaches(saga_id, "unwinding").await;
    office.stop.cancel();
    office.runner.drain().await;

    let second = office.second();
    office.expire_lease(saga_id).await;
    office.counter.forgive("undo pay");
    second.recover();
    second.reaches(saga_id, "undone").await;
    assert!(!office.counter.log().contains(&"pay".to_owned()), "it never went forward again");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_forward_goes_back_once_that_is_decided() {
    let office = Office::new().await;
    office.counter.cut_off("pay");
    let saga_id = office.record().await;
    let outcome = office.runner.start(saga_id, &call(), input(saga_id));
    testing::eventually("stock is reserved", async || {
        office.counter.log().contains(&"reserve".to_owned()).then_some(())
    })
    .await;
    // Another process, for which the lease was over, was refused, and died before it undid anything.
    let refusal = tonic::Status::failed_precondition("no money");
    office.store.begin_unwinding(saga_id, &refusal).await.expect("decided");
    let outcome = saga::wait(outcome, std::time::Duration::from_secs(20)).await;

    assert_eq!(outcome.as_deref(), Some("undone: no money"));
    let log = office.counter.log();
    assert!(log.ends_with(&["undo pay".to_owned(), "undo reserve".to_owned()]), "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_panics_is_tried_again_by_whoever_takes_over() {
    let office = Office::new().await;
    office.counter.plan("reserve", Answer::Breaks);
    let (saga_id, outcome) = office.run().await;
    assert_eq!(outcome, None, "the outcome is not known yet");

    office.expire_lease(saga_id).await;
    office.recover();
    office.reaches(saga_id, "done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_both_run_it_finish_it_once() {
    let office = Office::new().await;
    let saga_id = office.record().await;
    let second = office.second();
    let first = office.runner.start(saga_id, &call(), input(saga_id));
    let other = second.runner.start(saga_id, &call(), input(saga_id));
    let patience = std::time::Duration::from_secs(20);
    let outcomes = [saga::wait(first, patience).await, saga::wait(other, patience).await];

    assert_eq!(
        outcomes.iter().flatten().count(),
        1,
        "{outcomes:?}: one tells the outcome, the other that it ended"
    );
    assert_eq!(office.state(saga_id).await, "done");
}
