//! Far more is asked than can be done: placements go on, browsing gives way, and what was refused left no trace.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::is_refused;
use crate::suite::{Mode, Setup, Suite};

/// Places at the gateway: few, so that a small machine can fill them.
const PLACES: usize = 16;
/// Who browses without a pause: far more than half of the places.
const BROWSERS: usize = 48;
/// Who places orders: they all find a place, if only browsing gives way.
const BUYERS: usize = 8;
/// Who wants to buy when everybody wants to: far more than there are places, or that may wait for one.
const CROWD: usize = 96;
const PHASE: Duration = Duration::from_secs(4);
const RECOVERY: Duration = Duration::from_secs(10);
const MEMORY_MAX_KIB: u64 = 64 * 1024;

/// What a group of clients met with.
#[derive(Default)]
struct Met {
    served: AtomicU64,
    refused: AtomicU64,
}

impl Met {
    fn of(&self) -> (u64, u64) {
        (self.served.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn browsing_gives_way_placements_go_on_and_nothing_is_left_of_what_was_refused() {
    let suite = Arc::new(start().await);
    suite.stock("MUCH", 1_000_000).await;
    let (alone, _) = with_group(&suite, BUYERS, PHASE, buy).await;
    assert!(alone > 0, "orders are placed");
    let before_kib = resident_kib(&suite);

    // Browsing comes on top, six times as many as buyers.
    let (browsing, buying) =
        tokio::join!(with_group(&suite, BROWSERS, PHASE, browse), with_group(&suite, BUYERS, PHASE, buy));
    assert!(browsing.1 > 0, "there is too much: {browsing:?}");
    assert_eq!(buying.1, 0, "no placement is refused while browsing can be: {buying:?}");
    assert!(browsing.0 > 0, "what there is room for is served: {browsing:?}");

    // Everybody buys.
    let crowd = with_group(&suite, CROWD, PHASE, buy).await;
    assert!(crowd.1 > 0, "there is too much: {crowd:?}");
    // Refusing takes the same cores, and other people's work, too; `korob bench overload` has the figure of a quiet machine.
    assert!(crowd.0 * 4 >= alone, "no collapse: {} of {alone} at capacity", crowd.0);
    let grown_kib = resident_kib(&suite).saturating_sub(before_kib);
    assert!(grown_kib < MEMORY_MAX_KIB, "{grown_kib} KiB more");

    recovered(&suite).await;
    nothing_is_left(&suite, alone + buying.0 + crowd.0).await;
    Arc::into_inner(suite).unwrap().stop().await;
}

async fn start() -> Suite {
    let limit = |name: &'static str, value: usize| (name, value.to_string());
    let environment = vec![
        limit("KOROB__GATEWAY__LIMITS__IN_FLIGHT_MAX", PLACES),
        // Eight buyers always find a place.
        limit("KOROB__GATEWAY__LIMITS__IN_FLIGHT_MIN", PLACES),
        limit("KOROB__GATEWAY__LIMITS__WAITING_MAX", 8),
    ];
    Suite::start_as(Mode::OneProcess, Setup { environment, ..Setup::default() }).await
}

/// Clients that do one thing again and again for a while; who is refused breathes in once. How many were served, and
/// how many refused.
async fn with_group<Fut>(
    suite: &Arc<Suite>,
    clients: usize,
    time: Duration,
    act: fn(Arc<Suite>, u64) -> Fut,
) -> (u64, u64)
where
    Fut: Future<Output = bool> + Send + 'static,
{
    let (met, until) = (Arc::new(Met::default()), Instant::now() + time);
    let tasks: Vec<_> = (0..clients)
        .map(|_| {
            let (suite, met) = (suite.clone(), met.clone());
            tokio::spawn(async move {
                while Instant::now() < until {
                    if act(suite.clone(), next_number()).await {
                        met.served.fetch_add(1, Ordering::Relaxed);
                    } else {
                        met.refused.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    met.of()
}

/// Whether an order was taken.
async fn buy(suite: Arc<Suite>, number: u64) -> bool {
    let order = suite.order("MUCH", number % 500);
    let answer = suite.rest.post("/v1/orders", &format!("much-{number}"), &order).await.unwrap();
    let refused = is_refused(&answer);
    assert!(refused || answer.status.is_success(), "{}: {}", answer.status, answer.body);
    !refused
}

/// Whether a page of orders was shown.
async fn browse(suite: Arc<Suite>, _: u64) -> bool {
    let answer = suite.rest.get("/v1/orders?pageSize=50").await.unwrap();
    let refused = is_refused(&answer);
    assert!(refused || answer.status == 200, "{}: {}", answer.status, answer.body);
    !refused
}

/// Within seconds everybody is served again.
async fn recovered(suite: &Arc<Suite>) {
    let over = Instant::now();
    let mut in_row = 0;
    while in_row < 20 {
        let served = browse(suite.clone(), 0).await && buy(suite.clone(), next_number()).await;
        in_row = if served { in_row + 1 } else { 0 };
        assert!(over.elapsed() < RECOVERY, "still refused after {:?}", over.elapsed());
    }
}

/// As many orders as were taken, and no key of one that was refused.
async fn nothing_is_left(suite: &Suite, taken: u64) {
    let orders = suite.number("orders", "SELECT count(*) FROM orders").await.cast_unsigned();
    assert!(orders >= taken, "{orders} orders of {taken} that were taken");
    let keys = "SELECT count(*) FROM idempotency_keys WHERE key LIKE 'much-%'";
    assert_eq!(
        suite.number("orders", keys).await.cast_unsigned(),
        orders,
        "a key for each order and no more"
    );
}

fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What the suite's process holds in memory.
fn resident_kib(suite: &Suite) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", suite.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
