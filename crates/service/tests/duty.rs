//! Of two processes of a service one works by the clock; when it goes, with or without a word, the other takes over.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use rpc::{CallerKeys, Directory};
use service::{Parts, Platform, Running, Service};
use store::{EmbeddedMigrations, Settings};
use testing::TestDatabase;
use types::Clock;

/// Whoever dies is replaced within this.
const TAKEN_OVER_MAX: Duration = Duration::from_secs(10);
/// Rounds of the job that one has to himself.
const ROUNDS: usize = 20;

/// Who has worked, in this order; nextest runs every test in a process of its own.
static WORKED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A service that only writes down who works.
struct Diary;

impl Service for Diary {
    const NAME: &'static str = "diary";

    fn migrations() -> EmbeddedMigrations {
        store::platform_migrations()
    }

    async fn start(platform: Platform) -> anyhow::Result<Parts> {
        let who: String = platform.settings()?;
        Ok(Parts::new().every(Duration::from_millis(10), "diary.write", move || {
            let who = who.clone();
            async move {
                WORKED.lock().expect("no panic").push(who);
                Ok(())
            }
        }))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_works_and_the_other_takes_over_when_it_drains() {
    let database = TestDatabase::of::<Diary>().await;
    let first = start(&database, "first").await;
    works("first").await;
    let second = start(&database, "second").await;
    works("first").await;
    assert!(!has_worked("second"), "one is enough");
    let asked = Instant::now();
    first.drain().await;
    works("second").await;
    assert!(asked.elapsed() < TAKEN_OVER_MAX, "{:?}", asked.elapsed());
    assert!(took_turns_once(), "{:?}", WORKED.lock());
    second.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_dies_without_a_word_is_replaced_within_ten_seconds() {
    let database = TestDatabase::of::<Diary>().await;
    let process = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let process = process.expect("a runtime");
    let url = database.url().to_owned();
    process.spawn(async move {
        let first = start_at(&url, "first").await;
        std::future::pending::<()>().await;
        drop(first);
    });
    works("first").await;
    let second = start(&database, "second").await;
    works("first").await;
    assert!(!has_worked("second"), "one is enough");
    let killed = Instant::now();
    process.shutdown_background();
    works("second").await;
    assert!(killed.elapsed() < TAKEN_OVER_MAX, "{:?}", killed.elapsed());
    assert!(took_turns_once(), "{:?}", WORKED.lock());
    second.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_duty_is_one_holders_until_its_lease_ends() {
    let database = TestDatabase::of::<Diary>().await;
    let settings = Settings::at(database.url());
    let store = store::Store::new("diary", &settings, Clock::system(), b"secret").expect("a store");
    let (one, other) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    let lease = Duration::from_millis(300);
    assert!(store.hold_duty(one, lease).await.expect("the database"), "nobody has it");
    assert!(!store.hold_duty(other, lease).await.expect("the database"), "it is taken");
    assert!(store.hold_duty(one, lease).await.expect("the database"), "it is kept");
    store.release_duty(other).await.expect("the database");
    assert!(
        !store.hold_duty(other, lease).await.expect("the database"),
        "nobody gives back what is another's"
    );
    testing::eventually("the lease ends", async || {
        store.hold_duty(other, lease).await.expect("the database").then_some(())
    })
    .await;
    store.release_duty(other).await.expect("the database");
    assert!(store.hold_duty(one, lease).await.expect("the database"), "it was given back");
}

async fn start(database: &TestDatabase, who: &str) -> Running {
    start_at(database.url(), who).await
}

async fn start_at(url: &str, who: &str) -> Running {
    let directory = Directory::in_process(["diary"], CallerKeys::random());
    let configured = service::Configured { settings: who.into(), ..Default::default() };
    let settings = Settings::at(url);
    let running =
        service::launch_with::<Diary>(&settings, &directory, Clock::system(), b"secret", configured).await;
    running.expect("it starts")
}

/// Waits until `who` has worked for some rounds more.
async fn works(who: &str) {
    let rounds = || WORKED.lock().expect("no panic").iter().filter(|one| *one == who).count();
    let wanted = rounds() + ROUNDS;
    testing::eventually(&format!("{who} works"), async || (rounds() >= wanted).then_some(())).await;
}

fn has_worked(who: &str) -> bool {
    WORKED.lock().expect("no panic").iter().any(|one| one == who)
}

/// Nobody worked between two rounds of the other.
fn took_turns_once() -> bool {
    WORKED.lock().expect("no panic").windows(2).filter(|pair| pair[0] != pair[1]).count() == 1
}
