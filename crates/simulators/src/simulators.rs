//! The simulators as a test or a program holds them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::fault::Fault;
use crate::faults::{Faults, Script};
use crate::gates::Held;
use crate::ledger::{Effect, Entry};
use crate::parcels::{self, Move};
use crate::server;
use crate::system::System;
use crate::webhooks::{Delivery, Target};
use crate::world::World;

/// Simulators that listen. They stop when this is dropped, or in order with [`Simulators::stop`].
pub struct Simulators {
    address: SocketAddr,
    world: Arc<World>,
    serving: JoinHandle<()>,
    stopping: DropGuard,
}

impl Simulators {
    /// Starts all of them on a free port of this machine.
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Self {
        match Self::listen(SocketAddr::from(([127, 0, 0, 1], 0))).await {
            Ok(simulators) => simulators,
            Err(error) => panic!("{error:#}"),
        }
    }

    /// Starts all of them at `listen`.
    pub async fn listen(listen: SocketAddr) -> anyhow::Result<Self> {
        let listener = server::bind(listen).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let world = World::new(stop.clone());
        let serving = tokio::spawn(server::run(listener, world.clone(), stop.clone()));
        Ok(Self { address, world, serving, stopping: stop.drop_guard() })
    }

    /// Where they listen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The root of the server, for the control API: `http://127.0.0.1:…`.
    pub fn root(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base URL of a system, as its client is configured: `simulators.url("card")`.
    ///
    /// # Panics
    /// When there is no such system.
    pub fn url(&self, system: impl Into<System>) -> String {
        format!("{}{}", self.root(), system.into().base_path())
    }

    /// The faults of a system: `simulators.faults("card").next(Fault::TimeoutAfterEffect)`.
    ///
    /// # Panics
    /// When there is no such system.
    pub fn faults(&self, system: impl Into<System>) -> FaultsOf<'_> {
        FaultsOf { system: system.into(), faults: &self.world.faults }
    }

    /// All faults, to read a plan or set one.
    pub fn all_faults(&self) -> &Faults {
        &self.world.faults
    }

    /// Holds the answers of an operation back until what this answers is dropped: what was asked is done meanwhile.
    ///
    /// # Panics
    /// When there is no such system.
    pub fn hold(&self, system: impl Into<System>, operation: &str) -> Held {
        Held::new(&self.world, system.into(), operation)
    }

    /// What a system truly did, oldest first.
    ///
    /// # Panics
    /// When there is no such system.
    pub fn ledger(&self, system: impl Into<System>) -> LedgerOf {
        LedgerOf { entries: self.world.ledger.of(system.into()) }
    }

    /// Has `system` tell `url`, signed with `secret` where it signs, for every account.
    ///
    /// # Panics
    /// When there is no such system, or it tells too many already.
    pub fn webhooks_to(&self, system: impl Into<System>, url: &str, secret: &str) {
        let target = Target {
            url: url.to_owned(),
            secret: secret.to_owned(),
            account: String::new(),
            events: Vec::new(),
        };
        assert!(self.world.webhooks.register(system.into(), target), "too many receivers of webhooks");
    }

    /// Where `system` sends its webhooks.
    ///
    /// # Panics
    /// When there is no such system.
    pub fn webhook_receivers(&self, system: impl Into<System>) -> Vec<String> {
        self.world.webhooks.targets(system.into()).into_iter().map(|target| target.url).collect()
    }

    /// The latest attempts to deliver webhooks, oldest first.
    ///
    /// # Panics
    /// When there is no such system.
    pub fn deliveries(&self, system: impl Into<System>) -> Vec<Delivery> {
        self.world.webhooks.deliveries(Some(system.into()))
    }

    /// How many webhooks are on their way: they left, and nobody has answered them yet.
    pub fn webhooks_under_way(&self) -> usize {
        self.world.webhooks.under_way()
    }

    /// The time of the simulators.
    pub fn now(&self) -> DateTime<Utc> {
        self.world.now()
    }

    /// Moves the time on: what becomes due has happened, or is on its way as a webhook, when this returns.
    pub fn advance_clock(&self, by: Duration) {
        self.world.advance(by);
    }

    /// Moves a parcel to the next place on its way; the carrier's code of where it is then.
    ///
    /// # Panics
    /// When no carrier has such a parcel, or it has come to its end.
    pub fn advance(&self, number: &str) -> String {
        self.move_parcel(number, &Move::default())
    }

    /// Moves a parcel to where the carrier's `code` says.
    ///
    /// # Panics
    /// When no carrier has such a parcel, or the carrier no such code.
    pub fn advance_to(&self, number: &str, code: &str) -> String {
        self.move_parcel(number, &Move { to: Some(code.to_owned()), ..Move::default() })
    }

    /// Moves a parcel.
    ///
    /// # Panics
    /// When no carrier has such a parcel, or the carrier no such code.
    pub fn move_parcel(&self, number: &str, step: &Move) -> String {
        match parcels::advance(&self.world, number, step) {
            Ok(moved) => moved.code,
            Err(stuck) => panic!("{stuck}"),
        }
    }

