//! Messages between processes, and statements to databases: slow, lost, unheard, late, twice.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tonic::{Code, Status};

use crate::process::Process;
use crate::world::World;

/// How long a request may be under way that nobody waits for any more.
const LATE_MS_MAX: i64 = 20_000;

/// The code of requests that surely were not sent.
const UNSENT: Code = Code::Cancelled;

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    Lost,
    Unheard,
    Late,
    Doubled,
}

impl Fate {
    fn of(world: &World) -> Self {
        let weather = world.weather();
        let mut dice = world.chance.number();
        for (probability, fate) in [
            (weather.lost, Self::Lost),
            (weather.unheard, Self::Unheard),
            (weather.late, Self::Late),
            (weather.doubled, Self::Doubled),
        ] {
            if dice < probability {
                return fate;
            }
            dice -= probability;
        }
        Self::Fine
    }
}

/// Asks another service, whose answer is one commit of its own. The request may arrive late, and again.
pub async fn call<T, H>(
    from: &Process,
    to: &'static str,
    what: &str,
    patience: Duration,
    handler: H,
) -> Result<T, Status>
where
    H: Fn(&Arc<World>) -> Result<T, Status> + Send + Sync + 'static,
    T: Send + 'static,
{
    from.step().await;
    let world = &from.world;
    if world.down.lock().contains(to) {
        from.rest(delay(world)).await;
        return Err(Status::new(UNSENT, format!("{to} is not there")));
    }
    let (fate, handler) = (Fate::of(world), Arc::new(handler));
    let answer = match fate {
        Fate::Fine => {
            sleep(delay(world)).await;
            handler(world)
        }
        Fate::Lost => Err(give_up(world, to, patience).await),
        Fate::Unheard => {
            sleep(delay(world)).await;
            note_answer(from, to, what, fate, &handler(world));
            Err(give_up(world, to, patience).await)
        }
        Fate::Late => {
            send_later(from, to, what, handler);
            Err(give_up(world, to, patience).await)
        }
        Fate::Doubled => {
            sleep(delay(world)).await;
            let answer = handler(world);
            send_later(from, to, what, handler);
            answer
        }
    };
    note_answer(from, to, what, fate, &answer);
    sleep(delay(world)).await;
    from.alive().await;
    answer
}

/// The request arrives some time, whoever waits for it.
fn send_later<T, H>(from: &Process, to: &'static str, what: &str, handler: Arc<H>)
where
    H: Fn(&Arc<World>) -> Result<T, Status> + Send + Sync + 'static,
    T: Send + 'static,
{
    let (world, name, what) = (from.world.clone(), from.name, what.to_owned());
    let time = world.chance.millis(1, LATE_MS_MAX);
    tokio::spawn(async move {
        sleep(time).await;
        let answer = handler(&world).map(drop);
        world.count("requests that came late");
        world.note(format_args!("{name} -> {to}: {what} at last: {}", said(&answer)));
    });
}

/// Asks a process to do something that takes more than one commit. It goes on when its caller gives up.
pub async fn ask<T>(
    world: &Arc<World>,
    who: &str,
    to: Option<Arc<Process>>,
    what: &str,
    patience: Duration,
    work: impl Future<Output = Result<T, Status>> + Send + 'static,
) -> Result<T, Status>
where
    T: Send + 'static,
{
    sleep(delay(world)).await;
    let fate = Fate::of(world);
    let answer = match (to, fate) {
        (None, _) => Err(unreachable("nobody")),
        (Some(_), Fate::Lost) => Err(give_up(world, "it", patience).await),
        (Some(process), _) => {
            let running = tokio::spawn(async move {
                process.step().await;
                work.await
            });
            match timeout(patience, running).await {
                Ok(Ok(answer)) if fate == Fate::Fine || fate == Fate::Doubled => answer,
                Ok(Ok(_)) => Err(unreachable("the answer")),
                Ok(Err(panicked)) => Err(Status::internal(panicked.to_string())),
                Err(_) => Err(Status::deadline_exceeded("no answer")),
            }
        }
    };
    world.note(format_args!("{who}: {what} ({fate:?}): {}", said(&answer)));
    answer
}

/// Does something in one transaction of the process's own database: all of it or nothing, and the process may not hear which.
pub async fn commit<T: Send>(
    process: &Process,
    what: &str,
    work: impl FnOnce(&World) -> Result<T, Status> + Send,
) -> Result<T, Status> {
    process.step().await;
    let world = &process.world;
    process.rest(world.chance.millis(1, 4)).await;
    let fate = Fate::of(world);
    let answer = match fate {
        Fate::Lost => Err(database_gone()),
        Fate::Unheard => {
            let answer = work(world);
            world.note(format_args!("{} commits {what}: {}", process.name, said(&answer)));
            Err(database_gone())
        }
        Fate::Fine | Fate::Late | Fate::Doubled => work(world),
    };
    world.note(format_args!("{} {what}: {}", process.name, said(&answer)));
    process.step().await;
    answer
}

/// Reads from the process's own database.
pub async fn read<T>(process: &Process, work: impl FnOnce(&World) -> T + Send) -> Result<T, Status> {
    process.alive().await;
    let world = &process.world;
    process.rest(Duration::from_millis(1)).await;
    match Fate::of(world) {
        Fate::Lost => Err(database_gone()),
        _ => Ok(work(world)),
    }
}

/// Whether a request surely had no effect and will have none.
pub fn is_unsent(status: &Status) -> bool {
    status.code() == UNSENT
}

/// What an answer says, without anything that differs from run to run.
pub fn said<T>(answer: &Result<T, Status>) -> String {
    match answer {
        Ok(_) => "ok".to_owned(),
        Err(status) => rpc::reason(status).unwrap_or_else(|| format!("{:?}", status.code())),
    }
}

fn note_answer<T>(from: &Process, to: &str, what: &str, fate: Fate, answer: &Result<T, Status>) {
    from.world.note(format_args!("{} -> {to}: {what} ({fate:?}): {}", from.name, said(answer)));
}

fn delay(world: &World) -> Duration {
    world.chance.millis(1, world.weather().slow_ms_max)
}

/// The connection breaks, or nothing is ever heard.
async fn give_up(world: &World, to: &str, patience: Duration) -> Status {
    if world.chance.likely(0.7) {
        sleep(delay(world)).await;
        return unreachable(to);
    }
    sleep(patience).await;
    Status::deadline_exceeded("no answer")
}

fn unreachable(what: &str) -> Status {
    Status::unavailable(format!("{what} cannot be reached"))
}

fn database_gone() -> Status {
    store::Error::Unreachable("the line is dead".into()).fault().into()
}
