//! Sends webhooks in the background as vendors do: repeated until they are taken, and with all that goes wrong on the way.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::fault::Fault;
use crate::lock;
use crate::signature::Signature;
use crate::system::System;
use crate::world::World;

/// Deliveries that are remembered; the oldest are forgotten first.
pub const DELIVERIES_MAX: usize = 2_000;
/// URLs that one system tells.
pub const TARGETS_MAX: usize = 100;
/// How long a receiver may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// What is read of a receiver's answer, which says nothing.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Webhooks on their way at the same time.
const SENDING_MAX: usize = 64;
/// Webhooks that may wait to be sent; more are dropped.
const WAITING_MAX: usize = 10_000;
/// How long a webhook that waits to be overtaken waits at most.
const OVERTAKEN_WITHIN: chrono::TimeDelta = chrono::TimeDelta::seconds(3);

/// Where a system tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Where to.
    pub url: String,
    /// The secret of the signature, for vendors that sign.
    #[serde(default)]
    pub secret: String,
    /// Only what concerns this account; every account when empty.
    #[serde(default)]
    pub account: String,
    /// Only these events; all when empty.
    #[serde(default)]
    pub events: Vec<String>,
}

/// One attempt to deliver, or that there was none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Delivery {
    pub time: DateTime<Utc>,
    pub system: System,
    /// Which event; the same in every attempt and copy.
    pub event_id: String,
    pub event: String,
    pub url: String,
    /// Counts from 1; 0 when it never left.
    pub attempt: u32,
    /// `taken`, `refused 500`, `unreachable`, `dropped`.
    pub outcome: String,
}

/// What is to be told.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub system: System,
    pub account: String,
    pub event_id: String,
    pub event: String,
    pub body: Bytes,
    pub signature: Signature,
    /// Headers besides those of the signature.
    pub headers: Vec<(&'static str, String)>,
    /// A webhook like this one that tells a lie, for `forged_webhook`.
    pub lie: Option<Bytes>,
}

/// A notice to one receiver.
#[derive(Debug, Clone)]
struct Letter {
    notice: Notice,
    url: String,
    secret: String,
    attempt: u32,
}

pub(crate) struct Webhooks {
    targets: Mutex<BTreeMap<System, Vec<Target>>>,
    deliveries: Mutex<VecDeque<Delivery>>,
    /// Letters that wait for the next one of their receiver to overtake them.
    held: Mutex<HashMap<(System, String), Vec<Letter>>>,
    client: Client<HttpConnector, Full<Bytes>>,
    sending: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Webhooks {
    pub fn new() -> Self {
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_timer(TokioTimer::new()).pool_max_idle_per_host(8);
        Self {
            targets: Mutex::default(),
            deliveries: Mutex::default(),
            held: Mutex::default(),
            client: client.build_http(),
            sending: Arc::new(Semaphore::new(SENDING_MAX)),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
        }
    }

    pub fn targets(&self, system: System) -> Vec<Target> {
        lock(&self.targets).get(&system).cloned().unwrap_or_default()
    }

    /// Registers a receiver, or changes what it gets; false when there are too many.
    pub fn register(&self, system: System, target: Target) -> bool {
        let mut targets = lock(&self.targets);
        let of_system = targets.entry(system).or_default();
        of_system.retain(|known| (&known.url, &known.account) != (&target.url, &target.account));
        if of_system.len() >= TARGETS_MAX {
            return false;
        }
        of_system.push(target);
        true
    }

    /// Forgets the receivers that `which` names.
    pub fn unregister(&self, system: System, which: impl Fn(&Target) -> bool) {
        if let Some(of_system) = lock(&self.targets).get_mut(&system) {
            of_system.retain(|target| !which(target));
        }
    }

    pub fn deliveries(&self, system: Option<System>) -> Vec<Delivery> {
        let all = lock(&self.deliveries);
        all.iter().filter(|one| system.is_none_or(|system| system == one.system)).cloned().collect()
    }

    /// How many are being sent or wait for their turn, and not for a time.
    pub fn under_way(&self) -> usize {
        WAITING_MAX - self.waiting.available_permits()
    }

    pub fn clear(&self) {
        lock(&self.deliveries).clear();
        lock(&self.held).clear();
    }

    /// Tells everybody who is registered for it.
    pub fn tell(&self, world: &Arc<World>, notice: &Notice) {
        for target in self.targets(notice.system) {
            let concerned = target.account.is_empty() || target.account == notice.account;
            let wanted = target.events.is_empty()
                || target.events.iter().any(|event| *event == notice.event || event == "*");
            if concerned && wanted {
                self.tell_one(world, notice.clone(), &target.url, &target.secret);
            }
        }
    }

    /// Tells `url`, with what may go wrong.
    pub fn tell_one(&self, world: &Arc<World>, notice: Notice, url: &str, secret: &str) {
        let strikes = |fault| world.faults.strikes(notice.system, fault, &notice.event);
        let (dropped, late) = (strikes(Fault::DropWebhook), strikes(Fault::LateWebhook));
        let (reordered, doubled) = (strikes(Fault::ReorderWebhook), strikes(Fault::DuplicateWebhook));
        let forged = strikes(Fault::ForgedWebhook);
        let letter = Letter { notice, url: url.to_owned(), secret: secret.to_owned(), attempt: 1 };
        if forged {
            self.forge(world, &letter);
        }
        if dropped {
            self.note(world, &Letter { attempt: 0, ..letter }, "dropped".to_owned());
        } else if late {
            let due = world.now() + world.faults.late(letter.notice.system);
            world.timers.at(due, move |world| world.webhooks.send(world, letter));
        } else if reordered {
            self.hold(world, letter);
        } else {
            if doubled {
                self.send(world, letter.clone());
            }
            self.send(world, letter);
        }
    }

    /// Holds a letter back until the next one has arrived, or for a few seconds if none comes.
    fn hold(&self, world: &Arc<World>, letter: Letter) {
        let place = letter.place();
        lock(&self.held).entry(place.clone()).or_default().push(letter);
        world.timers.at(world.now() + OVERTAKEN_WITHIN, move |world| world.webhooks.release(world, &place));
    }

    fn release(&self, world: &Arc<World>, place: &(System, String)) {
        let letters = lock(&self.held).remove(place).unwrap_or_default();
        for letter in letters {
            self.send(world, letter);
        }
    }

    /// A stranger sends a lie; where the vendor signs, the stranger does not know the secret.
    fn forge(&self, world: &Arc<World>, letter: &Letter) {
        let Some(lie) = letter.notice.lie.clone() else { return };
        let mut forged = letter.clone();
        forged.notice.event_id = format!("forged-{}", letter.notice.event_id);
        forged.notice.body = lie;
        forged.secret = "a stranger's guess".to_owned();
        self.send(world, forged);
    }

    fn send(&self, world: &Arc<World>, letter: Letter) {
        let Ok(place_in_queue) = self.waiting.clone().try_acquire_owned() else {
            return self.note(world, &letter, "dropped: too many wait".to_owned());
        };
        let (world, client, sending) = (world.clone(), self.client.clone(), self.sending.clone());
        world.clone().spawn(async move {
            let _place_in_queue = place_in_queue;
            let Ok(_permit) = sending.acquire().await else { return };
            let request = letter.request(world.now());
            let outcome = match request {
                Some(request) => attempt(&client, request, letter.notice.system).await,
                None => Err("unreachable: only http:// is spoken here".to_owned()),
            };
            let place = letter.place();
            let taken = outcome.is_ok();
            world.webhooks.note(&world, &letter, outcome.map_or_else(|why| why, |()| "taken".to_owned()));
            if !taken {
                world.webhooks.again(&world, letter);
            }
            world.webhooks.release(&world, &place);
        });
    }

    /// Plans the next attempt, if the vendor makes one.
    fn again(&self, world: &Arc<World>, mut letter: Letter) {
        let forged = letter.notice.event_id.starts_with("forged-");
        let waits = retry_waits(letter.notice.system);
        let Some(wait) = waits.get(letter.attempt as usize - 1).filter(|_| !forged) else { return };
        letter.attempt += 1;
        world
            .timers
            .at(world.now() + Duration::from_secs(*wait), move |world| world.webhooks.send(world, letter));
    }

    fn note(&self, world: &Arc<World>, letter: &Letter, outcome: String) {
        let mut deliveries = lock(&self.deliveries);
        if deliveries.len() >= DELIVERIES_MAX {
            deliveries.pop_front();
        }
        deliveries.push_back(Delivery {
            time: world.now(),
            system: letter.notice.system,
            event_id: letter.notice.event_id.clone(),
            event: letter.notice.event.clone(),
            url: letter.url.clone(),
            attempt: letter.attempt,
            outcome,
        });
    }
}

impl Letter {
    fn place(&self) -> (System, String) {
        (self.notice.system, self.url.clone())
    }

