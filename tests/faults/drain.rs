//! SIGTERM to separate processes, one at a time, while orders come in: each says that it is not ready, ends what it has
//! begun, and goes. Clients are told to come back, or find nobody; none of them loses an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::task::JoinHandle;

use crate::market::Market;
use crate::rest::{self, Client};
use crate::suite::{Mode, SERVICES, Suite};
use crate::{figure, verdict};

const CLIENTS: usize = 8;
const READERS: usize = 4;
const ENDED_MAX: Duration = Duration::from_secs(25);
/// Three seconds on a quiet machine with a release build.
const READY_MAX: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);
/// How soon a probe hears that a process drains.
const TOLD_MAX: Duration = Duration::from_secs(1);
/// What callers hear while a service is away: it is done, is being decided, is being asked by somebody else, or is to be
/// asked again.
const EXPECTED: [StatusCode; 5] = [
    StatusCode::OK,
    StatusCode::CREATED,
    StatusCode::ACCEPTED,
    StatusCode::CONFLICT,
    StatusCode::SERVICE_UNAVAILABLE,
];

#[tokio::test(flavor = "multi_thread")]
async fn whichever_process_is_asked_to_stop_nobody_is_cut_off() {
    let mut market = Market::open(Mode::Apart).await;
    let buyers = market.buyers(CLIENTS);
    let readers = Readers::start(&market.suite);
    buyers.more(4).await;
    // The gateway most often: it is the one whose clients are not ours.
    let roles = SERVICES.into_iter().chain(["gateway", "orders", "gateway"]).cycle();
    let (mut drained, mut ready) = (Vec::new(), Vec::new());
    for role in roles.take(figure(10, 50)) {
        let asked = Instant::now();
        market.suite.ask_to_stop(role);
        let ended = tokio::time::timeout(ENDED_MAX, market.suite.role_ended(role)).await;
        assert!(ended.unwrap_or_else(|_| panic!("{role} still runs after {ENDED_MAX:?}")), "{role} failed");
        drained.push(asked.elapsed());
        let started = Instant::now();
        market.suite.start_role(role);
        wait_until_ready(&mut market.suite, role).await;
        ready.push(started.elapsed());
        buyers.more(4).await;
    }
    let (seen, read) = (buyers.finish().await, readers.finish().await);
    let took = verdict::clean(&market).await;
    println!("ended after {drained:.1?}, ready after {ready:.1?}, all well after {took:.1?}");
    println!("buyers saw {:?}, {} times nobody; {:?}", seen.answers, seen.not_connected, seen.reasons);
    println!(
        "readers were served {} times, refused {} times, {} times nobody",
        read.served, read.refused, read.nobody
    );
    let unexpected: Vec<_> =
        seen.answers.keys().filter(|status| !EXPECTED.iter().any(|one| one == *status)).collect();
    assert!(unexpected.is_empty(), "buyers saw {unexpected:?}: {:?}", seen.reasons);
    assert_eq!(seen.without_retry_after, 0, "who is refused is told when to come back");
    assert!(read.served > 0 && read.refused > 0, "somebody reads all the time");
    market.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_drains_says_so_and_answers_what_it_has_begun() {
    let mut suite = Suite::start(Mode::Apart).await;
    suite.stock("TEA", 10).await;
    for (buyer, role) in ["gateway", "inventory", "orders"].into_iter().enumerate() {
        // Nothing can be reserved, so that an order is under way.
        let mut database = suite.database("inventory").await;
        let shut = database.transaction().await.unwrap();
        shut.batch_execute("LOCK TABLE reservations IN EXCLUSIVE MODE").await.unwrap();
        let placing = tokio::spawn({
            let (rest, order) = (suite.rest.clone(), suite.order("TEA", buyer as u64));
            async move { rest.post("/v1/orders", &format!("under-way-{role}"), &order).await }
        });
        let waits = "SELECT count(*) FROM pg_stat_activity
                     WHERE wait_event_type = 'Lock' AND datname = current_database()";
        testing::eventually("the order waits", async || {
            (suite.number("inventory", waits).await > 0).then_some(())
        })
        .await;

        suite.ask_to_stop(role);
        let asked = Instant::now();
        let probe = Client::new();
        let readiness = format!("http://{}/readyz", suite.ops_of(role));
        loop {
            let told = probe.get(&readiness).await.expect("probes are answered to the end");
            if told.status == StatusCode::SERVICE_UNAVAILABLE {
                break;
            }
            assert!(asked.elapsed() < TOLD_MAX, "{role} says that it is ready");
            tokio::time::sleep(PAUSE).await;
        }
        assert!(suite.role_runs(role), "{role} has left an order behind");
        let live = format!("http://{}/livez", suite.ops_of(role));
        assert!(probe.is_ok(&live).await, "{role} lives until it has ended");
        shut.commit().await.unwrap();
        let placed = placing.await.unwrap().unwrap();
        assert_eq!(placed.status, StatusCode::CREATED, "{role}: {}", placed.body);
        assert!(suite.role_ended(role).await, "{role} failed");
        suite.start_role(role);
        wait_until_ready(&mut suite, role).await;
    }
    suite.stop().await;
}

/// Until the role, and the gateway with all behind it, say so.
async fn wait_until_ready(suite: &mut Suite, role: &str) {
    let (probe, started) = (Client::new(), Instant::now());
    let own = format!("http://{}/readyz", suite.ops_of(role));
    while !probe.is_ok(&own).await {
        assert!(suite.role_runs(role), "{role} has ended");
        assert!(started.elapsed() < READY_MAX, "{role} is not ready");
        tokio::time::sleep(PAUSE).await;
    }
    suite.wait_until_ready().await;
}

/// Who looks at orders all the time, over connections that are kept.
struct Readers {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    served: AtomicU64,
    refused: AtomicU64,
    nobody: AtomicU64,
}

/// What they met.
struct Read {
    served: u64,
    refused: u64,
    nobody: u64,
}

impl Readers {
    fn start(suite: &Suite) -> Self {
        let shared = Arc::<Shared>::default();
        let path = format!("/v1/orders?shopId={}&pageSize=5", suite.shop_id);
        let reader = |_| tokio::spawn(read(shared.clone(), suite.rest.reconnected(), path.clone()));
        let tasks = (0..READERS).map(reader).collect();
        Self { shared, tasks }
    }

    async fn finish(self) -> Read {
        self.shared.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        Read {
            served: count(&self.shared.served),
            refused: count(&self.shared.refused),
            nobody: count(&self.shared.nobody),
        }
    }
}

/// A look is answered, refused with a time to come back, or never made: it is not lost.
async fn read(shared: Arc<Shared>, rest: Client, path: String) {
    while !shared.stop.load(Ordering::Relaxed) {
        let counter = match rest.get(&path).await {
            Ok(answer) if answer.status == StatusCode::OK => &shared.served,
            Ok(answer) => {
                assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.body);
                assert!(answer.retry_after, "says when to come back: {}", answer.body);
                &shared.refused
            }
            Err(error) if rest::is_not_connected(&error) => &shared.nobody,
            Err(error) => panic!("a look was lost: {error:#}"),
        };
        counter.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(PAUSE).await;
    }
}
