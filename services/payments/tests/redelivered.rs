//! Webhooks that come again because nobody was there to take them: for a day from YooKassa, for three from Stripe.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use chrono::TimeDelta;
use proto::payments::v1::{
    self as pb, AttemptOutcome, CaptureMode, NotificationState, PaymentState, ProviderKind,
};
use rpc::Channel;
use simulators::{Delivery, Effect, Fault};
use testing::eventually;
use tokio::net::TcpSocket;

use crate::card_shop::{CardShop, WEBHOOK_SECRET, hand_over};
use crate::notifications::until_settled;
use crate::sums;

/// How far both clocks go at a time.
const STEP: Duration = Duration::from_secs(600);
/// After it no provider is asked any more for a charge whose reference is not known.
const KEY_IS_FORGOTTEN: Duration = Duration::from_secs(26 * 3600);

/// What becomes of a webhook that knocks.
#[derive(Clone, Copy)]
enum Answer {
    /// 503, and nobody has looked at it.
    Refuse,
    /// It is taken, and its sender told 500.
    TakeAndFail,
    Take,
}

type Porter = Arc<Mutex<Box<dyn Fn(&str) -> Answer + Send>>>;

/// Where webhooks come to; nobody is there until it is opened.
struct Door {
    socket: Option<TcpSocket>,
    address: SocketAddr,
    porter: Porter,
}

impl Door {
    fn shut() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        let address = socket.local_addr().expect("an address");
        Self { socket: Some(socket), address, porter: Arc::new(Mutex::new(Box::new(|_| Answer::Refuse))) }
    }

    /// From here on somebody answers: at first that it cannot be taken.
    fn open(&mut self, channel: Channel) {
        let listener = self.socket.take().expect("opened once").listen(64).expect("listens");
        let app = Router::new().route("/{account}", post(knock)).with_state((channel, self.porter.clone()));
        tokio::spawn(async move {
            let served = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>());
            served.await.expect("serves");
        });
    }

    /// From here on webhooks are answered by their bodies.
    fn answer(&self, by_body: impl Fn(&str) -> Answer + Send + 'static) {
        *self.porter.lock().expect("a lock") = Box::new(by_body);
    }
}

