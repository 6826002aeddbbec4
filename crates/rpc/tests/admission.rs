//! What is let in and what is refused. Time is moved by hand.

use std::time::Duration;

use proto::api::v1::Criticality::{Critical, Normal, Sheddable};
use rpc::{Admission, AdmissionLimits, Admitted, Stopwatch};

/// What a method allows; a twentieth of it is half a second.
const ALLOWS: Duration = Duration::from_secs(10);

fn admission(max: usize) -> Admission {
    let wait_max = Duration::from_millis(100);
    Admission::new("test", AdmissionLimits { max, min: 10, waiting_max: 2, wait_max })
}

/// Takes every place that a class can have.
async fn fill(admission: &Admission, class: proto::api::v1::Criticality) -> Vec<Admitted<'_>> {
    let mut taken = Vec::new();
    while let Some(admitted) = admission.admit(class).await {
        taken.push(admitted);
    }
    taken
}

/// As many rounds of full places as asked for, in which every answer takes `took`.
async fn rounds(admission: &Admission, count: usize, took: Duration) {
    for _ in 0..count {
        let places = fill(admission, Sheddable).await;
        let more = fill(admission, Normal).await;
        let stopwatch = Stopwatch::start();
        tokio::time::sleep(took).await;
        for _ in places.into_iter().chain(more) {
            admission.observe(stopwatch, ALLOWS);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn browsing_is_refused_first_and_placing_last() {
    let admission = admission(100);
    let browsing = fill(&admission, Sheddable).await;
    assert_eq!(browsing.len(), 50);
    let changing = fill(&admission, Normal).await;
    assert_eq!(changing.len(), 30);
    let placing = fill(&admission, Critical).await;
    assert_eq!(placing.len(), 20);

    // One place that is given back is a placement's, whoever gave it back.
    drop(browsing.into_iter().next());
    assert_eq!(admission.in_flight(), 50, "all browsing has ended");
    assert!(admission.admit(Sheddable).await.is_none());
    assert!(admission.admit(Normal).await.is_some());
    drop((changing, placing));
    assert_eq!(admission.in_flight(), 0);
    assert!(admission.admit(Sheddable).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn late_answers_lower_the_limit_as_far_as_they_are_late_and_no_further_than_the_least() {
    let admission = admission(400);
    rounds(&admission, 1, Duration::from_millis(750)).await;
    assert_eq!(admission.limit(), 266, "half as late again as in time: two thirds are left");
    rounds(&admission, 1, Duration::from_secs(60)).await;
    assert_eq!(admission.limit(), 133, "never less than half at once");
    rounds(&admission, 20, Duration::from_secs(60)).await;
    assert_eq!(admission.limit(), 10);
}

#[tokio::test(start_paused = true)]
async fn timely_answers_raise_it_again_within_seconds() {
    let admission = admission(400);
    rounds(&admission, 20, Duration::from_secs(60)).await;
    assert_eq!(admission.limit(), 10);
    let calm = tokio::time::Instant::now();
    while admission.limit() < 400 {
        rounds(&admission, 1, Duration::from_millis(100)).await;
        assert!(calm.elapsed() < Duration::from_secs(10), "{} after {:?}", admission.limit(), calm.elapsed());
    }

    // A quiet time makes up for it, too.
    rounds(&admission, 20, Duration::from_secs(60)).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    rounds(&admission, 1, Duration::from_millis(10)).await;
    assert_eq!(admission.limit(), 400);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_runs_dry_does_not_cut_twice() {
    let admission = admission(100);
    let places = fill(&admission, Critical).await;
    let stopwatch = Stopwatch::start();
    for admitted in places {
        // One after the other they end late; all of them were let in before the first cut.
        tokio::time::sleep(Duration::from_millis(100)).await;
        admission.observe(stopwatch, Duration::from_secs(1));
        drop(admitted);
    }
    assert_eq!(admission.limit(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_minority_that_hangs_and_slow_answers_of_few_lower_nothing() {
    let admission = admission(100);
    for _ in 0..50 {
        let places = fill(&admission, Critical).await;
        let hanging = Stopwatch::start();
        tokio::time::sleep(Duration::from_secs(5)).await;
        let others = Stopwatch::start();
        tokio::time::sleep(Duration::from_millis(10)).await;
        for (at, admitted) in places.into_iter().enumerate() {
            admission.observe(if at % 3 == 0 { hanging } else { others }, ALLOWS);
            drop(admitted);
        }
    }
    assert_eq!(admission.limit(), 100, "a third of all hung");

    for _ in 0..50 {
        let few = (admission.admit(Critical).await, admission.admit(Normal).await);
        let stopwatch = Stopwatch::start();
        tokio::time::sleep(Duration::from_secs(5)).await;
        admission.observe(stopwatch, ALLOWS);
        drop(few);
    }
    assert_eq!(admission.limit(), 100, "what takes long alone does not wait for others");
}

#[tokio::test(start_paused = true)]
async fn a_part_behind_that_refuses_counts_as_late() {
    let admission = admission(100);
    let places = fill(&admission, Critical).await;
    tokio::time::sleep(Duration::from_millis(150)).await;
    for _ in &places {
        admission.observe_busy(Stopwatch::start());
    }
    tokio::time::sleep(Duration::from_millis(150)).await;
    admission.observe_busy(Stopwatch::start());
    assert!(admission.limit() <= 50, "{}", admission.limit());
}

#[tokio::test(start_paused = true)]
async fn a_placement_waits_for_a_place_briefly_and_in_a_short_line() {
    let admission = admission(20);
    let mut places = fill(&admission, Critical).await;
    let begun = tokio::time::Instant::now();
    assert!(admission.admit(Critical).await.is_none());
    assert_eq!(begun.elapsed(), Duration::from_millis(100), "it waited as long as it may");
    assert!(admission.admit(Normal).await.is_none());
    assert_eq!(begun.elapsed(), Duration::from_millis(100), "nobody else waits");

    // Two may wait; the third is refused at once.
    let begun = tokio::time::Instant::now();
    let freed = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(places.pop());
        begun.elapsed()
    };
    let third = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        (admission.admit(Critical).await.is_none(), begun.elapsed())
    };
    let wait = async || {
        let admitted = admission.admit(Critical).await;
        (admitted, begun.elapsed())
    };
    let (freed, third, first, second) = tokio::join!(freed, third, wait(), wait());
    assert_eq!(third, (true, Duration::from_millis(10)));
    let let_in = [&first, &second].into_iter().filter(|(admitted, _)| admitted.is_some()).count();
    assert_eq!(let_in, 1, "one place, one of them");
    let (_, at) = if first.0.is_some() { first } else { second };
    assert_eq!(at, freed, "as soon as it was free");
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_does_not_come_back_with_all_the_others() {
    let admission = admission(1);
    let after: std::collections::BTreeSet<_> = (0..200).map(|_| admission.come_back_after()).collect();
    assert_eq!(after.into_iter().map(|after| after.as_secs()).collect::<Vec<_>>(), [1, 2, 3]);
}
