//! Days of orders on virtual time, each made from one number: the real sagas, their real runner and the real decisions of
//! orders, inventory and payments, on a network and on databases that lose, repeat and delay, in processes that die.
//!
//! ```sh
//! cargo nextest run -p simulation                                   # 1,000 days
//! KOROB_SEEDS=100000 cargo nextest run -p simulation no_day         # more of them, from KOROB_FIRST_SEED on
//! KOROB_SEED=1234 cargo nextest run -p simulation one_day --run-ignored all --no-capture   # that one day, line by line
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used)] // Tests: a failure is a panic.

mod around;
mod books;
mod bugs;
mod buyers;
mod card_desk;
mod chance;
mod day;
mod follow;
mod history;
mod money;
mod money_tables;
mod network;
mod order_desk;
mod order_sagas;
mod order_tables;
mod plans;
mod process;
mod settlement;
mod stock;
mod stock_tables;
mod tally;
mod trace;
mod troubles;
mod verdict;
mod weather;
mod world;

use crate::bugs::{BUGS, FORGETTING};
use crate::day::{Day, Keep, Outcome, Shop, live};
use crate::tally::Tally;

/// Days that every change must pass.
const SEEDS: u64 = 1_000;
/// Set to 1: a day on which the shop gives up unpaid orders.
const UNPAID: &str = "KOROB_UNPAID";
/// Days that are lived twice.
const REPEATED: u64 = 100;

#[test]
fn no_day_breaks_a_promise() {
    let count = number("KOROB_SEEDS").unwrap_or(SEEDS);
    let tally = live_many(count, Shop::Waits);
    println!("{count} days: {tally}");
    assert!(count < SEEDS || tally.missing().is_empty(), "there were never {:?}", tally.missing());
}

/// `CancelOrder` of an unpaid order gives up its payment only while nobody pays. Whoever asks again once that was refused gets the
/// same answer, also when the attempt to pay has failed meanwhile: another process that runs the same saga, or a request that
/// arrives late.
#[test]
fn no_unpaid_order_is_given_up_by_half() {
    live_many(number("KOROB_SEEDS").unwrap_or(SEEDS), Shop::GivesUp);
}

/// Lives so many days; all of them must be good ones.
fn live_many(count: u64, shop: Shop) -> Tally {
    day::count_panics();
    let first = number("KOROB_FIRST_SEED").unwrap_or(1);
    let mut tally = Tally::default();
    for seed in first..first + count {
        let outcome = live(Day { shop, ..Day::of(seed) });
        tally.add(&outcome.tally);
        assert!(outcome.broken.is_empty(), "{}", told(&outcome));
    }
    tally
}

#[test]
fn a_day_is_the_same_each_time() {
    for seed in 1..=REPEATED {
        let day = Day { keep: Keep::Everything, ..Day::of(seed) };
        let (one, other) = (live(day), live(day));
        if one.hash != other.hash {
            let differs = one.trace.iter().zip(&other.trace).position(|(one, other)| one != other);
            let at = differs.unwrap_or(one.trace.len().min(other.trace.len()));
            let near = |trace: &[String]| trace[at.saturating_sub(5)..(at + 2).min(trace.len())].join("\n");
            panic!("seed {seed} went\n{}\nand then\n{}", near(&one.trace), near(&other.trace));
        }
    }
}

#[test]
fn every_planted_bug_is_found() {
    let mut missed = Vec::new();
    for bug in BUGS {
        let shop = if *bug == FORGETTING { Shop::GivesUp } else { Shop::Waits };
        let mut days = (1..=SEEDS).map(|seed| live(Day { bug: Some(bug), shop, ..Day::of(seed) }));
        match days.find(|day| !day.broken.is_empty()) {
            Some(found) => {
                println!("{bug}: found on day {} by: {}", found.day.seed, checks(&found).join(", "))
            }
            None => missed.push(*bug),
        }
    }
    assert!(missed.is_empty(), "nothing finds {missed:?} in {SEEDS} days");
}

/// For the eyes of somebody who looks for a bug: `KOROB_BUG` plants one.
#[test]
#[ignore = "KOROB_SEED=1234 cargo nextest run -p simulation one_day --run-ignored all --no-capture"]
fn one_day() {
    day::count_panics();
    let bug = std::env::var("KOROB_BUG").ok();
    let bug = bug.and_then(|name| BUGS.iter().copied().find(|bug| *bug == name));
    let shop = if number(UNPAID).is_some() { Shop::GivesUp } else { Shop::Waits };
    let seed = number("KOROB_SEED").unwrap_or(1);
    let outcome = live(Day { seed, bug, keep: Keep::Everything, shop });
    println!("{}", told(&outcome));
    assert!(outcome.broken.is_empty());
}

/// The names of what found something, in the order of their importance.
fn checks(day: &Outcome) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for name in day.broken.iter().filter_map(|broken| broken.split(':').next()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn told(outcome: &Outcome) -> String {
    let Day { seed, shop, .. } = outcome.day;
    let (trace, broken) = (outcome.trace.join("\n"), outcome.broken.join("\n"));
    let unpaid = if shop == Shop::GivesUp { format!("{UNPAID}=1 ") } else { String::new() };
    format!(
        "{trace}\n\nDay {seed} broke promises:\n{broken}\n\nLive it again: {unpaid}KOROB_SEED={seed} cargo nextest run -p simulation \
         one_day --run-ignored all --no-capture"
    )
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}
