//! A suite that lives through the demonstration's day, stays, and takes orders afterwards.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::workspace;

/// Enough for something of everything.
const ORDERS: &str = "160";
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_PERIOD: Duration = Duration::from_millis(200);
/// What the demonstration says last.
const LAST_WORDS: &str = "The suite stays up";

/// Ends with this value.
pub struct Suite {
    child: Child,
    data: PathBuf,
    told: Arc<Mutex<String>>,
    /// Where its metrics are.
    pub operators: String,
}

/// What the demonstration leaves for whoever wants to order.
pub struct Customer {
    root: String,
    key: String,
    /// The body of an order as one that was placed before.
    order: String,
    placed: u32,
}

impl Suite {
    /// Begins the demonstration, and returns when its metrics can be read.
    pub fn start() -> Result<Self> {
        let data = env::temp_dir().join(format!("korob-observability-{}", std::process::id()));
        let mut command = Command::new(workspace::target().join("debug/korob"));
        command.arg("--data-dir").arg(&data).args(["demo", "--orders", ORDERS, "--port", "0"]);
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("start the demonstration")?;
        let told = Arc::new(Mutex::new(String::new()));
        if let Some(output) = child.stdout.take() {
            let told = told.clone();
            // Ends with the suite.
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                    told.push_str(&line);
                    told.push('\n');
                }
            });
        }
        let mut suite = Self { child, data, told, operators: String::new() };
        suite.operators = suite.wait_for(|told| {
            let address = told.split("http://").nth(1)?.split_once("/metrics")?.0;
            Some(address.to_owned())
        })?;
        Ok(suite)
    }

    /// Waits until everything has happened that happens by itself. Answers who may order afterwards.
    pub fn wait_for_the_end_of_the_day(&mut self) -> Result<Customer> {
        self.wait_for(|told| told.contains(LAST_WORDS).then_some(()))?;
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let word = |before: &str| Some(told.split(before).nth(1)?.split_whitespace().next()?.to_owned());
        let (root, key) = word("REST ").zip(word("key  ")).context("the demonstration told no address")?;
        let order_id = told.split("/v1/orders/ord_").nth(1).and_then(|rest| rest.split('/').next());
        let path = format!("/v1/orders/ord_{}", order_id.context("the demonstration told no order")?);
        let mut customer = Customer { root, key, order: String::new(), placed: 0 };
        let known = customer.ask(&path, &[])?;
        customer.order = json!({
            "sourceId": known["sourceId"], "method": "ORDER_METHOD_CART",
            "lines": [{ "sku": known["lines"][0]["sku"], "quantity": 1 }],
        })
        .to_string();
        Ok(customer)
    }

    #[expect(clippy::disallowed_methods, reason = "the chore has nothing else to do")]
    fn wait_for<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> Result<T> {
        let begun = Instant::now();
        loop {
            let told = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(found) = find(&told) {
                return Ok(found);
            }
            ensure!(self.child.try_wait()?.is_none(), "the demonstration ended:\n{told}");
            ensure!(begun.elapsed() < PATIENCE, "the demonstration did not end:\n{told}");
            thread::sleep(LOOK_PERIOD);
        }
    }
}

impl Customer {
    /// Places one more.
    pub fn order(&mut self) -> Result<()> {
        self.placed += 1;
        let (key, order) = (format!("Idempotency-Key: observed-{}", self.placed), self.order.clone());
        let answer = self.ask(
            "/v1/orders",
            &["--header", "Content-Type: application/json", "--header", &key, "--data", &order],
        )?;
        ensure!(answer["orderId"].is_string(), "no order was placed: {answer}");
        Ok(())
    }

    fn ask(&self, path: &str, more: &[&str]) -> Result<Value> {
        let mut command = Command::new("curl");
        command.args([
            "--silent",
            "--max-time",
            "20",
            "--header",
            &format!("Authorization: Bearer {}", self.key),
        ]);
        let output =
            command.args(more).arg(format!("{}{path}", self.root)).output().context("curl is needed")?;
        serde_json::from_slice(&output.stdout).context("the gateway answers no JSON")
    }
}

impl Drop for Suite {
    fn drop(&mut self) {
        // It drains, and its PostgreSQL ends with it.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}
