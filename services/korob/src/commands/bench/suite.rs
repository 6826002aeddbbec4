//! The suite under measurement: the same binary as processes of their own, over databases beside the floor's.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use embedded_postgres::Postgres;
use proto::access::v1::{Channel, Shop, ShortagePolicy};
use rpc::Directory;
use tokio::process::{Child, Command};

use crate::commands::{explain, keys, running_suite};
use crate::configuration::Configuration;
use crate::new_shop::{NewShop, OpenedShop};
use crate::rest::Client;
use crate::roles::SERVICES;
use crate::suite::Mode;

const READY_PATIENCE: Duration = Duration::from_secs(60);
const READY_POLL_PERIOD: Duration = Duration::from_millis(50);

/// A running suite with one open shop.
pub struct Suite {
    /// The gateway, with the shop's key.
    pub rest: Client,
    /// Calls the services.
    pub directory: Directory,
    /// Where it keeps its files.
    pub data_dir: PathBuf,
    /// The shop.
    pub shop: OpenedShop,
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
        for name in SERVICES {
            let url = postgres.ensure_database(name).await?;
            writeln!(text, "[services.{name}]\ndatabase_url = \"{url}\"")?;
        }
        let file = data_dir.join("bench.toml");
        std::fs::write(&file, text)?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("--config")
            .arg(&file)
            .arg("up")
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(data_dir.join("suite.log"))?)
            .process_group(0)
            .kill_on_drop(true);
        if mode == Mode::Processes {
            command.arg("--processes");
        }
        let child = command.spawn().context("start the suite")?;
        wait_until_ready(ops).await?;

        let configuration = Configuration { data_dir: Some(data_dir.clone()), ..Configuration::default() };
        let directory = running_suite(&configuration)?;
        let shop = new_shop().open(&directory).await.map_err(|status| explain(&status))?;
        let rest = Client::with_key(format!("http://{gateway}"), shop.key.clone());
        Ok(Self { rest, directory, data_dir, shop, child })
    }

    /// The process to account for; with separate processes, their supervisor.
    pub fn process_id(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// Lets it drain.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(pid) = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        }
        self.child.wait().await?;
        Ok(())
    }
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

async fn wait_until_ready(ops: SocketAddr) -> anyhow::Result<()> {
    let (client, url) = (Client::new(), format!("http://{ops}/readyz"));
    let ready = async {
        while !client.is_ok(&url).await {
            tokio::time::sleep(READY_POLL_PERIOD).await;
        }
    };
    tokio::time::timeout(READY_PATIENCE, ready).await.context("the suite was not ready in time")
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}