    /// Signed anew for every attempt, as the time of sending is part of some signatures.
    fn request(&self, now: DateTime<Utc>) -> Option<Request<Full<Bytes>>> {
        if !self.url.starts_with("http://") {
            return None;
        }
        let notice = &self.notice;
        let mut request = Request::builder().method(Method::POST).uri(&self.url);
        request = request.header("content-type", "application/json");
        for (name, value) in &notice.headers {
            request = request.header(*name, value);
        }
        for (name, value) in notice.signature.headers(&self.secret, now, &notice.body) {
            request = request.header(name, value);
        }
        request.body(Full::new(notice.body.clone())).ok()
    }
}

async fn attempt(
    client: &Client<HttpConnector, Full<Bytes>>,
    request: Request<Full<Bytes>>,
    system: System,
) -> Result<(), String> {
    let exchange = async {
        let answer = client.request(request).await.map_err(|error| format!("unreachable: {error}"))?;
        let status = answer.status();
        // Read to the end, so that the connection can be used again.
        let _ = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let taken = match system {
            System::Yookassa => status == 200,
            _ => status.is_success(),
        };
        if taken { Ok(()) } else { Err(format!("refused {}", status.as_u16())) }
    };
    match tokio::time::timeout(ANSWER_WITHIN, exchange).await {
        Ok(outcome) => outcome,
        Err(_) => Err(format!("unreachable: no answer within {} s", ANSWER_WITHIN.as_secs())),
    }
}

/// How long each vendor waits before it tries again, in seconds; then it gives up.
const fn retry_waits(system: System) -> &'static [u64] {
    match system {
        // Korob's own contracts: see the notes beside the adapters.
        System::Card | System::Parcel => &[1, 5, 30, 120, 600, 3_600, 21_600, 86_400],
        // About a day, with growing pauses.
        System::Yookassa => &[5, 60, 300, 1_800, 7_200, 21_600, 43_200],
        // Up to three days, with growing pauses.
        System::Stripe => &[10, 300, 1_800, 7_200, 18_000, 36_000, 86_400, 86_400],
        System::Fiscal => &[60, 300, 900],
        System::Cdek => &[60, 300, 900, 3_600],
        System::NovaPoshta => &[],
    }
}
