//! What is measured takes no more room, however often it is measured and whether or not anybody comes to read it.

use std::time::Duration;

use service::telemetry::{GLOSSARY, Settings};

const BURST: usize = 250_000;
const BURSTS: usize = 20;
/// Kept singly, the bursts would take 40 MB.
const GROWTH_KB_MAX: u64 = 12 * 1024;

#[tokio::test(start_paused = true)]
async fn figures_that_nobody_reads_take_no_room() {
    let telemetry = service::telemetry::start("bench", &Settings::default()).expect("it starts");
    let measured =
        metrics::histogram!("korob_rpc_duration_seconds", "operation" => "bench.measure", "code" => "OK");
    let burst = async || {
        (0..BURST).for_each(|_| measured.record(0.003));
        // Longer than they wait to be put away.
        tokio::time::sleep(Duration::from_secs(6)).await;
    };
    burst().await;
    let before = resident_kb();
    for _ in 0..BURSTS {
        burst().await;
    }
    let growth = resident_kb().saturating_sub(before);
    assert!(growth < GROWTH_KB_MAX, "{growth} kB");

    let count = BURST * (BURSTS + 1);
    let line = format!("korob_rpc_duration_seconds_count{{operation=\"bench.measure\",code=\"OK\"}} {count}");
    let text = telemetry.instruments.render();
    assert!(text.contains(&line), "none is forgotten: {text}");
}

#[tokio::test]
async fn a_ratio_that_is_none_is_refused_by_name() {
    let settings = Settings { sample_ratio: 1.5, ..Settings::default() };
    let refusal = service::telemetry::start("bench", &settings).err().expect("refused").to_string();
    assert!(refusal.contains("telemetry.sample_ratio: 1.5"), "{refusal}");
}

#[test]
fn every_metric_is_explained_once() {
    let mut names: Vec<_> = GLOSSARY.iter().map(|term| term.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}

fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}
