//! What is known of the replicas of a service, and the choice among them. No input or output, and no clock of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::directory::RemoteSettings;
use crate::replicas::address::{Place, Target};
use crate::replicas::link::{Connected, Link};
use crate::replicas::rest_after;

/// How long one that answers UNAVAILABLE is avoided as long as there is another.
const AVOIDED: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(crate) struct State {
    replicas: Vec<Replica>,
    names: Names,
    connections: u64,
    turn: usize,
}

/// What is known of the names in the list.
#[derive(Default)]
struct Names {
    looked_up: Option<Instant>,
    failed: Option<Instant>,
    underway: bool,
    /// Somebody was lost: perhaps the names lead elsewhere by now.
    doubted: bool,
}

struct Replica {
    place: Place,
    line: Line,
    busy: Arc<AtomicUsize>,
    failures: u32,
    failed: Option<Instant>,
    avoided_until: Option<Instant>,
}

enum Line {
    Down,
    Connecting,
    /// With its number, and until when it may be used.
    Up(u64, Link, Option<Instant>),
}

/// What a call does next.
pub(crate) enum Choice {
    Use(Connected),
    /// For a connection, or for a name.
    Wait,
    /// All have failed since the call began.
    Nobody,
}

/// What somebody should begin.
pub(crate) enum ToDo {
    Connect(Place),
    Resolve(Vec<Target>),
}

impl State {
    /// The least busy one of those that are connected; those that are equally busy take turns.
    pub(crate) fn choose(
        &mut self,
        targets: &[Target],
        settings: &RemoteSettings,
        begun: Instant,
        now: Instant,
    ) -> (Choice, Vec<ToDo>) {
        let mut to_do = Vec::new();
        self.look_up(targets, settings, begun, now, &mut to_do);
        for replica in &mut self.replicas {
            replica.notice_end(now);
            if replica.has_rested(now) {
                to_do.extend(replica.connect());
            }
        }
        if let Some(connected) = self.least_busy(now) {
            return (Choice::Use(connected), to_do);
        }
        // Nobody else is there: who rests is asked nonetheless, once for this call.
        let mut connecting = false;
        for replica in self.replicas.iter_mut().filter(|replica| replica.is_untried_since(begun)) {
            to_do.extend(replica.connect());
            connecting = true;
        }
        let looking = self.names.underway && self.names.failed.is_none_or(|failed| failed < begun);
        (if connecting || looking { Choice::Wait } else { Choice::Nobody }, to_do)
    }

    fn look_up(
        &mut self,
        targets: &[Target],
        settings: &RemoteSettings,
        begun: Instant,
        now: Instant,
        to_do: &mut Vec<ToDo>,
    ) {
        let names = &mut self.names;
        if names.looked_up.is_none() && names.failed.is_none() {
            let fixed: Option<Vec<Place>> = targets.iter().map(Target::fixed).collect();
            if let Some(places) = fixed {
                self.know(places, true, now);
                return;
            }
        }
        if names.underway || targets.iter().all(|target| target.fixed().is_some()) {
            return;
        }
        let last = names.looked_up.max(names.failed);
        let is_due = match last {
            None => true,
            Some(last) if names.doubted => now >= last + settings.resolve_pause,
            Some(last) => now >= last + settings.resolve_interval,
        };
        let nobody = self.replicas.is_empty() && names.failed.is_none_or(|failed| failed < begun);
        if is_due || nobody {
            (names.underway, names.doubted) = (true, false);
            to_do.push(ToDo::Resolve(targets.to_vec()));
        }
    }

    fn least_busy(&mut self, now: Instant) -> Option<Connected> {
        let count = self.replicas.len();
        self.turn = self.turn.wrapping_add(1);
        let turn = self.turn;
        let up = (0..count)
            .map(|at| (at + turn) % count)
            .filter(|at| matches!(self.replicas[*at].line, Line::Up(..)))
            .min_by_key(|at| {
                let replica = &self.replicas[*at];
                let avoided = replica.avoided_until.is_some_and(|until| until > now);
                (avoided, replica.busy.load(Ordering::Relaxed))
            })?;
        let replica = &self.replicas[up];
        let Line::Up(number, link, _) = &replica.line else { return None };
        Some(Connected::new(replica.place.clone(), *number, link.clone(), &replica.busy))
    }

    /// The names were looked up. Who is gone is left: what he works on he may end.
    pub(crate) fn know(&mut self, places: Vec<Place>, all_known: bool, now: Instant) {
        self.names.underway = false;
        match all_known {
            true => {
                (self.names.looked_up, self.names.failed) = (Some(now), None);
                self.replicas.retain(|replica| places.contains(&replica.place));
            }
            // Those that are known stay: better than nobody.
            false => self.names.failed = Some(now),
        }
        for place in places {
            if !self.replicas.iter().any(|replica| replica.place == place) {
                self.replicas.push(Replica::new(place));
            }
        }
    }

    /// A connection is there, to be used until then; none is kept to who is gone meanwhile.
    pub(crate) fn arrive(&mut self, place: &Place, link: Link, until: Option<Instant>) -> Option<u64> {
        self.connections += 1;
        let number = self.connections;
        let replica = self.find(place)?;
        (replica.line, replica.failures, replica.failed) = (Line::Up(number, link, until), 0, None);
        Some(number)
    }

    pub(crate) fn fail(&mut self, place: &Place, now: Instant) {
        self.names.doubted = true;
        if let Some(replica) = self.find(place) {
            replica.line = Line::Down;
            replica.failures = replica.failures.saturating_add(1);
            replica.failed = Some(now);
        }
    }

    /// The connection has ended.
    pub(crate) fn lose(&mut self, place: &Place, number: u64) {
        self.names.doubted = true;
        if let Some(replica) = self.find(place)
            && matches!(replica.line, Line::Up(current, ..) if current == number)
        {
            replica.line = Line::Down;
        }
    }

    /// No further call goes over the connection; those under way may end.
    pub(crate) fn leave(&mut self, connected: &Connected) {
        self.lose(&connected.place, connected.number);
    }

    /// Others are preferred for a while.
    pub(crate) fn avoid(&mut self, connected: &Connected, now: Instant) {
        if let Some(replica) = self.find(&connected.place) {
            replica.avoided_until = Some(now + AVOIDED);
        }
    }

    fn find(&mut self, place: &Place) -> Option<&mut Replica> {
        self.replicas.iter_mut().find(|replica| replica.place == *place)
    }
}

impl Replica {
    fn new(place: Place) -> Self {
        Self { place, line: Line::Down, busy: Arc::default(), failures: 0, failed: None, avoided_until: None }
    }

    fn has_rested(&self, now: Instant) -> bool {
        self.failed.is_none_or(|failed| failed + rest_after(self.failures) <= now)
    }

    fn is_untried_since(&self, begun: Instant) -> bool {
        self.failed.is_none_or(|failed| failed < begun)
    }

    /// A connection to begin, unless there is one or somebody is at it.
    fn connect(&mut self) -> Option<ToDo> {
        if !matches!(self.line, Line::Down) {
            return None;
        }
        self.line = Line::Connecting;
        Some(ToDo::Connect(self.place.clone()))
    }

    fn notice_end(&mut self, now: Instant) {
        if let Line::Up(_, link, until) = &self.line
            && (link.is_closed() || until.is_some_and(|until| until <= now))
        {
            self.line = Line::Down;
        }
    }
}
