//! A process runs so many sagas of a kind and no more; what does not fit waits for whoever has room.

use std::time::Duration;

use crate::errand::{Answer, Office, STEPS, call, input};

#[tokio::test(flavor = "multi_thread")]
async fn who_is_full_takes_over_nothing() {
    let office = Office::new().await;
    office.fill().await;
    let orphan = office.record().await;
    office.expire_lease(orphan).await;
    office.recover();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!((office.state(orphan).await.as_str(), office.attempts(orphan).await), ("running", 0));

    let second = office.second();
    second.recover();
    second.reaches(orphan, "done").await;
    assert_eq!(office.counter.log(), STEPS);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_must_try_again_where_it_is_full_gives_way() {
    let office = Office::new().await;
    office.fill().await;
    let saga_id = office.record().await;
    office.counter.plan("pay", Answer::Unreachable);

    // What has just begun runs all the same, and its caller is not kept waiting for what is not under way here any more.
    let outcome = office.runner.start(saga_id, &call(), input(saga_id));
    let outcome =
        tokio::time::timeout(Duration::from_secs(20), saga::wait(outcome, Duration::from_secs(600)));
    assert_eq!(outcome.await.expect("is let go"), None);
    assert_eq!(office.counter.log(), ["price", "reserve"]);
    assert!(office.runner.wait(saga_id, Duration::ZERO).await.is_none());

    // It waits for no whole lease.
    let second = office.second();
    second.recover();
    second.reaches(saga_id, "done").await;
}
