//! The processes of one service, wherever they are: calls go to the least busy one that can be reached.
//!
//! Every address of the list, and every address that a name in it resolves to, is a replica with a connection of its own, made when
//! calls need it. Who refuses a connection, loses it, drains, or answers UNAVAILABLE is left at once and tried again later. A call
//! that a replica surely has not seen goes to another one; whether to repeat any other call is not decided here.
//!
//! tonic's own balancing keeps asking who cannot be reached, and does not tell what was never sent.

mod address;
mod link;
mod state;

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use tokio::sync::Notify;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

pub use self::address::InvalidAddress;
use self::address::Target;
use self::link::{Connected, Undelivered};
use self::state::{Choice, State, ToDo};
use crate::directory::RemoteSettings;
use crate::policy::policy_of;

/// How often one call may be given to another replica.
const MOVES_MAX: usize = 8;

/// The processes of one service. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Replicas {
    shared: Arc<Shared>,
}

struct Shared {
    /// The name of the service, for operators.
    service: Box<str>,
    settings: RemoteSettings,
    targets: Vec<Target>,
    state: Mutex<State>,
    /// Told whenever a connection is there or is known not to come.
    changed: Notify,
}

impl Replicas {
    /// Those of `service` behind `addresses`, such as `http://orders:7000`, or several with commas between.
    pub(crate) fn at(
        service: &str,
        addresses: &str,
        settings: RemoteSettings,
    ) -> Result<Self, InvalidAddress> {
        let targets = address::targets(service, addresses, settings.identity.is_some())?;
        let shared = Shared {
            service: service.into(),
            settings,
            targets,
            state: Mutex::default(),
            changed: Notify::new(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Makes the call; whoever calls watches its deadline.
    pub(crate) async fn call(&self, request: Request<Body>) -> Result<http::Response<Body>, Status> {
        let (head, body) = request.into_parts();
        // A message that is known as a whole can be sent again.
        let (mut body, copy) = match is_one_message(head.uri.path()) {
            true => {
                let message = body.collect().await?.to_bytes();
                (whole(&message), Some(message))
            }
            false => (body, None),
        };
        for _ in 0..=MOVES_MAX {
            let mut connected = self.connected().await?;
            let request = Request::from_parts(head.clone(), body);
            let (status, unsent) = match connected.send(request).await {
                Ok(response) => {
                    if link::is_unavailable(&response) {
                        self.shared.lock().avoid(&connected, Instant::now());
                    }
                    return Ok(response);
                }
                Err(Undelivered::Unsent(unsent)) => (None, Some(unsent)),
                Err(Undelivered::Refused(status)) => (Some(status), copy.as_ref().map(whole)),
                Err(Undelivered::Unknown(status)) => (Some(status), None),
            };
            self.shared.lock().leave(&connected);
            let Some(unsent) = unsent else { return Err(status.unwrap_or_else(unreachable)) };
            calls_moved(&self.shared.service).increment(1);
            body = unsent;
        }
        Err(unreachable())
    }

    /// The least busy replica; waits for the first connection. An error when none can be reached.
    async fn connected(&self) -> Result<Connected, Status> {
        let begun = Instant::now();
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            // From here on nothing is missed, whoever is faster.
            changed.as_mut().enable();
            let (choice, to_do) =
                self.shared.lock().choose(&self.shared.targets, &self.shared.settings, begun, Instant::now());
            for one in to_do {
                self.begin(one);
            }
            match choice {
                Choice::Use(connected) => return Ok(connected),
                Choice::Nobody => return Err(unreachable()),
                Choice::Wait => changed.await,
            }
        }
    }

    /// In a task of its own: a call that is given up must not take the connection of others with it.
    fn begin(&self, to_do: ToDo) {
        let shared = Arc::downgrade(&self.shared);
        match to_do {
            ToDo::Resolve(targets) => _ = tokio::spawn(resolve(shared, targets)),
            ToDo::Connect(place) => {
                let (service, settings) = (self.shared.service.clone(), self.shared.settings.clone());
                tokio::spawn(async move {
                    let linked = link::connect(&service, &place, &settings).await;
                    let Some(shared) = shared.upgrade() else { return };
                    match linked {
                        Ok((link, connection)) => {
                            let until = settings
                                .identity
                                .is_some()
                                .then(|| Instant::now() + settings.connection_life);
                            let number = shared.lock().arrive(&place, link, until);
                            shared.changed.notify_waiters();
                            let shared = weak(shared);
                            connection.await;
                            if let (Some(shared), Some(number)) = (shared.upgrade(), number) {
                                shared.lock().lose(&place, number);
                            }
                        }
                        Err(error) => {
                            tracing::debug!(service = %shared.service, address = %place.address, error = format!("{error:#}"), "a replica cannot be reached");
                            shared.lock().fail(&place, Instant::now());
                            shared.changed.notify_waiters();
                        }
                    }
                });
            }
        }
    }
}

async fn resolve(shared: Weak<Shared>, targets: Vec<Target>) {
    let mut places = Vec::new();
    let mut all_known = true;
    for target in targets {
        match target.places().await {
            Ok(found) => places.extend(found),
            Err(error) => {
                all_known = false;
                tracing::debug!(host = target.host(), %error, "a name cannot be resolved");
            }
        }
    }
    let Some(shared) = shared.upgrade() else { return };
    shared.lock().know(places, all_known, Instant::now());
    shared.changed.notify_waiters();
}

fn weak(shared: Arc<Shared>) -> Weak<Shared> {
    Arc::downgrade(&shared)
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// How many calls another replica got.
pub(crate) fn calls_moved(service: &str) -> metrics::Counter {
    metrics::counter!("korob_calls_moved_total", "to" => service.to_owned())
}

/// Whether the caller sends one message, as far as that is known, and no stream without end.
fn is_one_message(path: &str) -> bool {
    const HEALTH: &str = "/grpc.health.v1.Health/Check";
    path == HEALTH || policy_of(path).is_some_and(|policy| !policy.client_streams)
}

fn whole(message: &Bytes) -> Body {
    Body::new(Full::new(message.clone()))
}

fn unreachable() -> Status {
    Status::unavailable("the service could not be reached")
}

/// How long a replica that could not be reached is left alone while others can: longer each time.
fn rest_after(failures: u32) -> Duration {
    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(3);
    (FIRST * 2_u32.saturating_pow(failures.saturating_sub(1).min(10))).min(LONGEST)
}
