//! How bad a day is: chosen once, from its seed.

use crate::chance::Chance;

/// Probabilities of what happens to a message or a process. Of each kind some days have none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    /// A request never arrives.
    pub lost: f64,
    /// A request is done, and its answer never arrives.
    pub unheard: f64,
    /// A request arrives after its caller has given up.
    pub late: f64,
    /// A request arrives twice.
    pub doubled: f64,
    /// A neighbour refuses what it grants a moment later.
    pub fickle: f64,
    /// A process dies at a step.
    pub deaths: f64,
    /// Milliseconds that a message takes at most.
    pub slow_ms_max: i64,
    /// Seconds between two kills, on average; 0 for none.
    pub kill_period_s: i64,
    /// Seconds between two sleeps of a process, on average, each longer than a lease may be; 0 for none.
    pub sleep_period_s: i64,
    /// Seconds between two outages of a neighbour, on average; 0 for none.
    pub outage_period_s: i64,
    /// Whether prices change.
    pub prices_move: bool,
    /// Milliseconds by which clocks of processes may be wrong.
    pub skew_ms_max: i64,
    /// Whether the clock of the database of orders jumps forward, past all leases.
    pub leases_jump: bool,
}

impl Weather {
    /// A day without wind.
    pub const CALM: Self = Self {
        lost: 0.0,
        unheard: 0.0,
        late: 0.0,
        doubled: 0.0,
        fickle: 0.0,
        deaths: 0.0,
        slow_ms_max: 5,
        kill_period_s: 0,
        sleep_period_s: 0,
        outage_period_s: 0,
        prices_move: false,
        skew_ms_max: 0,
        leases_jump: false,
    };

    pub fn of(chance: &Chance) -> Self {
        let sometimes = |most: f64| if chance.likely(0.6) { chance.number() * most } else { 0.0 };
        let every = |from, to| if chance.likely(0.6) { chance.between(from, to) } else { 0 };
        Self {
            lost: sometimes(0.12),
            unheard: sometimes(0.15),
            late: sometimes(0.10),
            doubled: sometimes(0.15),
            fickle: sometimes(0.2),
            deaths: sometimes(0.02),
            slow_ms_max: *[5, 50, 400, 2_000].get(chance.below(4)).unwrap_or(&5),
            kill_period_s: every(2, 15),
            sleep_period_s: every(3, 10),
            outage_period_s: every(3, 15),
            prices_move: chance.likely(0.5),
            skew_ms_max: every(1, 3_000),
            leases_jump: chance.likely(0.5),
        }
    }
}
