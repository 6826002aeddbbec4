//! What this process was told, and what happens when it comes past a place.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::journal::{Directory, Stamp};
use crate::plan::{Action, Plan};
use crate::registry::has_bug;

/// Holds a plan that counts from the start of the process.
pub const PLAN_VARIABLE: &str = "KOROB_FAILPOINTS";
/// Names a [`Directory`], whose plan is looked at on every visit.
pub const DIRECTORY_VARIABLE: &str = "KOROB_FAILPOINTS_DIR";

/// The place was told to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed;

/// What happens at the place `name`, if anything. `place` says which of several alike it is.
pub async fn reach(name: &'static str, place: &str) -> Result<(), Failed> {
    let Some(control) = control() else { return Ok(()) };
    match control.decide(name, place) {
        None => Ok(()),
        Some(Action::Fail) => Err(Failed),
        Some(Action::Kill) => die(),
        Some(Action::Panic) => panic!("the failpoint {name}"),
        Some(Action::Sleep(time)) => {
            tokio::time::sleep(time).await;
            Ok(())
        }
    }
}

thread_local! {
    /// The bug of this thread.
    static HERE: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// A bug that is planted on one thread; dropped, it is gone.
#[derive(Debug)]
pub struct PlantedHere(());

/// Plants a bug for what runs on this thread, and for nothing else: a simulation needs no process of its own for it.
///
/// # Panics
/// There is no such bug.
pub fn plant_here(bug: &'static str) -> PlantedHere {
    assert!(has_bug(bug), "there is no bug {bug:?}");
    HERE.set(Some(bug));
    PlantedHere(())
}

impl Drop for PlantedHere {
    fn drop(&mut self) {
        HERE.set(None);
    }
}

/// Whether the bug `name` is planted.
pub fn is_planted(name: &str) -> bool {
    if HERE.get() == Some(name) {
        return true;
    }
    let Some(control) = control() else { return false };
    let mut state = control.state.lock().unwrap_or_else(PoisonError::into_inner);
    control.refresh(&mut state);
    let planted = state.plan.bugs.iter().any(|bug| bug == name);
    if planted {
        state.note_reached(control.directory.as_ref(), name, "");
    }
    planted
}

struct Control {
    directory: Option<Directory>,
    at_start: Plan,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    plan: Plan,
    stamp: Option<Stamp>,
    /// Visits of each rule, by its number.
    visits: HashMap<usize, u64>,
    /// How often each rule has struck in this process.
    struck: HashMap<usize, usize>,
    reached: Vec<String>,
}

/// Absent when this process was told nothing, which is what costs nothing.
fn control() -> Option<&'static Control> {
    static CONTROL: OnceLock<Option<Control>> = OnceLock::new();
    CONTROL.get_or_init(Control::of_environment).as_ref()
}

impl Control {
    fn of_environment() -> Option<Self> {
        let plan = std::env::var(PLAN_VARIABLE).ok();
        let directory = std::env::var_os(DIRECTORY_VARIABLE).map(|path| Directory::at(path.into()));
        if plan.is_none() && directory.is_none() {
            return None;
        }
        let at_start = plan.map(|text| read(&text)).unwrap_or_default();
        let state = Mutex::new(State { plan: at_start.clone(), ..State::default() });
        Some(Self { directory, at_start, state })
    }

    /// Reads the plan again when it was changed; what was counted begins anew then.
    fn refresh(&self, state: &mut State) {
        let Some(directory) = &self.directory else { return };
        let stamp = directory.stamp();
        if stamp == state.stamp {
            return;
        }
        let mut plan = self.at_start.clone();
        let now = read(&directory.plan());
        plan.rules.extend(now.rules);
        plan.bugs.extend(now.bugs);
        *state = State { plan, stamp, reached: std::mem::take(&mut state.reached), ..State::default() };
    }

    fn decide(&self, name: &str, place: &str) -> Option<Action> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.refresh(&mut state);
        state.note_reached(self.directory.as_ref(), name, place);
        let State { plan, stamp, visits, struck, .. } = &mut *state;
        for (number, rule) in plan.rules.iter().enumerate().filter(|(_, rule)| rule.is_about(name, place)) {
            let visit = visits.entry(number).or_default();
            *visit += 1;
            let struck = struck.entry(number).or_default();
            // With a directory, in all processes together.
            let so_far = || match &self.directory {
                Some(directory) => directory.count_fired(*stamp, number),
                None => *struck,
            };
            if !rule.strikes(*visit) || rule.times.is_some_and(|times| so_far() >= times) {
                continue;
            }
            *struck += 1;
            if let Some(directory) = &self.directory {
                directory.note_fired(*stamp, number, name, place);
            }
            return Some(rule.action);
        }
        None
    }
}

impl State {
    fn note_reached(&mut self, directory: Option<&Directory>, name: &str, place: &str) {
        let Some(directory) = directory else { return };
        let seen = format!("{name}[{place}]");
        if !self.reached.contains(&seen) {
            directory.note_reached(&seen);
            self.reached.push(seen);
        }
    }
}

/// A plan that cannot be read is a test that tests nothing.
fn read(text: &str) -> Plan {
    match Plan::parse(text) {
        Ok(plan) => plan,
        Err(error) => panic!("failpoints: {error}"),
    }
}

/// Nothing is flushed, dropped or told: what the power cut leaves.
fn die() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    loop {
        std::thread::park();
    }
}
