//! `kill -9` of separate processes, one at a time, while orders come in.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rustix::process::{Pid, Signal, kill_process};

use crate::market::Market;
use crate::suite::Mode;
use crate::{figure, verdict};

const CLIENTS: usize = 8;
/// Three seconds on a quiet machine with a release build.
const READY_MAX: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn whichever_process_is_killed_nothing_is_lost_or_done_twice() {
    let seed = figure(1, rand::random());
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut market = Market::open(Mode::Processes).await;
    let buyers = market.buyers(CLIENTS);
    let mut ready = Vec::new();
    for _ in 0..figure(30, 200) {
        buyers.more(random.random_range(5..40)).await;
        // The first is the supervisor.
        let roles = market.suite.pids().split_off(1);
        let role = roles[random.random_range(0..roles.len())];
        kill_process(Pid::from_raw(role.cast_signed()).unwrap(), Signal::KILL).unwrap();
        let killed = Instant::now();
        // Until the supervisor has noticed.
        while market.suite.pids().contains(&role) || market.suite.pids().len() < roles.len() + 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        market.suite.wait_until_ready().await;
        ready.push(killed.elapsed());
    }
    assert!(market.suite.is_running(), "the supervisor outlives them");
    let seen = buyers.finish().await;
    let took = verdict::clean(&market).await;
    println!("ready again after {ready:.1?}, all well after {took:.1?}; clients saw {:?}", seen.answers);
    assert!(ready.iter().all(|took| *took < READY_MAX), "{ready:.1?}");
    market.close().await;
}