    /// Forgets everything that happened; faults and receivers of webhooks stay.
    pub fn forget(&self) {
        self.world.forget();
    }

    /// Stops listening, lets requests under way finish for a moment, and ends the background.
    pub async fn stop(self) {
        drop(self.stopping);
        let _ = self.serving.await;
        self.world.ended().await;
    }
}

/// The faults of one system.
#[derive(Debug, Clone, Copy)]
pub struct FaultsOf<'a> {
    system: System,
    faults: &'a Faults,
}

impl FaultsOf<'_> {
    /// Strikes the next call that can have it.
    pub fn next(self, fault: Fault) -> Self {
        self.script(Script { fault, operation: None, skip: 0, calls: 1 })
    }

    /// Strikes the next calls that can have it.
    pub fn next_calls(self, fault: Fault, calls: u32) -> Self {
        self.script(Script { fault, operation: None, skip: 0, calls })
    }

    /// Strikes the next call of `operation`, or the next webhook of that event.
    pub fn next_on(self, operation: &str, fault: Fault) -> Self {
        self.script(Script { fault, operation: Some(operation.to_owned()), skip: 0, calls: 1 })
    }

    /// Adds to what is scripted.
    ///
    /// # Panics
    /// When the system cannot have the fault, or too much is scripted.
    pub fn script(self, script: Script) -> Self {
        self.change(|plan| plan.next.push_back(script))
    }

    /// Strikes calls with this probability, from 0 to 1.
    ///
    /// # Panics
    /// When the system cannot have the fault, or it is no probability.
    pub fn probability(self, fault: Fault, probability: f64) -> Self {
        self.change(|plan| _ = plan.probabilities.insert(fault, probability))
    }

    /// How long a cut line hangs before it is cut.
    pub fn hang(self, time: Duration) -> Self {
        self.change(|plan| plan.hang_ms = milliseconds(time))
    }

    /// How long `slow` holds an answer back.
    pub fn slow(self, time: Duration) -> Self {
        self.change(|plan| plan.slow_ms = milliseconds(time))
    }

    /// How long after the cut `late_effect` takes place, and how much later `late_webhook` comes.
    pub fn late(self, time: Duration) -> Self {
        self.change(|plan| plan.late_ms = milliseconds(time))
    }

    /// How long work takes that the vendor does after its answer.
    pub fn settle(self, time: Duration) -> Self {
        self.change(|plan| plan.settle_ms = milliseconds(time))
    }

    /// How long a parcel stays where it is before it moves on by itself.
    pub fn travel(self, time: Duration) -> Self {
        self.change(|plan| plan.travel_ms = milliseconds(time))
    }

    /// Nothing goes wrong any more.
    pub fn clear(self) -> Self {
        self.change(|plan| {
            plan.probabilities.clear();
            plan.next.clear();
        })
    }

    /// How often `fault` has struck.
    pub fn struck(self, fault: Fault) -> u64 {
        let struck = self.faults.struck();
        struck.get(&self.system).and_then(|of_system| of_system.get(&fault)).copied().unwrap_or_default()
    }

    fn change(self, change: impl FnOnce(&mut crate::faults::SystemPlan)) -> Self {
        match self.faults.change(self.system, change) {
            Ok(()) => self,
            Err(bad) => panic!("{bad}"),
        }
    }
}

/// What one system truly did.
#[derive(Debug, Clone)]
pub struct LedgerOf {
    entries: Vec<Entry>,
}

impl LedgerOf {
    /// Everything, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How often `effect` was done for what the caller calls `reference`.
    pub fn count(&self, effect: Effect, reference: &str) -> usize {
        self.of(effect, reference).count()
    }

    /// How much `effect` moved for what the caller calls `reference`, in minor units.
    pub fn sum(&self, effect: Effect, reference: &str) -> i64 {
        self.of(effect, reference).map(|entry| entry.amount_minor).sum()
    }

    /// How often `effect` was done for anybody.
    pub fn total_count(&self, effect: Effect) -> usize {
        self.entries.iter().filter(|entry| entry.effect == effect).count()
    }

    /// What came with this idempotency key.
    pub fn of_key(&self, key: &str) -> Vec<&Entry> {
        self.entries.iter().filter(|entry| entry.key == key).collect()
    }

    /// References for which `effect` was done more than once: money taken twice, parcels sent twice.
    pub fn repeated(&self, effect: Effect) -> Vec<String> {
        let mut references: Vec<&str> = self
            .entries
            .iter()
            .filter(|entry| entry.effect == effect)
            .map(|entry| &*entry.reference)
            .collect();
        references.sort_unstable();
        let mut repeated: Vec<String> =
            references.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].to_owned()).collect();
        repeated.dedup();
        repeated
    }

    fn of(&self, effect: Effect, reference: &str) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.effect == effect && entry.reference == reference)
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
