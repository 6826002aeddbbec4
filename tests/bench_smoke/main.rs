//! Every bench runs, for a moment: its figures are there, and nothing happened that should not have.

#![allow(clippy::unwrap_used)] // Tests: a failure is a panic.

use std::process::Command;

use serde_json::Value;

/// What every row has, measured or null.
const FIELDS: [&str; 15] = [
    "clients",
    "per_second",
    "floor_per_second",
    "ratio",
    "offered_per_second",
    "p50_ms",
    "p90_ms",
    "p99_ms",
    "max_ms",
    "cpu_us_ours",
    "cpu_us_postgres",
    "cpu_us_generator",
    "commits_per_order",
    "peak_memory_bytes",
    "errors",
];

/// What may happen on a machine that has other things to do: a rate that it kept up half a second ago is too much.
const BUSY: [&str; 2] = ["refused", "not sent in time"];

/// Every bench once, so small that the whole is over in seconds; a build for tests says nothing about speed.
#[test]
fn every_bench_answers_figures() {
    let directory = std::env::temp_dir().join(format!("korob-bench-smoke-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let json = directory.join("figures.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_korob"));
    command.arg("bench").arg("--data-dir").arg(directory.join("data")).arg("--json").arg(&json);
    command.args(["--clients", "8", "--seconds", "0.5"]);
    command.args(["--skus", "100", "--orders-in-list", "500", "--offers", "2500"]);
    let output = command.output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // A bench that cannot go on leaves the later rows out.
    let rows: Vec<Value> = serde_json::from_slice(&std::fs::read(&json).expect(&said)).unwrap();

    let mut flawless = true;
    for row in &rows {
        has_the_shape(row);
        flawless &= row["errors"].as_object().unwrap().is_empty();
    }
    assert_eq!(output.status.success(), flawless, "the exit status tells of errors: {said}");
    let measured = ["per_second", "p50_ms", "p90_ms", "p99_ms", "max_ms", "cpu_us_ours", "peak_memory_bytes"];
    for name in ["catalog-read", "catalog-read-window", "catalog-read-product", "orders-list", "events"] {
        positive(find(&rows, name), &measured);
    }
    let orders = find(&rows, "orders");
    positive(orders, &measured);
    positive(
        orders,
        &["floor_per_second", "ratio", "offered_per_second", "cpu_us_postgres", "commits_per_order"],
    );
    positive(find(&rows, "orders-list-deep"), &["ratio", "page"]);
    assert!(find(&rows, "orders-list")["orders"].as_i64().unwrap() >= 500);
    positive(find(&rows, "events-held"), &["p50_ms", "p99_ms", "events", "held_seconds"]);
    positive(find(&rows, "idle"), &["started_memory_bytes", "idle_memory_bytes"]);

    let hot = find(&rows, "hot-sku");
    positive(hot, &["per_second", "uniform_per_second", "ratio"]);
    assert_eq!(hot["oversold"], 0);

    positive(find(&rows, "overload-capacity"), &["per_second", "browsing_per_second"]);
    for name in ["overload-3x", "overload-10x"] {
        let overload = find(&rows, name);
        positive(overload, &["offered_per_second", "peak_memory_bytes", "normal_after_seconds"]);
        // Half a second of a crowd may be over before anybody was served.
        assert!(overload["goodput_percent"].is_f64() && overload["placed_percent"].is_f64(), "{overload}");
        assert_eq!(overload["refusals_without_retry_after"], 0, "{overload}");
    }

    let import = find(&rows, "import");
    positive(import, &["per_second", "unchanged_per_second", "idle_memory_bytes", "there_when_killed"]);
    assert_eq!((&import["unchanged_writes"], &import["unchanged_events"]), (&0.into(), &0.into()));

    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn an_unknown_bench_is_refused_by_name() {
    let output = Command::new(env!("CARGO_BIN_EXE_korob")).args(["bench", "everything"]).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("everything") && said.contains("hot-sku"), "{said}");
}

fn find<'a>(rows: &'a [Value], name: &str) -> &'a Value {
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("no row {name} in {rows:?}"))
}

fn has_the_shape(row: &Value) {
    for field in FIELDS {
        assert!(row.get(field).is_some(), "no {field} in {row}");
    }
    let errors = row["errors"].as_object().unwrap();
    assert!(errors.keys().all(|error| BUSY.contains(&error.as_str())), "{row}");
    assert_eq!(row["mode"], "one-process", "{row}");
    positive(&row["machine"], &["cores", "memory"]);
    for (object, fields) in [("machine", ["cpu", "kernel"]), ("versions", ["korob", "postgres"])] {
        for field in fields {
            assert!(!row[object][field].as_str().unwrap().is_empty(), "{object}.{field}: {row}");
        }
    }
    assert!(row["versions"]["rustc"].as_str().unwrap().starts_with("1."), "{row}");
}

fn positive(row: &Value, fields: &[&str]) {
    for field in fields {
        assert!(row[field].as_f64().is_some_and(|figure| figure > 0.0), "{field} of {row}");
    }
}
