//! Tries generated requests on every route of a suite that runs, and compares the answers with the published description.
//!
//! Schemathesis is a Python program: it is installed into a folder of its own below the target directory. It takes minutes,
//! and more with more examples, so it is no part of `cargo xtask test`, which has `tests/hostile`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{prerequisites, shell, workspace::target};

/// The version whose findings are known.
const PACKAGE: &str = "schemathesis==4.32.5";
/// What an answer must keep. Left out: `Allow` may name methods of a path with a variable that fits as well, and whether
/// a request was right to be taken is told by tests that know what it means.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,unsupported_method";
const READY_PATIENCE: Duration = Duration::from_secs(120);
const LOOK_PERIOD: Duration = Duration::from_millis(250);
/// What anybody may need who tries everything.
const RATE_LIMIT: &str = "10000";

/// Starts a suite of its own, tries `examples` requests for each route, for `minutes` at most, and stops it.
pub fn run(examples: u32, minutes: u32, seed: u32) -> Result<()> {
    prerequisites::ensure_postgres()?;
    let directory = target().join("schemathesis");
    fs::create_dir_all(&directory).with_context(|| format!("make {}", directory.display()))?;
    let program = installed(&directory)?;
    shell::run(&mut shell::cargo(&["build", "--package", "korob"]))?;

    let suite = Suite::start(&directory)?;
    let key = suite.key_of_a_shop()?;
    let description = directory.join("openapi.json");
    fs::write(&description, readable(&suite.get("/openapi.json")?)?)?;
    let mut command = Command::new(program);
    command.current_dir(&directory).arg("run").arg(&description);
    command.args(["--url", &suite.url, "--header", &format!("Authorization: Bearer {key}")]);
    command.args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--continue-on-failure"]);
    command.args(["--max-examples", &examples.to_string(), "--max-time", &(minutes * 60).to_string()]);
    command.args(["--seed", &seed.to_string(), "--workers", "2", "--no-shrink", "--warnings", "off"]);
    let status = command.status().context("run schemathesis")?;
    ensure!(status.success(), "schemathesis found what the description does not say (seed {seed})");
    Ok(())
}

/// The program, installed if it is not.
fn installed(directory: &Path) -> Result<PathBuf> {
    let venv = directory.join("venv");
    let program = venv.join("bin/st");
    if !program.exists() {
        let venv_text = venv.display().to_string();
        shell::run(&mut shell::command("python3", &["-m", "venv", &venv_text]))
            .context("python3 with its module venv is needed")?;
        let pip = venv.join("bin/pip").display().to_string();
        shell::run(&mut shell::command(&pip, &["install", "--quiet", PACKAGE]))?;
    }
    Ok(program)
}

/// The description with `{shop_shopId}` for `{shop.shopId}`: schemathesis fills templates by Python's own rules.
fn readable(description: &str) -> Result<String> {
    let mut description: Value = serde_json::from_str(description).context("the description is no JSON")?;
    let paths = description["paths"].as_object().cloned().unwrap_or_default();
    let mut renamed = serde_json::Map::new();
    for (path, mut operations) in paths {
        for operation in operations.as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
            // Indexed, what is not there would become null, and the operation be skipped as ill-defined.
            let parameters =
                operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten();
            for parameter in parameters.filter(|parameter| parameter["in"] == "path") {
                parameter["name"] = json!(parameter["name"].as_str().unwrap_or_default().replace('.', "_"));
            }
        }
        // Only variables have dots, but for the ending of `/openapi.json`.
        let is_file = path == "/openapi.json";
        renamed.insert(if is_file { path } else { path.replace('.', "_") }, operations);
    }
    description["paths"] = Value::Object(renamed);
    Ok(description.to_string())
}

/// A suite that ends with this value.
struct Suite {
    child: Child,
    binary: PathBuf,
    config: PathBuf,
    data: PathBuf,
    url: String,
}

impl Suite {
    #[expect(clippy::disallowed_methods, reason = "the chore has nothing else to do")]
    fn start(directory: &Path) -> Result<Self> {
        let data = env::temp_dir().join(format!("korob-schemathesis-{}", std::process::id()));
        let (gateway, ops) = (free_port()?, free_port()?);
        let config = directory.join("korob.toml");
        let text = format!(
            "data_dir = {data:?}\n[gateway]\nlisten = \"127.0.0.1:{gateway}\"\n[ops]\nlisten = \"127.0.0.1:{ops}\"\n"
        );
        fs::write(&config, text)?;
        let log = fs::File::create(directory.join("log"))?;
        let binary = target().join("debug/korob");
        let mut command = Command::new(&binary);
        command.arg("--config").arg(&config).arg("up").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().with_context(|| format!("start {}", binary.display()))?;
        let suite = Self { child, binary, config, data, url: format!("http://127.0.0.1:{gateway}") };
        let started = Instant::now();
        while suite.get("/readyz").is_err() {
            ensure!(started.elapsed() < READY_PATIENCE, "the suite was not ready in time");
            thread::sleep(LOOK_PERIOD);
        }
        Ok(suite)
    }

    /// A shop, and a key that may do everything in it.
    fn key_of_a_shop(&self) -> Result<String> {
        let setup = self.key(&[])?;
        let entity =
            self.post(&setup, "/v1/legal-entities", &json!({ "legalEntity": { "name": "Example" } }))?;
        let shop = json!({ "shop": {
            "legalEntityId": entity["legalEntityId"], "name": "Example", "timeZone": "Europe/Kyiv", "locale": "uk-UA",
            "currencyCode": "UAH", "countryCode": "UA",
        } });
        let shop = self.post(&setup, "/v1/shops", &shop)?;
        let shop_id = shop["shopId"].as_str().context("the shop has no id")?;
        self.key(&["--shop", shop_id])
    }

    fn key(&self, more: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(&self.config).args(["keys", "create", "--name", "schemathesis"]);
        let secret = shell::output_of(command.args(["--rate-limit", RATE_LIMIT]).args(more))?;
        Ok(secret.trim().to_owned())
    }

    fn get(&self, path: &str) -> Result<String> {
        let mut command = shell::command("curl", &["--silent", "--fail", &format!("{}{path}", self.url)]);
        let output = command.output().context("curl is needed")?;
        ensure!(output.status.success(), "{path} is not answered");
        Ok(String::from_utf8(output.stdout)?)
    }

    fn post(&self, key: &str, path: &str, body: &Value) -> Result<Value> {
        let mut command = shell::command("curl", &["--silent", "--fail", &format!("{}{path}", self.url)]);
        command.args(["--header", &format!("Authorization: Bearer {key}")]);
        command.args([
            "--header",
            &format!("Idempotency-Key: setup-{path}"),
            "--header",
            "Content-Type: application/json",
        ]);
        let output = command.args(["--data", &body.to_string()]).output().context("curl is needed")?;
        if !output.status.success() {
            bail!("{path} is refused");
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

impl Drop for Suite {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        // It drains, and its PostgreSQL ends with it.
        let _ = Command::new("kill").arg(&pid).status();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}

/// Free when asked.
fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
