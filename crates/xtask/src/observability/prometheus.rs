//! A Prometheus that watches one process, with the alerts loaded.

use std::{
    collections::BTreeSet,
    env, fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_PERIOD: Duration = Duration::from_millis(250);
/// What must have grown from one look of Prometheus to a later one, so that there is a rate of it: orders from the request to
/// whoever hears of them, and what services read of their databases every 15 seconds.
const TRAFFIC: [&str; 6] = [
    "korob_http_request_duration_seconds_count{method=\"POST\",route=\"/v1/orders\"}",
    "korob_rpc_duration_seconds_count{operation=\"inventory.reserve_stock\"}",
    "korob_saga_duration_seconds_count{saga=\"place_order\"}",
    "korob_events_lag_seconds_count",
    "korob_events_told_total{type=\"OrderPlaced\"}",
    "korob_database_transactions_total",
];

/// Ends with this value.
pub struct Prometheus {
    child: Child,
    folder: PathBuf,
    url: String,
}

/// An alert as Prometheus has read it.
pub struct Alert {
    pub name: String,
    pub expression: String,
    pub severity: String,
    pub summary: String,
    pub description: String,
    pub runbook: String,
}

impl Prometheus {
    /// Starts one that asks `target`, an address, every second.
    pub fn watching(target: &str, rules: &[PathBuf]) -> Result<Self> {
        let folder = env::temp_dir().join(format!("korob-prometheus-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let rules: Vec<_> = rules.iter().map(|file| format!("  - {}", file.display())).collect();
        let text = format!(
            "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files:\n{}\nscrape_configs:\n  \
             - job_name: korob\n    static_configs:\n      - targets: ['{target}']\n        labels: {{ namespace: shop }}\n",
            rules.join("\n")
        );
        let config = folder.join("prometheus.yaml");
        fs::write(&config, text)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let log = fs::File::create(folder.join("log"))?;
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            // Without this feature it asks for no exemplars and keeps none.
            .arg("--enable-feature=exemplar-storage")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("start prometheus")?;
        Ok(Self { child, folder, url: format!("http://127.0.0.1:{port}") })
    }

    /// Has something done until all of it was seen twice, with more the second time. A day that is over before the first look
    /// leaves no rate behind, so waiting alone would not help.
    #[expect(clippy::disallowed_methods, reason = "the chore has nothing else to do")]
    pub fn watch(&self, mut more: impl FnMut() -> Result<()>) -> Result<()> {
        let begun = Instant::now();
        let unseen =
            |name: &&str| !self.query(&format!("increase({name}[5m]) > 0")).is_ok_and(|found| found > 0);
        loop {
            let missing: Vec<_> = TRAFFIC.iter().copied().filter(unseen).collect();
            if missing.is_empty() {
                return Ok(());
            }
            let patient = begun.elapsed() < PATIENCE;
            ensure!(
                patient,
                "Prometheus has not seen these grow: {}; see {}",
                missing.join(", "),
                self.folder.display()
            );
            more()?;
            thread::sleep(LOOK_PERIOD);
        }
    }

    /// How many series answer an expression; an error is what Prometheus says to it.
    pub fn query(&self, expression: &str) -> Result<usize> {
        let answer = self.get("query", &[("query", expression)])?;
        let result = &answer["data"]["result"];
        // 0/0 says nothing.
        let says = |series: &&Value| series["value"][1] != "NaN";
        Ok(result.as_array().map_or(0, |series| series.iter().filter(says).count()))
    }

    /// The names of all metrics: histograms by the names of their families.
    pub fn metrics(&self) -> Result<BTreeSet<String>> {
        let answer = self.get("label/__name__/values", &[])?;
        Ok(texts(&answer["data"]).collect())
    }

    /// What the alerts say, as it was read.
    pub fn alerts(&self) -> Result<Vec<Alert>> {
        let answer = self.get("rules", &[("type", "alert")])?;
        let groups = answer["data"]["groups"].as_array().cloned().unwrap_or_default();
        let rules = groups.iter().flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(rules
            .map(|rule| Alert {
                name: text(&rule["name"]),
                expression: text(&rule["query"]),
                severity: text(&rule["labels"]["severity"]),
                summary: text(&rule["annotations"]["summary"]),
                description: text(&rule["annotations"]["description"]),
                runbook: text(&rule["annotations"]["runbook_url"]),
            })
            .collect())
    }

    fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let mut command = Command::new("curl");
        command.args(["--silent", "--get", "--max-time", "10", &format!("{}/api/v1/{path}", self.url)]);
        for (name, value) in parameters {
            command.args(["--data-urlencode", &format!("{name}={value}")]);
        }
        let output = command.output().context("curl is needed")?;
        ensure!(output.status.success(), "Prometheus does not answer");
        let answer: Value = serde_json::from_slice(&output.stdout).context("Prometheus answers no JSON")?;
        if answer["status"] != "success" {
            bail!("{}", answer["error"].as_str().unwrap_or("it is refused"));
        }
        Ok(answer)
    }
}

fn texts(list: &Value) -> impl Iterator<Item = String> {
    list.as_array().into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned))
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
