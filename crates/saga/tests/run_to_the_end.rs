//! Unknown answers are asked again until the process is done.

use crate::errand::{Answer, Office, STEPS, call, input};

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_done_in_order() {
    let office = Office::new().await;
    let (saga_id, outcome) = office.run().await;

    assert_eq!(outcome.as_deref(), Some("done"));
    assert_eq!(office.counter.log(), STEPS);
    assert_eq!(office.state(saga_id).await, "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_answer_is_asked_again_from_the_top() {
    let office = Office::new().await;
    office.counter.plan("pay", Answer::Unreachable);
    let (saga_id, outcome) = office.run().await;

    assert_eq!(outcome.as_deref(), Some("done"));
    assert_eq!(office.counter.log(), ["price", "reserve", "price", "reserve", "pay"]);
    assert_eq!(office.state(saga_id).await, "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_hangs_up_stops_nothing() {
    let office = Office::new().await;
    office.counter.plan("reserve", Answer::Unreachable);
    let saga_id = office.record().await;
    drop(office.runner.start(saga_id, &call(), input(saga_id)));

    office.reaches(saga_id, "done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stops_leaves_the_rest_to_the_next() {
    let office = Office::new().await;
    office.counter.cut_off("pay");
    let saga_id = office.record().await;
    let _outcome = office.runner.start(saga_id, &call(), input(saga_id));
    office.stop.cancel();
    office.runner.drain().await;

    assert_eq!(office.state(saga_id).await, "running");
}
