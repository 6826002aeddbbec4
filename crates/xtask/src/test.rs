//! Everything a change must pass, stage by stage, with a summary at the end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::{
    chart,
    generated::Mode,
    observability,
    postgres::{TestServer, URL_VARIABLE},
    prerequisites::{self, TestRunner},
    schema, shell,
    tools::{self, ChartTools},
    workspace,
};

/// The stages, in the order in which they run: the quickest answers first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StageName {
    /// rustfmt
    Format,
    /// clippy, warnings refused
    Clippy,
    /// The generated schemas agree with the migrations
    Schema,
    /// Every test of the workspace
    Tests,
    /// Bans, licences and sources of the dependencies
    Deny,
    /// Lint of the contracts
    Buf,
    /// The Helm chart
    Chart,
    /// Dashboards, alerts and the guide for operators
    Observability,
}

/// Read by the crate `testing`.
const NATS_VARIABLE: &str = "KOROB_TEST_NATS_SERVER";

enum Outcome {
    Passed,
    Failed(anyhow::Error),
    Skipped(&'static str),
}

/// Runs every stage, or only one.
pub fn run(only: Option<StageName>) -> Result<()> {
    let mut stages = StageName::value_variants().to_vec();
    stages.retain(|stage| only.is_none_or(|only| only == *stage));
    // Asked first: nobody wants to hear after ten minutes that a program is missing.
    if stages.iter().any(|stage| matches!(stage, StageName::Schema | StageName::Tests)) {
        prerequisites::ensure_postgres()?;
    }
    if stages.contains(&StageName::Tests) {
        tools::nats_server()?;
    }

    let results: Vec<_> = stages
        .into_iter()
        .map(|stage| {
            println!("\n── {} ──", stage.title());
            let start = Instant::now();
            let outcome = stage.run().unwrap_or_else(Outcome::Failed);
            let duration = start.elapsed();
            println!("{}", line(stage, &outcome, duration));
            (stage, outcome, duration)
        })
        .collect();

    println!("\n── summary ──");
    for (stage, outcome, duration) in &results {
        println!("{}", line(*stage, outcome, *duration));
    }
    let failed = results.iter().filter(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_))).count();
    if failed > 0 {
        bail!("{failed} of {} stages failed", results.len());
    }
    Ok(())
}

impl StageName {
    fn title(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Clippy => "clippy",
            Self::Schema => "schema",
            Self::Tests => "tests",
            Self::Deny => "deny",
            Self::Buf => "buf",
            Self::Chart => "chart",
            Self::Observability => "observability",
        }
    }

    fn run(self) -> Result<Outcome> {
        match self {
            Self::Format => cargo(&["fmt", "--all", "--check"]),
            Self::Clippy => cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]),
            Self::Schema => schema::run(Mode::Check).map(|()| Outcome::Passed),
            Self::Tests => tests(),
            Self::Deny if !prerequisites::has_cargo_deny() => {
                Ok(Outcome::Skipped("cargo-deny is not installed: cargo install --locked cargo-deny"))
            }
            Self::Deny => cargo(&["deny", "check", "bans", "licenses", "sources"]),
            Self::Buf if !prerequisites::has_buf() => {
                Ok(Outcome::Skipped("buf is not installed: pip install buf-bin"))
            }
            Self::Buf => buf_lint(),
            Self::Chart if ChartTools::ready().is_err() => {
                Ok(Outcome::Skipped("its tools cannot be installed: cargo xtask chart says why"))
            }
            Self::Chart => chart::run(Mode::Check).map(|()| Outcome::Passed),
            Self::Observability if observability::prepare().is_err() => {
                Ok(Outcome::Skipped("Prometheus cannot be installed: cargo xtask observability says why"))
            }
            Self::Observability => observability::run(Mode::Check).map(|()| Outcome::Passed),
        }
    }
}

/// All tests, on one server that they share.
fn tests() -> Result<Outcome> {
    let server = TestServer::start()?;
    let arguments = match TestRunner::find() {
        TestRunner::Nextest => ["nextest", "run", "--workspace", "--no-fail-fast"],
        TestRunner::CargoTest => ["test", "--workspace", "--all-targets", "--no-fail-fast"],
    };
    let nats_server = tools::nats_server()?;
    shell::run(shell::cargo(&arguments).env(URL_VARIABLE, server.url()).env(NATS_VARIABLE, nats_server))?;
    Ok(Outcome::Passed)
}

fn cargo(arguments: &[&str]) -> Result<Outcome> {
    shell::run(&mut shell::cargo(arguments))?;
    Ok(Outcome::Passed)
}

/// buf reads its rules from the directory it is given.
fn buf_lint() -> Result<Outcome> {
    let directory = if workspace::root().join("buf.yaml").exists() { "." } else { "proto" };
    shell::run(&mut shell::command("buf", &["lint", directory]))?;
    Ok(Outcome::Passed)
}

fn line(stage: StageName, outcome: &Outcome, duration: Duration) -> String {
    let (title, seconds) = (stage.title(), duration.as_secs_f64());
    match outcome {
        Outcome::Passed => format!("passed   {title:<13} {seconds:7.1} s"),
        Outcome::Failed(error) => format!("FAILED   {title:<13} {seconds:7.1} s   {error:#}"),
        Outcome::Skipped(reason) => format!("skipped  {title:<13}             {reason}"),
    }
}
