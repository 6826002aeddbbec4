//! Decides which calls go wrong: what is scripted first, then by probability, the same for the same seed.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::fault::{Fault, UnknownFault};
use crate::lock;
use crate::system::{System, UnknownSystem};

/// Scripted faults that may wait, per system.
pub const SCRIPTS_MAX: usize = 1_000;
/// The longest a call is held up, in milliseconds.
const WAIT_MS_MAX: u64 = 600_000;

/// All that can be set: the body of `/control/faults`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// The same seed strikes the same calls: the n-th chance of a fault of a system has one fate.
    pub seed: u64,
    /// What is set for each system.
    pub systems: BTreeMap<System, SystemPlan>,
}

/// What is set for one system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SystemPlan {
    /// How often a fault strikes, from 0 to 1.
    pub probabilities: BTreeMap<Fault, f64>,
    /// What strikes the next calls, before any probability is asked.
    pub next: VecDeque<Script>,
    /// How long `slow` holds an answer back.
    pub slow_ms: u64,
    /// How long a cut line hangs before it is cut.
    pub hang_ms: u64,
    /// How long after the cut `late_effect` takes place, and how much later `late_webhook` comes.
    pub late_ms: u64,
    /// How long work takes that the vendor does after its answer.
    pub settle_ms: u64,
    /// How long a parcel stays where it is before it moves on by itself; 0 when it is moved by hand only.
    pub travel_ms: u64,
}

/// A fault for the next calls that can have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// What strikes.
    pub fault: Fault,
    /// Only calls of this operation, or webhooks of this event; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// How many calls pass unharmed before.
    #[serde(default)]
    pub skip: u32,
    /// How many calls are struck.
    #[serde(default = "once")]
    pub calls: u32,
}

