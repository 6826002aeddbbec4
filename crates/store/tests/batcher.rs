//! Concurrent requests share a batch; a batch that fails takes nobody else with it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use store::{BATCH_SIZE_MAX, Batcher, Error, QUEUE_LENGTH_MAX};
use tokio::sync::Semaphore;

type Doubler = Batcher<u64, u64, Error>;

#[tokio::test(flavor = "multi_thread")]
async fn every_request_gets_its_own_answer() {
    let batches = Arc::new(AtomicUsize::new(0));
    let counted = batches.clone();
    let doubler = Doubler::start("doubler", move |numbers| {
        counted.fetch_add(1, Ordering::SeqCst);
        assert!(numbers.len() <= BATCH_SIZE_MAX);
        async move { numbers.into_iter().map(|number| Ok(number * 2)).collect() }
    });
    let answers = join_all((0..1000).map(|number| doubler.submit(number))).await;

    for (number, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.expect("doubled"), number as u64 * 2);
    }
    assert!(batches.load(Ordering::SeqCst) < 1000, "requests that wait together are done together");
}

#[tokio::test]
async fn requests_whose_tasks_are_ready_come_along() {
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let seen = sizes.clone();
    let doubler = Doubler::start("doubler", move |numbers| {
        seen.lock().expect("sizes").push(numbers.len());
        async move { numbers.into_iter().map(|number| Ok(number * 2)).collect() }
    });
    let requests: Vec<_> = (0..20)
        .map(|number| {
            let doubler = doubler.clone();
            tokio::spawn(async move { doubler.submit(number).await })
        })
        .collect();
    for request in requests {
        request.await.expect("a requester").expect("doubled");
    }
    // The worker wakes with the first request; the tasks of the others were ready to run.
    assert_eq!(*sizes.lock().expect("sizes"), [20]);
}

#[tokio::test]
async fn requests_that_were_answered_together_are_waited_for() {
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let seen = sizes.clone();
    let doubler = Doubler::start("doubler", move |numbers| {
        seen.lock().expect("sizes").push(numbers.len());
        async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            numbers.into_iter().map(|number| Ok(number * 2)).collect()
        }
    });
    // On one thread timers fire in the order of their times: the late ones come before the worker looks again.
    let come = |late: bool, number| {
        let doubler = doubler.clone();
        async move {
            if late {
                tokio::time::sleep(Duration::from_micros(1)).await;
            }
            doubler.submit(number).await.expect("doubled")
        }
    };
    join_all((0..20).map(|number| come(false, number))).await;
    join_all((0..20).map(|number| come(number >= 12, number))).await;
    come(false, 20).await;
    assert_eq!(
        *sizes.lock().expect("sizes"),
        [20, 20, 1],
        "the late ones are waited for; nobody waits for ever"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_panics_loses_itself_only() {
    let doubler = Doubler::start("doubler", |numbers| async move {
        assert!(!numbers.contains(&13), "a bug in a verb");
        numbers.into_iter().map(|number| Ok(number * 2)).collect()
    });

    let lost = doubler.submit(13).await;
    assert!(matches!(lost, Err(Error::Unreachable(_))), "the outcome is unknown, not refused");
    assert_eq!(doubler.submit(2).await.expect("the worker lives"), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_panics_before_its_first_await_loses_itself_only() {
    let doubler = Doubler::start("doubler", |numbers| {
        assert!(!numbers.contains(&13), "a bug before the future is made");
        async move { numbers.into_iter().map(|number| Ok(number * 2)).collect() }
    });

    let lost = doubler.submit(13).await;
    assert!(matches!(lost, Err(Error::Unreachable(_))), "the outcome is unknown, not refused");
    assert_eq!(doubler.submit(2).await.expect("the worker lives"), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_answers_too_little_leaves_the_rest_unknown() {
    let doubler = Doubler::start("doubler", |_| async move { Vec::new() });
    assert!(matches!(doubler.submit(1).await, Err(Error::Unreachable(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_at_once() {
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    let doubler = Doubler::start("doubler", move |numbers| {
        let gate = held.clone();
        async move {
            let _open = gate.acquire().await;
            numbers.into_iter().map(|number| Ok(number * 2)).collect()
        }
    });
    let calls = 2 * QUEUE_LENGTH_MAX;
    let tasks: Vec<_> = (0..calls as u64)
        .map(|number| {
            let doubler = doubler.clone();
            tokio::spawn(async move { doubler.submit(number).await })
        })
        .collect();
    let refused = testing::eventually("calls are refused", async || {
        let done = tasks.iter().filter(|task| task.is_finished()).count();
        (done >= calls - QUEUE_LENGTH_MAX - BATCH_SIZE_MAX).then_some(done)
    })
    .await;
    gate.add_permits(calls);

    let (mut served, mut full) = (0, 0);
    for task in tasks {
        match task.await.expect("no panic") {
            Ok(_) => served += 1,
            Err(Error::QueueFull) => full += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(served + full, calls);
    assert_eq!(full, refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requester_that_hangs_up_stops_nothing() {
    let done = Arc::new(AtomicUsize::new(0));
    let counted = done.clone();
    let doubler = Doubler::start("doubler", move |numbers| {
        let done = counted.clone();
        async move {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            done.fetch_add(numbers.len(), Ordering::SeqCst);
            numbers.into_iter().map(|number| Ok(number * 2)).collect()
        }
    });
    let hung_up = tokio::time::timeout(std::time::Duration::from_millis(5), doubler.submit(1)).await;

    assert!(hung_up.is_err());
    testing::eventually("the batch ends all the same", async || {
        (done.load(Ordering::SeqCst) == 1).then_some(())
    })
    .await;
}
