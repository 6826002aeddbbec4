//! Lives one day: trouble, healing, and the look at what is left.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::order_desk::OrderDesk;
use crate::process::Process;
use crate::tally::Tally;
use crate::world::World;
use crate::{buyers, settlement, troubles, verdict};

/// After everything is healed all must be settled within this time.
const HEALING: Duration = Duration::from_secs(60);
const LOOK_PERIOD: Duration = Duration::from_secs(1);
const BUYERS: usize = 12;

thread_local! {
    /// Panics of this thread: a task that panics ends silently otherwise.
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

/// What a day came to.
pub struct Outcome {
    pub day: Day,
    /// What must not be, as `check: details`.
    pub broken: Vec<String>,
    /// Of the whole trace.
    pub hash: u64,
    pub tally: Tally,
    /// Its end.
    pub trace: Vec<String>,
}

/// What is kept of a day's trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    Tail,
    Everything,
}

/// What a shop does about orders that nobody pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shop {
    Waits,
    /// It cancels them, unless somebody has begun to pay.
    GivesUp,
}

/// A day to live.
#[derive(Debug, Clone, Copy)]
pub struct Day {
    pub seed: u64,
    pub bug: Option<&'static str>,
    pub keep: Keep,
    pub shop: Shop,
}

impl Day {
    /// That of `seed`, without a bug.
    pub const fn of(seed: u64) -> Self {
        Self { seed, bug: None, keep: Keep::Tail, shop: Shop::Waits }
    }
}

/// Lives a day.
pub fn live(plan: Day) -> Outcome {
    let before = PANICS.get();
    // Bugs of the product are planted in its own code; the others in what is simulated around it.
    let _planted = plan.bug.filter(|bug| failpoint::has_bug(bug)).map(failpoint::plant_here);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without threads");
    let mut outcome = runtime.block_on(day(plan));
    drop(runtime);
    if PANICS.get() > before {
        outcome.broken.push("somebody panicked".to_owned());
    }
    outcome
}

/// From now on panics are counted, besides what else is done about them.
pub fn count_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.set(PANICS.get() + 1);
        usual(panic);
    }));
}

async fn day(plan: Day) -> Outcome {
    let world = World::new(plan);
    for name in ["orders-1", "orders-2"] {
        let stop = move |world: &World| drop(world.desks.lock().remove(name));
        tokio::spawn(Process::keep_alive(world.clone(), name, OrderDesk::open, stop));
    }
    let stop = |world: &World| drop(world.cashier.lock().take());
    tokio::spawn(Process::keep_alive(world.clone(), "payments", settlement::open, stop));
    troubles::begin(&world);
    for number in 0..BUYERS {
        tokio::spawn(buyers::buy(world.clone(), number));
    }

    sleep(troubles::TROUBLE).await;
    world.heal();
    let healed = world.elapsed();
    while !verdict::is_quiet(&world) && world.elapsed() < healed + HEALING {
        sleep(LOOK_PERIOD).await;
    }
    let broken = verdict::broken(&world);
    world.note(format_args!("{} promises broken", broken.len()));
    end(&world);
    let (tally, trace) = (Tally::of_day(&world), &world.trace);
    Outcome { day: plan, broken, hash: trace.hash(), tally, trace: trace.tail() }
}

/// The day and its processes hold each other.
fn end(world: &Arc<World>) {
    world.desks.lock().clear();
    world.cashier.lock().take();
}
