//! Two processes of every role, as `korob up --processes --replicas 2` runs them: all are restarted one after the other and no
//! request fails; whoever is on duty dies, or sleeps, and another takes over.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use crate::market::{Market, SKUS};
use crate::rest::{Answer, Client};
use crate::suite::Mode;
use crate::{figure, verdict};

/// Processes of the suite besides the supervisor: two of each service and of the gateway.
fn processes() -> usize {
    2 * (crate::suite::SERVICES.len() + 1)
}

/// Every so many-th request places an order.
const ORDER_EVERY: u64 = 20;
/// A debug build on a busy machine starts all of them one after the other.
const RESTARTED_MAX: Duration = Duration::from_secs(200);
/// Who dies is replaced within this, whatever he had to do.
const TAKEN_OVER_MAX: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(50);
/// Who has several things to do by himself.
const ON_DUTY: [&str; 5] = ["orders", "payments", "delivery", "customers", "inventory"];

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_of_every_process_fails_no_request() {
    let mut market = Market::open(Mode::Replicas).await;
    let before = replicas(&market);
    assert_eq!(before.len(), processes(), "two of each");
    let requests = Requests::start(&market, figure(50, 200));
    for round in 1..=figure(1, 10) {
        requests.more(100).await;
        let (old, began) = (replicas(&market), Instant::now());
        signal(market.suite.pid(), Signal::USR2);
        // The log says so once the last one is ready.
        while market.suite.log().matches("every process was restarted").count() < round {
            assert!(began.elapsed() < RESTARTED_MAX, "not all were restarted");
            assert!(market.suite.is_running(), "the supervisor lives");
            tokio::time::sleep(PAUSE).await;
        }
        let new = replicas(&market);
        assert!(old.is_disjoint(&new) && new.len() == processes(), "all are new: {old:?} {new:?}");
        requests.more(100).await;
        let met = requests.met();
        println!("round {round}: restarted in {:.1?}; {met}", began.elapsed());
        assert!(met.failed.is_empty(), "{:?}", met.failed);
    }
    let met = requests.finish().await;
    let took = verdict::clean(&market).await;
    println!("{met}, all well after {took:.1?}");
    assert!(met.failed.is_empty(), "{} of {} failed: {:?}", met.failed.len(), met.answered, met.failed);
    market.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_on_duty_is_killed_and_another_takes_over_within_ten_seconds() {
    let mut market = Market::open(Mode::Replicas).await;
    let buyers = market.buyers(6);
    let mut taken_over = Vec::new();
    for service in ON_DUTY.into_iter().cycle().take(figure(5, 100)) {
        buyers.more(8).await;
        let (owner, holder) = on_duty(&market, service).await;
        let open = open_sagas(&market, service).await;
        signal(owner, Signal::KILL);
        let killed = Instant::now();
        let duty = async {
            while holder_of(&market, service).await.is_none_or(|now| now == holder) {
                tokio::time::sleep(PAUSE).await;
            }
            killed.elapsed()
        };
        let sagas = async {
            while left_alone(&market, service, &open).await > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            killed.elapsed()
        };
        let took = tokio::join!(duty, sagas);
        taken_over.push((service, took.0, took.1, open.len()));
        assert!(took.0 < TAKEN_OVER_MAX && took.1 < TAKEN_OVER_MAX, "{service}: {took:?}");
        all_are_back(&mut market).await;
    }
    let seen = buyers.finish().await;
    let took = verdict::clean(&market).await;
    println!(
        "service, duty, sagas taken over after, sagas open: {taken_over:.1?}; all well after {took:.1?}"
    );
    println!("buyers saw {:?}: {:?}", seen.answers, seen.reasons);
    market.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sleeps_through_his_duty_does_nothing_twice() {
    let market = Market::open(Mode::Replicas).await;
    let buyers = market.buyers(4);
    for service in figure(&ON_DUTY[..2], &ON_DUTY[..]) {
        buyers.more(4).await;
        let (owner, holder) = on_duty(&market, service).await;
        signal(owner, Signal::STOP);
        let stopped = Instant::now();
        while holder_of(&market, service).await.is_none_or(|now| now == holder) {
            assert!(stopped.elapsed() < TAKEN_OVER_MAX, "{service}: nobody has taken over");
            tokio::time::sleep(PAUSE).await;
        }
        buyers.more(2).await;
        signal(owner, Signal::CONT);
        // He finds out, and only the other one is on duty.
        let (now, _) = on_duty(&market, service).await;
        assert_ne!(now, owner, "{service}");
    }
    let seen = buyers.finish().await;
    let took = verdict::clean(&market).await;
    println!("all well after {took:.1?}; buyers saw {:?}: {:?}", seen.answers, seen.reasons);
    market.close().await;
}

/// The processes that the supervisor has started.
fn replicas(market: &Market) -> BTreeSet<u32> {
    market.suite.pids().into_iter().skip(1).collect()
}

async fn all_are_back(market: &mut Market) {
    while replicas(market).len() < processes() {
        tokio::time::sleep(PAUSE).await;
    }
    market.suite.wait_until_ready().await;
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).unwrap();
}

/// The one process of a service that says it is on duty, and the holder in its database.
async fn on_duty(market: &Market, service: &str) -> (u32, Uuid) {
    testing::eventually("one is on duty and says so", async || {
        let mut owners = Vec::new();
        for pid in replicas(market) {
            if role_of(pid).as_deref() == Some(service) && says_it_is_on_duty(pid, service).await {
                owners.push(pid);
            }
        }
        let holder = holder_of(market, service).await?;
        (owners.len() == 1).then(|| (owners[0], holder))
    })
    .await
}

/// What `serve` was given.
fn role_of(pid: u32) -> Option<String> {
    let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    let mut arguments = command.split('\0').skip_while(|argument| *argument != "serve");
    arguments.nth(1).map(str::to_owned)
}

async fn says_it_is_on_duty(pid: u32, service: &str) -> bool {
    let environment = std::fs::read_to_string(format!("/proc/{pid}/environ")).unwrap_or_default();
    let ops = environment.split('\0').find_map(|variable| variable.strip_prefix("KOROB__OPS__LISTEN="));
    let Ok(metrics) = text_of(ops.unwrap_or_default(), "/metrics").await else { return false };
    metrics.contains(&format!("korob_on_duty{{at=\"{service}\"}} 1"))
}

async fn text_of(address: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}

async fn holder_of(market: &Market, service: &str) -> Option<Uuid> {
    let sql = "SELECT holder::text FROM duty WHERE held_until > clock_timestamp()";
    let row = market.suite.database(service).await.query_opt(sql, &[]).await.unwrap()?;
    Some(row.get::<_, String>(0).parse().unwrap())
}

/// Sagas that have not ended, with how often each was begun anew.
async fn open_sagas(market: &Market, service: &str) -> Vec<(String, i32)> {
    let sql = "SELECT saga_id::text, attempts FROM sagas WHERE state IN ('running', 'unwinding')";
    let rows = market.suite.database(service).await.query(sql, &[]).await.unwrap();
    rows.into_iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// How many of them have neither ended nor been taken over since.
async fn left_alone(market: &Market, service: &str, open: &[(String, i32)]) -> usize {
    open_sagas(market, service).await.iter().filter(|now| open.contains(now)).count()
}

/// Requests that come at a steady rate, whatever becomes of those before: mostly looks, and some orders. Each is made once.
struct Requests {
    shared: Arc<Shared>,
    clock: tokio::task::JoinHandle<()>,
}

struct Shared {
    rest: Client,
    orders: String,
    order: Box<dyn Fn(u64) -> serde_json::Value + Send + Sync>,
    met: Mutex<Met>,
}

/// What they met.
#[derive(Debug, Clone, Default)]
struct Met {
    answered: usize,
    placed: usize,
    failed: Vec<String>,
    took: Vec<Duration>,
}

impl Requests {
    fn start(market: &Market, per_second: u32) -> Self {
        let suite = &market.suite;
        let (shop, source) = (suite.shop_id.clone(), suite.source_id.clone());
        let courier = suite.delivery_method_id.clone();
        let order = move |number: u64| {
            serde_json::json!({
                "shopId": shop, "sourceId": source, "method": "ORDER_METHOD_CART",
                "contact": { "name": "Олена Коваленко", "phone": format!("+38067{:07}", 2_000_000 + number % 500) },
                "lines": [{ "sku": SKUS[number as usize % SKUS.len()], "quantity": 1 }],
                "delivery": { "deliveryMethodId": courier, "address": {
                    "countryCode": "UA", "city": "Київ", "line": "Хрещатик, 1", "postalCode": "01001",
                } },
                "paymentMethod": "cash_on_delivery",
            })
        };
        let shared = Arc::new(Shared {
            rest: suite.rest.reconnected(),
            orders: format!("/v1/orders?shopId={}&pageSize=5", suite.shop_id),
            order: Box::new(order),
            met: Mutex::default(),
        });
        let clock = tokio::spawn(keep_asking(shared.clone(), Duration::from_secs(1) / per_second));
        Self { shared, clock }
    }

    /// Waits until so many more are answered.
    async fn more(&self, count: usize) {
        let wanted = self.answered() + count;
        testing::eventually("requests are answered", async || (self.answered() >= wanted).then_some(()))
            .await;
    }

    fn answered(&self) -> usize {
        self.shared.met.lock().unwrap().answered
    }

    /// What they met until now.
    fn met(&self) -> Met {
        self.shared.met.lock().unwrap().clone()
    }

    /// Waits for the answers of all that were made.
    async fn finish(self) -> Met {
        self.clock.abort();
        let _aborted = self.clock.await;
        testing::eventually("everybody is answered", async || {
            (Arc::strong_count(&self.shared) == 1).then_some(())
        })
        .await;
        self.shared.met.lock().unwrap().clone()
    }
}

async fn keep_asking(shared: Arc<Shared>, period: Duration) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for number in 0.. {
        ticks.tick().await;
        // In a task that goes on when this one is told to stop.
        tokio::spawn(ask(shared.clone(), number));
    }
}

async fn ask(shared: Arc<Shared>, number: u64) {
    let (began, places) = (Instant::now(), number.is_multiple_of(ORDER_EVERY));
    let answer = match places {
        true => shared.rest.post("/v1/orders", &format!("rolling-{number}"), &(shared.order)(number)).await,
        false => shared.rest.get(&shared.orders).await,
    };
    let mut met = shared.met.lock().unwrap();
    met.took.push(began.elapsed());
    met.answered += 1;
    match answer {
        Ok(Answer { status: StatusCode::OK, .. }) => {}
        Ok(Answer { status: StatusCode::CREATED, .. }) => met.placed += 1,
        Ok(answer) => met.failed.push(format!("{number}: {} {}", answer.status, answer.body)),
        Err(error) => met.failed.push(format!("{number}: {error:#}")),
    }
}

impl std::fmt::Display for Met {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut took = self.took.clone();
        took.sort();
        let at = |percent: usize| took.get((took.len() * percent / 100).min(took.len().saturating_sub(1)));
        let (half, most, longest) = (at(50), at(99), took.last());
        write!(
            formatter,
            "{} answered, {} orders placed, {} failed; half within {half:.1?}, 99 % within {most:.1?}, all within {longest:.1?}",
            self.answered,
            self.placed,
            self.failed.len()
        )
    }
}
