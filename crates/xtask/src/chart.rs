//! Checks the chart: rendered by the real Helm, compared with the schemas of Kubernetes, with rules, with what it was, and with
//! the binary. Nothing of it was ever applied to a cluster.

mod call_graph;
mod custom_kinds;
mod environment;
mod golden;
mod identities;
mod immutable;
mod manifests;
mod monitoring;
mod new_service;
mod pods;
mod policy;
mod readme;
mod refused;
mod schemas;

use std::{path::PathBuf, time::Instant};

use anyhow::{Context, Result, bail};

use crate::{
    chart::manifests::{Helm, Rendering},
    generated::Mode,
    tools::ChartTools,
    workspace,
};

/// The oldest and the newest Kubernetes that manifests must suit.
const KUBERNETES: [&str; 2] = ["1.32", "1.37"];
/// The values that are rendered: `ci/<name>-values.yaml`.
const VALUES: [&str; 4] = ["min", "default", "shared", "prod"];

/// Checks everything. With [`Mode::Write`] writes what is generated from the chart first: the README's table, the golden
/// renders, the variables, and what is new among the fields that must not change.
pub fn run(mode: Mode) -> Result<()> {
    let started = Instant::now();
    let tools = ChartTools::ready()?;
    let helm = Helm::new(&tools)?;
    let mut steps = Steps::default();

    steps.take("helm lint --strict", || {
        VALUES.iter().try_for_each(|values| helm.lint(values))?;
        Ok(format!("{} values files", VALUES.len()))
    });
    let renderings: Vec<_> =
        VALUES.iter().map(|values| helm.render(values, KUBERNETES[0])).collect::<Result<_>>()?;
    let newest: Vec<_> =
        VALUES.iter().map(|values| helm.render(values, KUBERNETES[1])).collect::<Result<_>>()?;
    let [_, default, _, prod] = &renderings[..] else { bail!("four values files are rendered") };

    steps.take("values and their README", || readme::check(mode));
    steps.take("golden renders", || golden::check(&renderings, mode));
    steps.take("fields that cannot change", || immutable::check(&renderings, mode));
    steps.take("variables for the binary", || environment::check(&renderings, mode));
    for (version, renderings) in KUBERNETES.iter().zip([&renderings, &newest]) {
        steps.take(&format!("schemas of Kubernetes {version}"), || {
            schemas::check(&tools, version, renderings)
        });
    }
    steps.take("kinds without a schema", || each(&renderings, custom_kinds::check));
    steps.take("pods", || each(&renderings, pods::check));
    steps.take("checkov", || policy::check(&tools, &renderings));
    steps.take("call graph", || call_graph::check(&helm, &[default, prod]));
    steps.take("identities", || identities::check(&helm, &renderings));
    steps.take("alerts and dashboards", || monitoring::check(&helm, prod));
    steps.take("a new service", || new_service::check(&helm));
    steps.take("bad values are refused", || refused::check(&helm));

    println!(
        "{:.1} s; rendered, schema-valid, policy-checked; never applied to a cluster",
        started.elapsed().as_secs_f64()
    );
    match steps.failed {
        0 => Ok(()),
        failed => bail!("{failed} of {} steps failed", steps.taken),
    }
}

/// What was done so far.
#[derive(Default)]
struct Steps {
    taken: usize,
    failed: usize,
}

impl Steps {
    /// Does `work` and prints how it went, whatever went before; what it answers says how much was looked at.
    fn take(&mut self, title: &str, work: impl FnOnce() -> Result<String>) {
        self.taken += 1;
        match work() {
            Ok(seen) => println!("passed   {title:<28} {seen}"),
            Err(error) => {
                self.failed += 1;
                println!("FAILED   {title:<28} {error:#}");
            }
        }
    }
}

/// Applies `check` to every rendering and adds up what it counted.
fn each(renderings: &[Rendering], check: impl Fn(&Rendering) -> Result<Seen>) -> Result<String> {
    let mut sum = Seen::default();
    for rendering in renderings {
        let seen = check(rendering).with_context(|| format!("{}-values.yaml", rendering.values))?;
        sum.count += seen.count;
        sum.what = seen.what;
    }
    Ok(format!("{} {}", sum.count, sum.what))
}

/// How much was looked at.
#[derive(Default)]
struct Seen {
    count: usize,
    what: &'static str,
}

/// The chart's folder.
fn folder() -> PathBuf {
    workspace::root().join("charts/korob")
}

/// Fails with all `problems` at once.
fn nothing_wrong(problems: &[String]) -> Result<()> {
    match problems.len() {
        0 => Ok(()),
        count => bail!("{count} problem(s):\n  - {}", problems.join("\n  - ")),
    }
}
