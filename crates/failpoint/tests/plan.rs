//! What a plan says is what happens, and what it cannot mean is refused.

#![allow(clippy::unwrap_used)] // Tests: a failure is a panic.

use failpoint::{Directory, Plan};

#[test]
fn a_plan_that_means_nothing_is_refused() {
    for (text, why) in [
        ("store.commit.sideways kill", "there is no such place"),
        ("store.commit.after", "say what happens there"),
        ("store.commit.after[orders]", "say what happens there"),
        ("store.commit.after explode", "kill, fail, panic or sleep=MS"),
        ("store.commit.after kill nth=first", "not a number"),
        ("store.commit.after kill sometimes=1", "nth, times, chance or seed"),
        ("plant nothing.like_it", "there is no bug"),
    ] {
        let refused = Plan::parse(text).unwrap_err();
        assert!(refused.0.contains(why), "{text}: {refused}");
    }
    let plan = "store.commit.after[orders] kill nth=3 times=1; saga.step.done[reserve stock] sleep=20 chance=0.5 seed=9";
    assert!(Plan::parse(plan).is_ok());
    assert!(Plan::parse("plant events.cursor_skips\n\nstore.batch.answer panic").is_ok());
}

/// The only test in this process that is told something: what a process was told is read once.
#[tokio::test]
async fn places_fail_as_often_as_they_are_told_and_plans_change_at_run_time() {
    let folder = std::env::temp_dir().join(format!("korob-failpoint-plan-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let directory = Directory::at(folder.clone());
    // Another process: a test may not change the environment of its own.
    if std::env::var_os(failpoint::DIRECTORY_VARIABLE).is_none() {
        let again = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "places_fail_as_often_as_they_are_told_and_plans_change_at_run_time"])
            .env(failpoint::DIRECTORY_VARIABLE, &folder)
            .status();
        assert!(again.unwrap().success());
        std::fs::remove_dir_all(&folder).unwrap();
        return;
    }
    let directory =
        std::env::var_os(failpoint::DIRECTORY_VARIABLE).map_or(directory, |path| Directory::at(path.into()));

    assert_eq!(visit("orders", 3).await, [true, true, true], "nothing is told");
    directory.set("store.commit.before[orders] fail nth=2").unwrap();
    assert_eq!(visit("orders", 3).await, [true, false, true]);
    assert_eq!(visit("payments", 3).await, [true, true, true], "another place");
    assert_eq!(directory.fired(), ["store.commit.before[orders]"]);
    directory.set("store.commit.before fail times=2").unwrap();
    assert_eq!(visit("payments", 4).await, [false, false, true, true]);
    directory.set("store.commit.before fail chance=0.5 seed=4").unwrap();
    let some = visit("orders", 20).await;
    assert!(some.contains(&true) && some.contains(&false), "{some:?}");
    directory.set("store.commit.before fail chance=0.5 seed=4").unwrap();
    assert_eq!(visit("orders", 20).await, some, "the same seed, the same visits");

    assert!(!failpoint::planted!("saga.undo_forgotten"));
    directory.set("plant saga.undo_forgotten").unwrap();
    assert!(failpoint::planted!("saga.undo_forgotten"));
    assert!(directory.reached().contains(&"saga.undo_forgotten[]".to_owned()));
}

async fn visit(place: &str, times: usize) -> Vec<bool> {
    let mut passed = Vec::new();
    for _ in 0..times {
        passed.push(pass(place).await.is_ok());
    }
    passed
}

async fn pass(place: &str) -> Result<(), String> {
    failpoint::hit!("store.commit.before", place, "told to fail");
    Ok(())
}
