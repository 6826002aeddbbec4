//! What the benches found: a table for people, a list of objects for programs.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Context;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::generator::{Tally, percentile_ms};
use super::machine::Machine;
use super::measured::Measured;
use crate::suite::Mode;

/// What one bench found. What it does not measure is null.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    /// Which bench, and which part of it.
    pub name: String,
    /// `one-process` or `processes`.
    pub mode: &'static str,
    /// Clients of the closed loop.
    pub clients: Option<usize>,
    /// How much there was in a second, closed loop.
    pub per_second: Option<f64>,
    /// What PostgreSQL alone did in a second.
    pub floor_per_second: Option<f64>,
    /// Beside the floor, or beside what the bench compares with.
    pub ratio: Option<f64>,
    /// At what rate the latencies were measured, open loop.
    pub offered_per_second: Option<f64>,
    /// Half waited less, from the moment the request was due.
    pub p50_ms: Option<f64>,
    /// Nine of ten waited less.
    pub p90_ms: Option<f64>,
    /// 99 of 100 waited less.
    pub p99_ms: Option<f64>,
    /// Nobody waited longer.
    pub max_ms: Option<f64>,
    /// Of the closed loop, from the moment the request was sent.
    pub closed_p50_ms: Option<f64>,
    /// Of the closed loop, from the moment the request was sent.
    pub closed_p99_ms: Option<f64>,
    /// CPU of the suite for each, without the generator.
    pub cpu_us_ours: Option<f64>,
    /// CPU of PostgreSQL for each.
    pub cpu_us_postgres: Option<f64>,
    /// CPU of the generator for each.
    pub cpu_us_generator: Option<f64>,
    /// Transactions that wrote anything, for each order.
    pub commits_per_order: Option<f64>,
    /// The most that the suite had in memory, without PostgreSQL.
    pub peak_memory_bytes: Option<u64>,
    /// What should not have happened, by its name.
    pub errors: BTreeMap<String, u64>,
    /// What only this bench measures.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Row {
    /// One without figures.
    pub fn named(name: &str, mode: Mode) -> Self {
        let mode = match mode {
            Mode::OneProcess => "one-process",
            Mode::Processes => "processes",
        };
        Self { name: name.to_owned(), mode, ..Self::default() }
    }

    /// With what a closed loop came to.
    pub fn with_throughput(mut self, clients: usize, closed: &Measured) -> Self {
        self.clients = Some(clients);
        self.per_second = Some(closed.per_second());
        self.closed_p50_ms = closed.percentile_ms(50.0);
        self.closed_p99_ms = closed.percentile_ms(99.0);
        self.cpu_us_ours = Some(closed.cpu_us_ours());
        self.cpu_us_postgres = Some(closed.cpu_us_postgres());
        self.cpu_us_generator = Some(closed.cpu_us_generator());
        self.peak_memory_bytes = Some(closed.peak_memory_bytes);
        self.note(&closed.errors());
        self
    }

    /// With what an open loop came to.
    pub fn with_latency(mut self, offered_per_second: f64, open: &Measured) -> Self {
        self.offered_per_second = Some(offered_per_second);
        self.p50_ms = open.percentile_ms(50.0);
        self.p90_ms = open.percentile_ms(90.0);
        self.p99_ms = open.percentile_ms(99.0);
        self.max_ms = open.percentile_ms(100.0);
        self.note(&open.errors());
        self
    }

    /// With the latencies of one kind.
    pub fn with_latency_of(mut self, offered_per_second: f64, tally: &Tally) -> Self {
        self.offered_per_second = Some(offered_per_second);
        let at = |percent| percentile_ms(&tally.answered_us, percent);
        (self.p50_ms, self.p90_ms, self.p99_ms, self.max_ms) = (at(50.0), at(90.0), at(99.0), at(100.0));
        self
    }

    /// Beside the floor of the same run.
    pub fn with_floor(mut self, per_second: f64) -> Self {
        self.floor_per_second = Some(per_second);
        self.ratio = self.per_second.map(|ours| ours / per_second);
        self
    }

    /// With a figure that only this bench has.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// Adds what should not have happened.
    pub fn note(&mut self, errors: &BTreeMap<String, u64>) {
        for (error, count) in errors {
            *self.errors.entry(error.clone()).or_default() += count;
        }
    }

    /// Notes `error` unless `holds`.
    pub fn expect(mut self, holds: bool, error: &str) -> Self {
        if !holds {
            self.errors.insert(error.to_owned(), 1);
        }
        self
    }
}

