//! What is to happen where, as text.

use std::time::Duration;

use crate::registry::{has_bug, has_point};

/// What is to happen where: one rule a line, or between semicolons.
///
/// ```text
/// store.commit.after[orders] kill nth=3 times=1     the third commit of orders, and never again
/// payments.provider.answered sleep=500              every answer waits for half a second
/// store.commit.before fail chance=0.1 seed=7        one commit in ten, the same ones with the same seed
/// plant events.cursor_by_time                       from here on the bug is there
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    pub(crate) rules: Vec<Rule>,
    pub(crate) bugs: Vec<String>,
}

/// What happens when a place is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The process dies as from `kill -9`.
    Kill,
    /// The place returns its error.
    Fail,
    /// The place panics.
    Panic,
    /// The place waits.
    Sleep(Duration),
}

/// A rule that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub String);

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    pub(crate) name: String,
    /// Empty: wherever.
    pub(crate) place: String,
    pub(crate) action: Action,
    /// Which visit it is about; absent: every.
    pub(crate) nth: Option<u64>,
    /// How often in all processes together; absent: always.
    pub(crate) times: Option<usize>,
    pub(crate) chance: f64,
    pub(crate) seed: u64,
}

impl Plan {
    /// Reads a plan; what it does not know is an error that says so.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let mut plan = Self::default();
        for line in text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty()) {
            match line.strip_prefix("plant ").map(str::trim) {
                Some(bug) if has_bug(bug) => plan.bugs.push(bug.to_owned()),
                Some(bug) => return Err(Malformed(format!("there is no bug {bug:?}"))),
                None => plan.rules.push(Rule::parse(line)?),
            }
        }
        Ok(plan)
    }
}

impl Rule {
    fn parse(line: &str) -> Result<Self, Malformed> {
        let malformed = |why: &str| Malformed(format!("{line:?}: {why}"));
        // A place may have spaces, as the names of steps do.
        let (target, words) = match line.split_once(']') {
            Some((target, words)) => (target, words),
            None => line.split_once(' ').ok_or_else(|| malformed("say what happens there"))?,
        };
        let (name, place) = target.split_once('[').unwrap_or((target, ""));
        if !has_point(name) {
            return Err(malformed("there is no such place"));
        }
        let mut words = words.split_whitespace();
        let action = words.next().ok_or_else(|| malformed("say what happens there"))?;
        let action = match action.split_once('=') {
            None if action == "kill" => Action::Kill,
            None if action == "fail" => Action::Fail,
            None if action == "panic" => Action::Panic,
            Some(("sleep", ms)) => Action::Sleep(Duration::from_millis(number(ms).map_err(malformed)?)),
            _ => return Err(malformed("kill, fail, panic or sleep=MS")),
        };
        let (name, place) = (name.to_owned(), place.to_owned());
        let mut rule = Self { name, place, action, nth: None, times: None, chance: 1.0, seed: 0 };
        for word in words {
            let (option, value) = word.split_once('=').ok_or_else(|| malformed("options are name=value"))?;
            match option {
                "nth" => rule.nth = Some(number(value).map_err(malformed)?),
                "times" => rule.times = Some(number(value).map_err(malformed)?),
                "chance" => rule.chance = number(value).map_err(malformed)?,
                "seed" => rule.seed = number(value).map_err(malformed)?,
                _ => return Err(malformed("nth, times, chance or seed")),
            }
        }
        Ok(rule)
    }

    pub(crate) fn is_about(&self, name: &str, place: &str) -> bool {
        self.name == name && (self.place.is_empty() || self.place == place)
    }

    /// Whether it strikes on its `visit`th visit, the first being 1.
    pub(crate) fn strikes(&self, visit: u64) -> bool {
        self.nth.is_none_or(|nth| nth == visit)
            && (self.chance >= 1.0 || part_of_one(self.seed, visit) < self.chance)
    }
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, &'static str> {
    text.parse().map_err(|_| "not a number")
}

/// From 0 to 1, the same for the same seed and visit: splitmix64.
fn part_of_one(seed: u64, visit: u64) -> f64 {
    let mut mixed = seed.wrapping_add(visit.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^= mixed >> 31;
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}
