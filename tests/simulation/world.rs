//! One simulated day: time, chance, and what every service has stored.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;
use types::Currency;
use uuid::Uuid;

use crate::card_desk::CardDesk;
use crate::chance::Chance;
use crate::day::{Day, Shop};
use crate::history::History;
use crate::money_tables::MoneyTables;
use crate::order_desk::OrderDesk;
use crate::order_tables::OrderTables;
use crate::plans::Plans;
use crate::process::Process;
use crate::stock_tables::StockTables;
use crate::tally::Tally;
use crate::trace::Trace;
use crate::weather::Weather;

/// Seconds from 1970 to the day.
const DAY_BREAK: i64 = 1_750_000_000;

/// A table that several tasks share; never locked across an await.
pub struct Shared<T>(Mutex<T>);

/// Everything there is on this day.
pub struct World {
    pub chance: Chance,
    pub trace: Trace,
    pub history: Shared<History>,
    pub tally: Shared<Tally>,
    pub orders: Shared<OrderTables>,
    pub stock: Shared<StockTables>,
    pub plans: Shared<Plans>,
    pub money: Shared<MoneyTables>,
    pub cards: Shared<CardDesk>,
    /// The running processes of orders, and that of payments.
    pub desks: Shared<BTreeMap<&'static str, Arc<OrderDesk>>>,
    pub cashier: Shared<Option<Arc<Process>>>,
    /// Neighbours that cannot be reached.
    pub down: Shared<BTreeSet<&'static str>>,
    /// Milliseconds by which the clock of the database of orders is ahead.
    pub leases_ahead_ms: AtomicI64,
    /// Grows when prices change.
    pub price_list: AtomicI64,
    weather: Weather,
    healed: AtomicBool,
    day: Day,
    began: Instant,
    ids: AtomicU64,
}

impl World {
    pub fn new(day: Day) -> Arc<Self> {
        let chance = Chance::of(day.seed);
        let weather = Weather::of(&chance);
        let world = Self {
            trace: Trace::new(day.keep),
            history: Shared::default(),
            tally: Shared::default(),
            orders: Shared::default(),
            stock: Shared::of(StockTables::filled(&chance)),
            plans: Shared::default(),
            money: Shared::default(),
            cards: Shared::default(),
            desks: Shared::default(),
            cashier: Shared::default(),
            down: Shared::default(),
            leases_ahead_ms: AtomicI64::new(0),
            price_list: AtomicI64::new(0),
            chance,
            weather,
            healed: AtomicBool::new(false),
            day,
            began: Instant::now(),
            ids: AtomicU64::new(0),
        };
        world.note(format_args!("{weather:?}"));
        Arc::new(world)
    }

    /// What may happen now: nothing, once everything is healed.
    pub fn weather(&self) -> Weather {
        if self.is_healed() { Weather::CALM } else { self.weather }
    }

    /// From here on nothing breaks any more.
    pub fn heal(&self) {
        self.note(format_args!("everything heals"));
        self.healed.store(true, Ordering::Relaxed);
        self.down.lock().clear();
    }

    pub fn is_healed(&self) -> bool {
        self.healed.load(Ordering::Relaxed)
    }

    /// Whether this bug was planted for the day.
    pub fn has(&self, bug: &str) -> bool {
        self.day.bug == Some(bug)
    }

    /// What the shop does about orders that nobody pays.
    pub fn shop(&self) -> Shop {
        self.day.shop
    }

    /// Since the day began.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The true time.
    pub fn now(&self) -> DateTime<Utc> {
        let elapsed = TimeDelta::from_std(self.elapsed()).unwrap_or_default();
        DateTime::from_timestamp(DAY_BREAK, 0).unwrap_or_default() + elapsed
    }

    /// The time by which the database of orders counts leases.
    pub fn lease_time(&self) -> Duration {
        self.elapsed() + Duration::from_millis(self.leases_ahead_ms.load(Ordering::Relaxed).unsigned_abs())
    }

    /// A new id, the same one on the same day.
    pub fn new_id(&self) -> Uuid {
        let number = self.ids.fetch_add(1, Ordering::Relaxed);
        Uuid::from_u128((u128::from(self.day.seed) << 64) | u128::from(number + 1))
    }

    /// Something happened that days are made for.
    pub fn count(&self, what: &'static str) {
        self.tally.lock().count(what, 1);
    }

    pub fn note(&self, what: fmt::Arguments<'_>) {
        self.trace.note(self.elapsed(), what);
    }
}

impl<T> Shared<T> {
    pub fn of(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Default> Default for Shared<T> {
    fn default() -> Self {
        Self::of(T::default())
    }
}

/// Everything is sold in it.
pub fn currency() -> Currency {
    "UAH".parse().expect("a currency")
}