async fn knock(
    State((channel, porter)): State<(Channel, Porter)>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let answer = (porter.lock().expect("a lock"))(&String::from_utf8_lossy(&body));
    match answer {
        Answer::Refuse => StatusCode::SERVICE_UNAVAILABLE,
        Answer::Take => hand_over(&channel, peer, account, &headers, &body).await,
        Answer::TakeAndFail => {
            hand_over(&channel, peer, account, &headers, &body).await;
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

/// A shop whose webhooks find nobody there, and a payment that only a webhook can settle: it was taken, its answer got lost,
/// and the key is forgotten under which it could have been asked for.
async fn nobody_there(kind: ProviderKind) -> (CardShop, Door, pb::Payment) {
    let shop = CardShop::deaf(kind, CaptureMode::Automatic).await;
    let door = Door::shut();
    let url = shop.webhook_url(&format!("http://{}", door.address));
    shop.simulators.webhooks_to(shop.system(), &url, WEBHOOK_SECRET);
    shop.simulators.faults(shop.system()).next_on(shop.charge_operation(), Fault::TimeoutAfterEffect);
    let payment = shop.paid("7.00", "EUR").await;
    shop.till.world.clock.advance(KEY_IS_FORGOTTEN);
    assert_eq!(payment.attempts[0].outcome(), AttemptOutcome::Unknown);
    assert_eq!(shop.did(Effect::Captured), 1);
    (shop, door, payment)
}

/// Lets time pass until `wanted` of what was delivered, or was to be. A webhook arrives at the time it was sent at, by
/// both clocks: what was signed minutes ago is refused.
async fn until_delivered(shop: &CardShop, what: &str, wanted: impl Fn(&[Delivery]) -> bool) {
    eventually(what, async || {
        if wanted(&shop.simulators.deliveries(shop.system())) {
            return Some(());
        }
        if shop.simulators.webhooks_under_way() == 0 {
            let clock = &shop.till.world.clock;
            if let Ok(behind) = (shop.simulators.now() + STEP - clock.now()).to_std() {
                clock.advance(behind);
            }
            shop.simulators.advance_clock(STEP);
        }
        None
    })
    .await;
}

fn tried(times: u32, outcome: &'static str) -> impl Fn(&[Delivery]) -> bool {
    move |all| all.iter().any(|one| one.attempt == times && one.outcome.starts_with(outcome))
}

/// How long its sender has tried to deliver anything.
fn tried_for(all: &[Delivery]) -> TimeDelta {
    let last = all.iter().map(|one| one.time).max().expect("deliveries");
    last - all.iter().map(|one| one.time).min().expect("deliveries")
}

async fn expect_paid_once(shop: &CardShop, payment: &pb::Payment) -> pb::Payment {
    let paid = shop.read(payment).await;
    assert_eq!((paid.state(), sums(&paid)), (PaymentState::Succeeded, "7.00 7.00 0.00".to_owned()));
    assert_eq!(paid.attempts.len(), 1);
    assert_eq!(shop.did(Effect::Captured), 1);
    assert_eq!(shop.till.balances().await, ["acquirer=700", "revenue=-700"]);
    let events = shop.till.events_of(&payment.payment_id).await;
    let recorded = events.iter().filter(|event| event.ends_with(" PaymentRecorded")).count();
    assert_eq!(recorded, 1, "{events:?}");
    paid
}

#[tokio::test(flavor = "multi_thread")]
async fn yookassa_tells_again_for_a_day_and_the_payment_is_applied_once() {
    let (shop, mut door, payment) = nobody_there(ProviderKind::Yookassa).await;
    until_delivered(&shop, "nobody was there twice", tried(2, "unreachable")).await;
    door.open(shop.till.world.directory.channel("payments"));
    until_delivered(&shop, "it was refused", tried(6, "refused 503")).await;
    assert_eq!(shop.notifications().await, Vec::new());
    assert_eq!(shop.read(&payment).await.state(), PaymentState::Processing);

    door.answer(|_| Answer::TakeAndFail);
    until_delivered(&shop, "it was taken without a word", tried(7, "refused 500")).await;
    let taken = shop.until_state(&payment, PaymentState::Succeeded).await;
    door.answer(|_| Answer::Take);
    until_delivered(&shop, "it was taken", tried(8, "taken")).await;

    let all = shop.simulators.deliveries("yookassa");
    assert!(all.iter().all(|one| one.event_id == all[0].event_id), "one event: {all:?}");
    assert!(tried_for(&all) > TimeDelta::hours(12) && tried_for(&all) <= TimeDelta::hours(24), "{all:?}");
    let told = shop.notifications().await;
    let [told] = told.as_slice() else { panic!("kept once: {told:?}") };
    assert_eq!((told.state(), told.deliveries), (NotificationState::Applied, 2));
    assert_eq!(expect_paid_once(&shop, &payment).await, taken);
}

#[tokio::test(flavor = "multi_thread")]
async fn stripe_tells_again_for_three_days_in_any_order_and_the_payment_is_applied_once() {
    let (shop, mut door, payment) = nobody_there(ProviderKind::Stripe).await;
    until_delivered(&shop, "nobody was there twice", tried(2, "unreachable")).await;
    door.open(shop.till.world.directory.channel("payments"));
    until_delivered(&shop, "they were refused", tried(7, "refused 503")).await;
    assert_eq!(shop.notifications().await, Vec::new());
    assert_eq!(shop.read(&payment).await.state(), PaymentState::Processing);

    // That it was paid is taken on the second day; that it was made, on the third.
    let is_paid = |body: &str| body.contains("\"payment_intent.succeeded\"");
    door.answer(move |body| if is_paid(body) { Answer::TakeAndFail } else { Answer::Refuse });
    until_delivered(&shop, "one was taken without a word", tried(8, "refused 500")).await;
    let taken = shop.until_state(&payment, PaymentState::Succeeded).await;
    let before = shop.notifications().await;
    let kinds: Vec<&str> = before.iter().map(|told| told.r#type.as_str()).collect();
    assert_eq!(kinds, ["payment_intent.succeeded"]);

    door.answer(|_| Answer::Take);
    until_delivered(&shop, "all were taken", |all| {
        let events =
            |outcome: &str| all.iter().filter(|one| one.attempt == 9 && one.outcome == outcome).count();
        let first = all.iter().filter(|one| one.attempt == 1).count();
        assert_eq!(all.iter().filter(|one| one.attempt > 9).count(), 0);
        events("taken") == first
    })
    .await;

    let all = shop.simulators.deliveries("stripe");
    assert!(tried_for(&all) > TimeDelta::hours(48) && tried_for(&all) <= TimeDelta::hours(72), "{all:?}");
    let told = shop.notifications().await;
    assert!(told.len() > 1, "older events came after it: {told:?}");
    for one in &told {
        let settled = until_settled(&shop, &one.notification_id).await;
        assert!(
            matches!(settled.state(), NotificationState::Applied | NotificationState::Ignored),
            "{settled:?}"
        );
        let twice = one.r#type == "payment_intent.succeeded";
        assert_eq!(settled.deliveries, if twice { 2 } else { 1 }, "{}", one.r#type);
    }
    assert_eq!(expect_paid_once(&shop, &payment).await, taken);
}
