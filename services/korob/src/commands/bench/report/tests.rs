//! The arithmetic of a row, and what programs and people read.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use super::{Report, Row};
use crate::commands::bench::generator::{Reply, Request, Tally};
use crate::commands::bench::measured::{Measured, Spent};
use crate::suite::Mode;

/// A hundred orders in two seconds: 1 to 100 ms, 500 µs of ours and 250 µs of PostgreSQL for each, three commits for two.
fn measured() -> Measured {
    let mut tally = Tally::new().unwrap();
    let order = Request::post("/v1/orders", "key".to_owned(), Bytes::new());
    for ms in 1..=100 {
        let reply = Ok(Reply { status: StatusCode::CREATED, has_retry_after: false, body: Bytes::new() });
        tally.record(&order, &reply, Duration::from_millis(ms), Duration::from_millis(ms));
    }
    let before = Spent { ours: 1.0, postgres: 2.0, generator: 3.0, writing_transactions: 1_000 };
    let after = Spent { ours: 1.05, postgres: 2.025, generator: 3.01, writing_transactions: 1_150 };
    Measured::new(vec![tally], Duration::from_secs(2), [before, after], 64 << 20)
}

fn row() -> Row {
    let mut row = Row::named("orders", Mode::Processes)
        .with_throughput(32, &measured())
        .with_floor(100.0)
        .with_latency(35.0, &measured())
        .with("oversold", 0);
    row.commits_per_order = Some(measured().commits_each());
    row
}

#[test]
fn a_row_divides_what_was_spent_by_what_was_done() {
    let row = row();
    let near = |found: Option<f64>, expected: f64| (found.unwrap() / expected - 1.0).abs() < 1e-3;
    assert!(near(row.per_second, 50.0) && near(row.ratio, 0.5), "{row:?}");
    assert!(near(row.cpu_us_ours, 500.0) && near(row.cpu_us_postgres, 250.0), "{row:?}");
    assert!(near(row.cpu_us_generator, 100.0) && near(row.commits_per_order, 1.5), "{row:?}");
    assert!(near(row.p50_ms, 50.0) && near(row.p90_ms, 90.0), "{row:?}");
    assert!(near(row.p99_ms, 99.0) && near(row.max_ms, 100.0), "{row:?}");
}

#[test]
fn programs_read_one_object_for_each_row() {
    let mut report = Report::new("15.18");
    report.rows = vec![row(), Row::named("idle", Mode::OneProcess)];
    let json = report.json().unwrap();
    let (orders, idle) = (&json[0], &json[1]);
    assert_eq!((&orders["name"], &orders["mode"]), (&"orders".into(), &"processes".into()));
    assert_eq!((&orders["clients"], &orders["oversold"]), (&32.into(), &0.into()));
    assert_eq!(orders["peak_memory_bytes"], 64 << 20);
    assert_eq!(orders["versions"]["postgres"], "15.18");
    assert!(orders["machine"]["cores"].as_u64().unwrap() > 0);
    assert!(idle["per_second"].is_null() && idle.get("oversold").is_none(), "{idle}");
}

#[test]
fn people_read_figures_and_what_went_wrong() {
    let mut report = Report::new("15.18");
    report.rows = vec![row()];
    assert!(report.is_flawless());
    assert!(
        report.table().contains("| orders, processes | 32 | 50 | 100 | 0.50 | 35 | 50.0 |"),
        "{}",
        report.table()
    );

    report.rows.push(Row::named("import", Mode::OneProcess).expect(false, "an import was not complete"));
    assert!(!report.is_flawless());
    assert!(report.table().contains("import: 1 × an import was not complete"), "{}", report.table());
}
