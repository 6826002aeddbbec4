//! Dashboards and alerts against the truth: a suite that runs, and a Prometheus that watches it.
//!
//! Every panel's query must be answered with something, every selector of every alert must find its series, every alert
//! must have shown in a test that it fires and that it does not, and the guide must explain each of them. About two
//! minutes, most of them the building and the demonstration.

mod alerts;
mod dashboards;
mod guide;
mod prometheus;
mod promql;
mod suite;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use crate::{
    generated::{self, Mode},
    prerequisites, shell, workspace,
};
use prometheus::Prometheus;
use suite::Suite;

const DASHBOARDS: &str = "charts/korob/dashboards";
const ALERTS: &str = "charts/korob/alerts";
const ALERT_TESTS: &str = "tests/alerts";

/// Panels that show nothing as long as nothing happens, and why.
const SILENT_PANELS: [(&str, &str); 1] =
    [("Failed calls", "no call of the demonstration ends with a code that is nobody's wish")];
/// Metrics that Prometheus makes itself.
const OF_PROMETHEUS: [&str; 1] = ["ALERTS"];

/// Generates the dashboards, or compares them; in a check everything else is looked at, too.
pub fn run(mode: Mode) -> Result<()> {
    for dashboard in dashboards::ALL {
        let file = workspace::root().join(DASHBOARDS).join(dashboard.file());
        generated::settle(&file, &dashboard.json(), mode, "observability --write")?;
    }
    match mode {
        Mode::Write => Ok(()),
        Mode::Check => check(),
    }
}

/// Makes sure that all programs are there which a check needs.
pub fn prepare() -> Result<()> {
    prerequisites::ensure_postgres()?;
    prerequisites::ensure_programs(&[
        ("prometheus", "prometheus"),
        ("promtool", "prometheus"),
        ("curl", "curl"),
    ])
}

fn check() -> Result<()> {
    prepare()?;
    let rules = files(&workspace::root().join(ALERTS), "yaml")?;
    promtool(&["check", "rules"], &rules)?;
    promtool(&["test", "rules"], &files(&workspace::root().join(ALERT_TESTS), "yaml")?)?;

    shell::run(&mut shell::cargo(&["build", "--package", "korob"]))?;
    let mut suite = Suite::start()?;
    let prometheus = Prometheus::watching(&suite.operators, &rules)?;
    let mut customer = suite.wait_for_the_end_of_the_day()?;
    prometheus.watch(|| customer.order())?;
    let metrics = prometheus.metrics()?;
    println!("{} metrics of a suite that has lived through a day", metrics.len());

    let mut problems = panel_problems(&prometheus, &metrics)?;
    let alerts = prometheus.alerts()?;
    ensure!(!alerts.is_empty(), "Prometheus has read no alerts");
    for alert in &alerts {
        problems.extend(alerts::problems(alert, &prometheus, &metrics)?);
    }
    problems.extend(alerts::untested(&alerts, &workspace::root().join(ALERT_TESTS))?);
    problems.extend(guide::problems(&alerts, &metrics)?);
    for problem in &problems {
        eprintln!("{problem}");
    }
    ensure!(problems.is_empty(), "{} things are not as the dashboards, alerts or guide say", problems.len());
    println!("{} alerts and every panel find what they look for", alerts.len());
    Ok(())
}

fn panel_problems(prometheus: &Prometheus, metrics: &BTreeSet<String>) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut silent: BTreeSet<&str> = SILENT_PANELS.iter().map(|(title, _)| *title).collect();
    for dashboard in dashboards::ALL {
        for panel in dashboard.rows.iter().flat_map(|row| row.panels) {
            for expression in panel.expressions() {
                let place = format!("{} / {}", dashboard.title, panel.title);
                let expression = with_choices(&expression);
                problems
                    .extend(unknown(&expression, metrics).map(|name| format!("{place}: no metric {name}")));
                match prometheus.query(&expression) {
                    Err(error) => problems.push(format!("{place}: {error:#}: {expression}")),
                    Ok(0) if !silent.contains(panel.title) => {
                        problems.push(format!("{place}: no answer to {expression}"));
                    }
                    Ok(0) => {}
                    Ok(_) => {
                        silent.remove(panel.title);
                    }
                }
            }
        }
    }
    let named: BTreeSet<&str> = SILENT_PANELS.iter().map(|(title, _)| *title).collect();
    let told = named.difference(&silent);
    problems.extend(told.map(|title| format!("{title} has an answer: it need not be excused")));
    Ok(problems)
}

/// As Grafana sends it when everything is chosen.
fn with_choices(expression: &str) -> String {
    let text = expression.replace("$__rate_interval", "5m");
    text.replace("$namespace", ".*").replace("$service", ".*")
}

/// Metrics that an expression names and no suite has.
fn unknown<'a>(expression: &str, metrics: &'a BTreeSet<String>) -> impl Iterator<Item = String> + use<'a> {
    let named = promql::metrics(expression);
    named.into_iter().filter(|name| {
        let elsewhere = OF_PROMETHEUS.into_iter().chain(guide::ELSEWHERE).any(|other| other == name);
        !metrics.contains(name) && !elsewhere
    })
}

fn promtool(chore: &[&str], files: &[PathBuf]) -> Result<()> {
    let mut command = shell::command("promtool", chore);
    shell::run(command.args(files))
}

/// The files of a folder, sorted.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == extension) {
            files.push(path);
        }
    }
    files.sort();
    ensure!(!files.is_empty(), "there is nothing in {}", folder.display());
    Ok(files)
}