/// Everything that a run found.
pub struct Report {
    /// One for each bench and part of it.
    pub rows: Vec<Row>,
    machine: Machine,
    versions: Value,
}

impl Report {
    /// Of what is measured here, with this version of PostgreSQL.
    pub fn new(postgres: &str) -> Self {
        let versions = json!({
            "korob": env!("CARGO_PKG_VERSION"), "postgres": postgres, "rustc": env!("KOROB_RUSTC"),
            "build": if cfg!(debug_assertions) { "debug" } else { "release" },
        });
        Self { rows: Vec::new(), machine: Machine::here(), versions }
    }

    /// Whether nothing happened that should not have.
    pub fn is_flawless(&self) -> bool {
        self.rows.iter().all(|row| row.errors.is_empty())
    }

    /// A list of objects.
    pub fn json(&self) -> anyhow::Result<Value> {
        let rows = self.rows.iter().map(|row| {
            let mut row = serde_json::to_value(row).context("write a row")?;
            row["machine"] = serde_json::to_value(&self.machine)?;
            row["versions"] = self.versions.clone();
            Ok(row)
        });
        rows.collect()
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut text = format!(
            "\n{} cores, {}, {} MiB, Linux {}; {}\n\
             | bench | clients | per second | floor | ratio | offered/s | p50 ms | p90 ms | p99 ms | max ms | CPU µs each, ours \
             | PostgreSQL | generator | commits | peak MiB |\n|{}\n",
            self.machine.cores,
            self.machine.cpu,
            self.machine.memory >> 20,
            self.machine.kernel,
            versions(&self.versions),
            "---|".repeat(15),
        );
        for row in &self.rows {
            let cells = [
                name(row),
                row.clients.map(|clients| clients.to_string()).unwrap_or_default(),
                figure(row.per_second, 0),
                figure(row.floor_per_second, 0),
                figure(row.ratio, 2),
                figure(row.offered_per_second, 0),
                figure(row.p50_ms, 1),
                figure(row.p90_ms, 1),
                figure(row.p99_ms, 1),
                figure(row.max_ms, 1),
                figure(row.cpu_us_ours, 0),
                figure(row.cpu_us_postgres, 0),
                figure(row.cpu_us_generator, 0),
                figure(row.commits_per_order, 2),
                figure(row.peak_memory_bytes.map(|bytes| bytes as f64 / f64::from(1 << 20)), 0),
            ];
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        for row in &self.rows {
            for (name, value) in &row.more {
                let _ = writeln!(text, "{}: {name} {}", self::name(row), short(value));
            }
            for (error, count) in &row.errors {
                let _ = writeln!(text, "{}: {count} × {error}", self::name(row));
            }
        }
        text
    }
}

fn name(row: &Row) -> String {
    if row.mode == "processes" { format!("{}, processes", row.name) } else { row.name.clone() }
}

fn figure(value: Option<f64>, digits: usize) -> String {
    value.map(|value| format!("{value:.digits$}")).unwrap_or_default()
}

fn short(value: &Value) -> String {
    match value.as_f64() {
        Some(number) if !value.is_u64() && !value.is_i64() => format!("{number:.2}"),
        _ => value.to_string(),
    }
}

fn versions(versions: &Value) -> String {
    let part = |name: &str| format!("{name} {}", versions[name].as_str().unwrap_or_default());
    format!("{}, {}, {}, {}", part("korob"), part("postgres"), part("rustc"), part("build"))
}
