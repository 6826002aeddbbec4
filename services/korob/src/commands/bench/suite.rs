//! The suite under measurement: the same binary as processes of their own, over databases beside the floor's.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use embedded_postgres::Postgres;
use proto::access::v1::access_service_client::AccessServiceClient;
use proto::access::v1::{Channel, CreateApiKeyRequest, Shop, ShortagePolicy};
use rpc::{Call, Caller, Directory};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::generator::Target;
use super::machine;
use crate::commands::{explain, keys, running_suite};
use crate::configuration::Configuration;
use crate::new_shop::{NewShop, OpenedShop};
use crate::postgres::nearest;
use crate::rest::Client;
use crate::roles::SERVICES;
use crate::runtime_file;
use crate::suite::Mode;

const READY_PATIENCE: Duration = Duration::from_secs(60);
const READY_POLL_PERIOD: Duration = Duration::from_millis(50);
/// Each key has a rate of its own, and what is offered on purpose beyond what can be done must not end at it.
const KEYS: usize = 8;
const KEY_RATE_MAX: i32 = 10_000;

/// A running suite with one open shop.
pub struct Suite {
    /// The gateway, with the shop's key.
    pub rest: Client,
    /// The gateway for the load generator, with keys enough.
    pub target: Arc<Target>,
    /// Calls the services.
    pub directory: Directory,
    /// Where it keeps its files.
    pub data_dir: PathBuf,
    /// The shop.
    pub shop: OpenedShop,
    file: PathBuf,
    ops: SocketAddr,
    urls: BTreeMap<&'static str, String>,
    mode: Mode,
    child: Child,
}

impl Suite {
    /// Starts it over new databases of `postgres` and opens a shop.
    pub async fn start(postgres: &Postgres, data_dir: PathBuf, mode: Mode) -> anyhow::Result<Self> {
        let (gateway, ops) = (free_address()?, free_address()?);
        let mut text = format!(
            "data_dir = {:?}\n[gateway]\nlisten = \"{gateway}\"\n[ops]\nlisten = \"{ops}\"\n",
            data_dir.display().to_string()
        );
        let mut urls = BTreeMap::new();
        for name in SERVICES {
            let url = nearest(postgres, postgres.ensure_database(name).await?);
            writeln!(text, "[services.{name}]\ndatabase_url = \"{url}\"")?;
            urls.insert(name, url);
        }
        let file = data_dir.join("bench.toml");
        std::fs::write(&file, text)?;
        let child = spawn(&file, mode)?;
        let directory = wait_until_ready(&data_dir, ops).await?;

        let shop = new_shop().open(&directory).await.map_err(|status| explain(&status))?;
        let rest = Client::with_key(format!("http://{gateway}"), shop.key.clone());
        let target = Target::new(gateway, &more_keys(&directory, &shop).await?)?;
        Ok(Self { rest, target, directory, data_dir, shop, file, ops, urls, mode, child })
    }

    /// The process to account for; with separate processes, their supervisor.
    pub fn process_id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// How its roles run.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The database of a service.
    pub fn url(&self, service: &str) -> &str {
        self.urls.get(service).map_or("", String::as_str)
    }

    /// The file that configures it.
    pub fn configuration(&self) -> &Path {
        &self.file
    }

    /// `kill -9` of all its processes.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        for process in machine::with_descendants(self.process_id()) {
            if let Some(pid) = Pid::from_raw(process.cast_signed()) {
                // It may have ended with its supervisor.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        self.child.wait().await?;
        runtime_file::remove(&self.data_dir);
        Ok(())
    }

    /// Starts it again over the same databases.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.child = spawn(&self.file, self.mode)?;
        self.directory = wait_until_ready(&self.data_dir, self.ops).await?;
        Ok(())
    }

    /// Lets it drain.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(pid) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            kill_process(pid, Signal::TERM)?;
        }
        self.child.wait().await?;
        Ok(())
    }
}

fn spawn(file: &Path, mode: Mode) -> anyhow::Result<Child> {
    let log = File::options().create(true).append(true).open(file.with_file_name("suite.log"))?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("--config")
        .arg(file)
        .arg("up")
        .stdout(Stdio::null())
        .stderr(log)
        .process_group(0)
        .kill_on_drop(true);
    if mode == Mode::Processes {
        command.arg("--processes");
    }
    command.spawn().context("start the suite")
}

fn new_shop() -> NewShop<'static> {
    let shop = Shop {
        name: "Bench".to_owned(),
        time_zone: "Europe/Kyiv".to_owned(),
        locale: "uk-UA".to_owned(),
        currency_code: "UAH".to_owned(),
        shortage_policy: ShortagePolicy::Refuse.into(),
        country_code: "UA".to_owned(),
        ..Default::default()
    };
    NewShop {
        by: "bench",
        legal_entity: "Bench",
        shop,
        sources: &[("site", Channel::Site)],
        scopes: keys::all_scopes(),
    }
}

async fn more_keys(directory: &Directory, shop: &OpenedShop) -> anyhow::Result<Vec<String>> {
    let call = Call::begin(Caller::operator("bench"), READY_PATIENCE);
    let mut access = AccessServiceClient::new(directory.channel("access").bind(&call));
    let mut keys = Vec::new();
    for number in 0..KEYS {
        let request = CreateApiKeyRequest {
            name: format!("bench {number}"),
            shop_ids: vec![shop.shop_id.clone()],
            scopes: keys::all_scopes(),
            rate_limit: KEY_RATE_MAX,
            idempotency_key: format!("bench-{number}"),
        };
        let made = access.create_api_key(request).await.map_err(|status| explain(&status))?;
        keys.push(made.into_inner().secret);
    }
    Ok(keys)
}

/// The file of addresses comes last, so whoever sees it can call the services.
async fn wait_until_ready(data_dir: &Path, ops: SocketAddr) -> anyhow::Result<Directory> {
    let (client, url) = (Client::new(), format!("http://{ops}/readyz"));
    let ready = async {
        while !(client.is_ok(&url).await && runtime_file::path(data_dir).exists()) {
            tokio::time::sleep(READY_POLL_PERIOD).await;
        }
    };
    tokio::time::timeout(READY_PATIENCE, ready).await.context("the suite was not ready in time")?;
    running_suite(&Configuration { data_dir: Some(data_dir.to_owned()), ..Configuration::default() })
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}