/// Why a plan is not taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BadPlan {
    #[error("{system} cannot have {fault}")]
    NotOfThisSystem { system: System, fault: Fault },
    #[error("{fault}={value}: a probability lies between 0 and 1")]
    NotAProbability { fault: Fault, value: f64 },
    #[error("{system}: at most {SCRIPTS_MAX} scripted faults")]
    TooManyScripts { system: System },
    #[error("{system}: waits are at most {WAIT_MS_MAX} ms")]
    TooLong { system: System },
    #[error("{text}: write <system>:<fault>=<probability>, such as card:timeout_after_effect=0.3")]
    Unreadable { text: String },
    #[error(transparent)]
    UnknownSystem(#[from] UnknownSystem),
    #[error(transparent)]
    UnknownFault(#[from] UnknownFault),
}

/// The faults in force.
#[derive(Debug, Default)]
pub struct Faults {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    plan: Plan,
    /// Chances so far: the n of the n-th chance.
    chances: HashMap<(System, Fault), u64>,
    struck: BTreeMap<System, BTreeMap<Fault, u64>>,
}

impl Faults {
    /// What is set.
    pub fn plan(&self) -> Plan {
        lock(&self.state).plan.clone()
    }

    /// Sets everything anew and counts from the start.
    pub fn replace(&self, plan: Plan) -> Result<(), BadPlan> {
        for (system, of_system) in &plan.systems {
            check(*system, of_system)?;
        }
        *lock(&self.state) = State { plan, ..State::default() };
        Ok(())
    }

    /// Changes what is set for one system.
    pub fn change(&self, system: System, change: impl FnOnce(&mut SystemPlan)) -> Result<(), BadPlan> {
        let mut state = lock(&self.state);
        let mut changed = state.plan.systems.get(&system).cloned().unwrap_or_default();
        change(&mut changed);
        check(system, &changed)?;
        state.plan.systems.insert(system, changed);
        Ok(())
    }

    /// Reads `<system>:<fault>=<probability>` from the command line.
    pub fn apply_text(&self, text: &str) -> Result<(), BadPlan> {
        let unreadable = || BadPlan::Unreadable { text: text.to_owned() };
        let (system, rest) = text.split_once(':').ok_or_else(unreadable)?;
        let (fault, probability) = rest.split_once('=').ok_or_else(unreadable)?;
        let system: System = system.parse()?;
        let fault: Fault = fault.parse()?;
        let probability: f64 = probability.parse().map_err(|_| unreadable())?;
        self.change(system, |plan| _ = plan.probabilities.insert(fault, probability))
    }

    /// Sets the seed and counts from the start.
    pub fn reseed(&self, seed: u64) {
        let mut state = lock(&self.state);
        state.plan.seed = seed;
        state.chances.clear();
    }

    /// Whether `fault` strikes this call of `operation`. Each question is one chance.
    pub fn strikes(&self, system: System, fault: Fault, operation: &str) -> bool {
        if !system.can_have(fault) {
            return false;
        }
        let mut state = lock(&self.state);
        let chance = state.chances.entry((system, fault)).or_default();
        let number = *chance;
        *chance += 1;
        let seed = state.plan.seed;
        let Some(plan) = state.plan.systems.get_mut(&system) else { return false };
        let strikes = match scripted(&mut plan.next, fault, operation) {
            Some(fate) => fate,
            None => {
                let probability = plan.probabilities.get(&fault).copied().unwrap_or_default();
                draw(seed, system, fault, number) < probability
            }
        };
        if strikes {
            *state.struck.entry(system).or_default().entry(fault).or_default() += 1;
        }
        strikes
    }

    /// How often each fault has struck.
    pub fn struck(&self) -> BTreeMap<System, BTreeMap<Fault, u64>> {
        lock(&self.state).struck.clone()
    }

    pub(crate) fn slow(&self, system: System) -> Duration {
        self.wait(system, |plan| plan.slow_ms)
    }

    pub(crate) fn hang(&self, system: System) -> Duration {
        self.wait(system, |plan| plan.hang_ms)
    }

    pub(crate) fn late(&self, system: System) -> Duration {
        self.wait(system, |plan| plan.late_ms)
    }

    pub(crate) fn settle(&self, system: System) -> Duration {
        self.wait(system, |plan| plan.settle_ms)
    }

    pub(crate) fn travel(&self, system: System) -> Duration {
        self.wait(system, |plan| plan.travel_ms)
    }

    fn wait(&self, system: System, of: impl Fn(&SystemPlan) -> u64) -> Duration {
        let state = lock(&self.state);
        let milliseconds = state.plan.systems.get(&system).map(&of);
        Duration::from_millis(milliseconds.unwrap_or_else(|| of(&SystemPlan::default())))
    }
}

impl Default for SystemPlan {
    fn default() -> Self {
        Self {
            probabilities: BTreeMap::new(),
            next: VecDeque::new(),
            slow_ms: 500,
            hang_ms: 1_000,
            late_ms: 2_000,
            settle_ms: 200,
            travel_ms: 0,
        }
    }
}

fn check(system: System, plan: &SystemPlan) -> Result<(), BadPlan> {
    let named = plan.probabilities.keys().copied().chain(plan.next.iter().map(|script| script.fault));
    if let Some(fault) = named.into_iter().find(|fault| !system.can_have(*fault)) {
        return Err(BadPlan::NotOfThisSystem { system, fault });
    }
    if let Some((fault, value)) = plan.probabilities.iter().find(|(_, value)| !(0.0..=1.0).contains(*value)) {
        return Err(BadPlan::NotAProbability { fault: *fault, value: *value });
    }
    if plan.next.len() > SCRIPTS_MAX {
        return Err(BadPlan::TooManyScripts { system });
    }
    let waits = [plan.slow_ms, plan.hang_ms, plan.late_ms, plan.settle_ms, plan.travel_ms];
    if waits.into_iter().any(|wait| wait > WAIT_MS_MAX) {
        return Err(BadPlan::TooLong { system });
    }
    Ok(())
}

/// What the script says of this call; nothing when it does not speak of it.
fn scripted(next: &mut VecDeque<Script>, fault: Fault, operation: &str) -> Option<bool> {
    let speaks = |script: &Script| {
        script.fault == fault && script.operation.as_deref().is_none_or(|named| named == operation)
    };
    let at = next.iter().position(speaks)?;
    let script = &mut next[at];
    if script.skip > 0 {
        script.skip -= 1;
        return Some(false);
    }
    script.calls = script.calls.saturating_sub(1);
    if script.calls == 0 {
        next.remove(at);
    }
    Some(true)
}

/// Evenly spread over 0..1, and always the same for the same chance.
fn draw(seed: u64, system: System, fault: Fault, number: u64) -> f64 {
    let digest = Sha256::new()
        .chain_update(seed.to_be_bytes())
        .chain_update(system.name())
        .chain_update([0])
        .chain_update(fault.name())
        .chain_update(number.to_be_bytes())
        .finalize();
    let mut high = [0; 4];
    high.copy_from_slice(&digest[..4]);
    f64::from(u32::from_be_bytes(high)) / (f64::from(u32::MAX) + 1.0)
}

fn once() -> u32 {
    1
}
