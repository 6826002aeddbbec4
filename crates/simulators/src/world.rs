//! Everything that the simulators share: the clock, the faults, the ledger, what happens later, and each system's book.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::Clock;

use crate::faults::Faults;
use crate::gates::Gates;
use crate::ledger::{Deed, Ledger};
use crate::timers::Timers;
use crate::webhooks::Webhooks;
use crate::{card, cdek, fiscal, lock, nova_poshta, parcel, stripe, yookassa};

pub(crate) struct World {
    pub clock: Clock,
    pub faults: Faults,
    pub gates: Gates,
    pub ledger: Ledger,
    pub timers: Timers,
    pub webhooks: Webhooks,
    pub card: Mutex<card::Book>,
    pub parcel: Mutex<parcel::Book>,
    pub fiscal: Mutex<fiscal::Book>,
    pub cdek: Mutex<cdek::Book>,
    pub nova_poshta: Mutex<nova_poshta::Book>,
    pub stripe: Mutex<stripe::Book>,
    pub yookassa: Mutex<yookassa::Book>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl World {
    pub fn new(stop: CancellationToken) -> Arc<Self> {
        let world = Arc::new(Self {
            clock: Clock::system(),
            faults: Faults::default(),
            gates: Gates::default(),
            ledger: Ledger::default(),
            timers: Timers::default(),
            webhooks: Webhooks::new(),
            card: Mutex::default(),
            parcel: Mutex::default(),
            fiscal: Mutex::default(),
            cdek: Mutex::default(),
            nova_poshta: Mutex::default(),
            stripe: Mutex::default(),
            yookassa: Mutex::default(),
            tasks: TaskTracker::new(),
            stop,
        });
        let (ticking, stop) = (world.clone(), world.stop.clone());
        world.tasks.spawn(async move { ticking.clone().timers.run(ticking, stop).await });
        world
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Moves the time on; what becomes due has happened when this returns.
    pub fn advance(self: &Arc<Self>, by: Duration) {
        self.clock.advance(by);
        self.timers.run_due(self);
    }

    /// Runs in the background, until the simulators stop.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move { _ = stop.run_until_cancelled(work).await });
    }

    /// Writes into the ledger.
    pub fn write_down(&self, deed: Deed<'_>) {
        self.ledger.write(self.now(), deed);
    }

    /// Forgets what happened and what is to happen; faults and receivers of webhooks stay.
    pub fn forget(&self) {
        self.timers.clear();
        self.webhooks.clear();
        self.ledger.clear();
        *lock(&self.card) = card::Book::default();
        *lock(&self.yookassa) = yookassa::Book::default();
        *lock(&self.stripe) = stripe::Book::default();
        *lock(&self.nova_poshta) = nova_poshta::Book::default();
        *lock(&self.cdek) = cdek::Book::default();
        *lock(&self.fiscal) = fiscal::Book::default();
        *lock(&self.parcel) = parcel::Book::default();
    }

    /// Waits until the background has ended; the token must be cancelled before.
    pub async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
