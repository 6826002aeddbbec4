//! Starts the binary over fresh databases, with one open shop.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use proto::access::v1::{Channel, Shop, ShortagePolicy};
use rpc::{CallerKeys, Directory, Identity, RemoteSettings, TlsSettings};
use rustix::process::Pid;
use serde_json::{Value, json};
use testing::Proxy;
use tokio::process::{Child, Command};
use tokio_postgres::{Client as Database, NoTls};
use uuid::Uuid;

use crate::new_shop::NewShop;
use crate::rest::Client;

/// Every service.
pub const SERVICES: [&str; 8] =
    ["access", "catalog", "customers", "delivery", "inventory", "orders", "payments", "webhooks"];
pub const SECRET: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const READY_PATIENCE: Duration = Duration::from_secs(90);

/// How the roles run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    OneProcess,
    Processes,
    /// The same with two processes of every role.
    Replicas,
    /// Every role a process of its own that the test starts, with a proxy on each edge.
    Apart,
}

/// What a suite is started with besides its defaults.
#[derive(Debug, Default)]
pub struct Setup {
    /// More configuration.
    pub more: String,
    /// Variables of its processes.
    pub environment: Vec<(&'static str, String)>,
    /// The administrator's URL of another PostgreSQL than the one that tests share.
    pub admin_url: Option<String>,
    /// Connections of each service to its database; 8 if nobody says.
    pub pool_size: Option<usize>,
    /// What its processes prove who they are by.
    pub tls: TlsSettings,
}

/// A running suite with one shop.
pub struct Suite {
    pub rest: Client,
    /// The secret of the key that `rest` holds.
    pub key: String,
    pub shop_id: String,
    pub source_id: String,
    pub delivery_method_id: String,
    pub warehouse_id: String,
    pub directory: Directory,
    mode: Mode,
    environment: Vec<(&'static str, String)>,
    /// The suite, its supervisor, or in [`Mode::Apart`] the gateway.
    child: Child,
    /// The services in [`Mode::Apart`].
    roles: BTreeMap<&'static str, Child>,
    role_ops: BTreeMap<&'static str, SocketAddr>,
    edges: BTreeMap<(&'static str, &'static str), Proxy>,
    config: PathBuf,
    gateway: SocketAddr,
    url: String,
    ops: SocketAddr,
    ports: BTreeMap<&'static str, SocketAddr>,
    urls: BTreeMap<&'static str, String>,
    admin_url: String,
    names: Vec<String>,
}

impl Suite {
    /// Starts everything and opens a shop.
    pub async fn start(mode: Mode) -> Self {
        Self::start_with(mode, "").await
    }

    /// The same with more configuration.
    pub async fn start_with(mode: Mode, more: &str) -> Self {
        Self::start_as(mode, Setup { more: more.to_owned(), ..Setup::default() }).await
    }

    /// The same with all that can be chosen.
    pub async fn start_as(mode: Mode, setup: Setup) -> Self {
        let Setup { more, environment, admin_url, pool_size, tls } = setup;
        let pool_size = pool_size.unwrap_or(8);
        let admin_url = match admin_url {
            Some(url) => url,
            None => testing::admin_url().await,
        };
        let run = Uuid::new_v4().simple().to_string();
        let (mut urls, mut names) = (BTreeMap::new(), Vec::new());
        let admin = connect(&admin_url).await;
        for service in SERVICES {
            let name = format!("s_{}_{service}", &run[..12]);
            admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
            let (server, _) = admin_url.rsplit_once('/').unwrap();
            urls.insert(service, format!("{server}/{name}"));
            names.push(name);
        }
        let data_dir = std::env::temp_dir().join(format!("korob-scenario-{run}"));
        std::fs::create_dir_all(&data_dir).unwrap();
        let (gateway, ops) = (free_address(), free_address());
        let mut text = format!("data_dir = {data_dir:?}\nsecret = \"{SECRET}\"\n{more}\n");
        if let Some(dir) = &tls.dir {
            writeln!(text, "[tls]\ndir = {dir:?}").unwrap();
        }
        writeln!(text, "[gateway]\nlisten = \"{gateway}\"\n[ops]\nlisten = \"{ops}\"").unwrap();
        let (mut addresses, mut ports) = (Vec::new(), BTreeMap::new());
        for (service, url) in &urls {
            let address = free_address();
            writeln!(
                text,
                "[services.{service}]\nlisten = \"{address}\"\ndatabase_url = \"{url}\"\npool_size = {pool_size}"
            )
            .unwrap();
            let scheme = if tls.dir.is_some() { "https" } else { "http" };
            addresses.push((*service, format!("{scheme}://{address}")));
            ports.insert(*service, address);
        }
        let config = data_dir.join("korob.toml");
        std::fs::write(&config, text).unwrap();
        let (mut roles, mut role_ops, mut edges) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        if mode == Mode::Apart {
            edges = edges_between(&ports, &urls).await;
            for role in SERVICES.into_iter().chain(["gateway"]) {
                let role_address = if role == "gateway" { ops } else { free_address() };
                role_ops.insert(role, role_address);
                let mut text = format!("data_dir = {data_dir:?}\nsecret = \"{SECRET}\"\n{more}\n");
                writeln!(text, "[gateway]\nlisten = \"{gateway}\"\n[ops]\nlisten = \"{role_address}\"")
                    .unwrap();
                for (service, listen) in &ports {
                    let address = edges[&(role, *service)].address();
                    writeln!(
                        text,
                        "[services.{service}]\nlisten = \"{listen}\"\naddress = \"http://{address}\""
                    )
                    .unwrap();
                    if role == *service {
                        let through = edges[&(role, "postgres")].address();
                        let url = url_through(&urls[service], through);
                        writeln!(text, "database_url = \"{url}\"\npool_size = {pool_size}").unwrap();
                    }
                }
                std::fs::write(config.with_file_name(format!("{role}.toml")), text).unwrap();
                if role != "gateway" {
                    roles.insert(role, spawn_role(&config, role, &environment));
                }
            }
        }
        let child = spawn(&config, mode, &environment);
        let keys = CallerKeys::new(SECRET.as_bytes());
        let pairs = addresses.iter().map(|(name, address)| (*name, address.as_str()));
        let identity = Identity::load(&tls, rpc::identity::OPERATOR).unwrap();
        let settings = RemoteSettings { identity, ..RemoteSettings::default() };
        let directory = Directory::remote(pairs, keys, settings).unwrap();
        let rest = Client::with_key(format!("http://{gateway}"), String::new());
        let mut suite = Self {
            rest,
            key: String::new(),
            shop_id: String::new(),
            source_id: String::new(),
            delivery_method_id: String::new(),
            warehouse_id: String::new(),
            directory,
            mode,
            environment,
            child,
            roles,
            role_ops,
            edges,
            config,
            gateway,
            url: format!("http://{gateway}"),
            ops,
            ports,
            urls,
            admin_url,
            names,
        };
        suite.wait_until_ready().await;
        suite.open_shop().await;
        suite
    }

    /// Where the gateway listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The gRPC port of a service that runs as a process of its own.
    pub fn port(&self, service: &str) -> SocketAddr {
        self.ports[service]
    }

    /// Every process of the suite.
    pub fn pids(&self) -> Vec<u32> {
        let roles = children(self.pid()).into_iter().map(|pid| pid.as_raw_nonzero().get().cast_unsigned());
        std::iter::once(self.pid()).chain(roles).collect()
    }

    /// What its processes have logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.config.with_file_name("log")).unwrap()
    }

    /// The binary that is tested: that of this build, or one that `KOROB_TEST_BINARY` names, such as a release.
    pub fn binary() -> &'static str {
        static BINARY: LazyLock<String> = LazyLock::new(|| {
            std::env::var("KOROB_TEST_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_korob").to_owned())
        });
        &BINARY
    }

    /// A command over the suite, such as `korob check`, to its end.
    pub fn korob(&self, arguments: &[&str]) -> Output {
        let mut command = std::process::Command::new(Self::binary());
        command.arg("--config").arg(self.configuration()).args(arguments);
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// The process that was started.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// The file that configures this suite.
    pub fn configuration(&self) -> &std::path::Path {
        &self.config
    }

    /// Runs a command of the binary against this suite and answers what it printed.
    pub fn command(&self, arguments: &[String]) -> String {
        let mut command = std::process::Command::new(Self::binary());
        let output = command.arg("--config").arg(&self.config).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// `kill -9` of everything but PostgreSQL.
    pub async fn kill(&mut self) {
        let roles = children(self.child.id().unwrap());
        self.child.start_kill().unwrap();
        for role in roles {
            // One may have ended already, with its supervisor.
            let _ = rustix::process::kill_process(role, rustix::process::Signal::KILL);
        }
        self.child.wait().await.unwrap();
    }

    /// Starts the binary again over the same databases.
    pub async fn start_again(&mut self) {
        self.spawn_again();
        self.wait_until_ready().await;
    }

    /// The same without waiting for it.
    pub fn spawn_again(&mut self) {
        self.child = spawn(&self.config, self.mode, &self.environment);
    }

    /// Waits for the process that was started to end by itself.
    pub async fn ended(&mut self) {
        self.child.wait().await.unwrap();
    }

    /// Whether the process that was started runs still.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// The proxy between a role and a service, or its database, which is called `postgres`; in [`Mode::Apart`].
    pub fn edge(&self, from: &'static str, to: &'static str) -> &Proxy {
        &self.edges[&(from, to)]
    }

    /// Where a role's probes are; in [`Mode::Apart`].
    pub fn ops_of(&self, role: &str) -> SocketAddr {
        self.role_ops[role]
    }

    /// Where the probes of the suite are.
    pub fn ops(&self) -> SocketAddr {
        self.ops
    }

    /// `kill -9` of one service; in [`Mode::Apart`].
    pub async fn kill_role(&mut self, role: &str) {
        let child = self.roles.get_mut(role).unwrap();
        child.kill().await.unwrap();
    }

    /// Asks one role to drain; in [`Mode::Apart`].
    pub fn ask_to_stop(&mut self, role: &str) {
        let pid = Pid::from_raw(self.role(role).id().unwrap().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits for a role to end by itself; whether it says that all went well. In [`Mode::Apart`].
    pub async fn role_ended(&mut self, role: &str) -> bool {
        self.role(role).wait().await.unwrap().success()
    }

    /// Starts one role; in [`Mode::Apart`].
    pub fn start_role(&mut self, role: &'static str) {
        let child = spawn_role(&self.config, role, &self.environment);
        match role {
            "gateway" => self.child = child,
            service => _ = self.roles.insert(service, child),
        }
    }

    /// Whether a role's process runs; in [`Mode::Apart`].
    pub fn role_runs(&mut self, role: &str) -> bool {
        self.role(role).try_wait().unwrap().is_none()
    }

    fn role(&mut self, role: &str) -> &mut Child {
        match role {
            "gateway" => &mut self.child,
            service => self.roles.get_mut(service).unwrap(),
        }
    }

    /// A connection past the services, to look.
    pub async fn database(&self, service: &str) -> Database {
        connect(&self.urls[service]).await
    }

    /// Where a service's database is.
    pub fn database_url(&self, service: &str) -> &str {
        &self.urls[service]
    }

    /// One number from a service's database.
    pub async fn number(&self, service: &str, sql: &str) -> i64 {
        self.database(service).await.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// A product with `units` in stock; answers its SKU.
    pub async fn stock(&self, sku: &str, units: i64) {
        let product = json!({ "product": {
            "kind": "PRODUCT_KIND_GOODS", "name": format!("Item {sku}"),
            "variants": [{ "sku": sku, "priceQuantity": 1, "weightGrams": 100 }],
        } });
        self.rest.post("/v1/products", &format!("product-{sku}"), &product).await.unwrap().ok().unwrap();
        let lists = self.rest.get("/v1/price-lists").await.unwrap().ok().unwrap();
        let list = match lists["priceLists"].as_array().and_then(|lists| lists.first()) {
            Some(list) => list["priceListId"].as_str().unwrap().to_owned(),
            None => {
                let list = json!({ "priceList": { "name": "Retail", "currencyCode": "UAH" } });
                let made = self.rest.post("/v1/price-lists", "retail", &list).await.unwrap().ok().unwrap();
                made["priceListId"].as_str().unwrap().to_owned()
            }
        };
        let prices =
            json!({ "prices": [{ "sku": sku, "amount": { "amount": "100.00", "currencyCode": "UAH" } }] });
        let path = format!("/v1/price-lists/{list}/prices");
        self.rest.post(&path, &format!("price-{sku}"), &prices).await.unwrap().ok().unwrap();
        if units > 0 {
            let receipt = json!({ "warehouseId": self.warehouse_id, "lines": [{ "sku": sku, "quantity": units.to_string() }] });
            self.rest
                .post("/v1/stock/receive", &format!("receipt-{sku}"), &receipt)
                .await
                .unwrap()
                .ok()
                .unwrap();
        }
    }

    /// An order of one unit of `sku` by buyer number `buyer`.
    pub fn order(&self, sku: &str, buyer: u64) -> Value {
        json!({
            "shopId": self.shop_id, "sourceId": self.source_id, "method": "ORDER_METHOD_CART",
            "contact": { "name": "Олена Коваленко", "phone": format!("+38067{:07}", 1_000_000 + buyer) },
            "lines": [{ "sku": sku, "quantity": 1 }],
            "delivery": { "deliveryMethodId": self.delivery_method_id, "address": { "countryCode": "UA", "city": "Київ", "line": "Хрещатик, 1" } },
            "paymentMethod": "cash_on_delivery",
        })
    }

    /// Waits until the suite takes orders.
    pub async fn wait_until_ready(&mut self) {
        let url = format!("http://{}/readyz", self.ops);
        let gateway = format!("http://{}/readyz", self.gateway);
        let client = Client::new();
        let started = std::time::Instant::now();
        while !(client.is_ok(&url).await && client.is_ok(&gateway).await) {
            assert!(self.child.try_wait().unwrap().is_none(), "the suite has ended");
            assert!(started.elapsed() < READY_PATIENCE, "the suite was not ready in time");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn open_shop(&mut self) {
        let shop = Shop {
            name: "Scenario".to_owned(),
            time_zone: "Europe/Kyiv".to_owned(),
            locale: "uk-UA".to_owned(),
            currency_code: "UAH".to_owned(),
            shortage_policy: ShortagePolicy::Refuse.into(),
            country_code: "UA".to_owned(),
            ..Default::default()
        };
        // A shop site: it may not say what things cost.
        let scopes = rpc::known_scopes().iter().filter(|scope| **scope != "orders.price");
        let new_shop = NewShop {
            by: "scenario",
            legal_entity: "Scenario",
            shop,
            sources: &[("site", Channel::Site)],
            scopes: scopes.map(|scope| (*scope).to_owned()).collect(),
        };
        let opened = new_shop.open(&self.directory).await.unwrap();
        (self.shop_id, self.source_id) = (opened.shop_id, opened.source_ids[0].clone());
        self.key = opened.key.clone();
        self.rest = self.rest.clone().authorized(opened.key);

        let warehouse = json!({ "warehouse": { "name": "Main" } });
        let warehouse = self.rest.post("/v1/warehouses", "main", &warehouse).await.unwrap().ok().unwrap();
        self.warehouse_id = warehouse["warehouseId"].as_str().unwrap().to_owned();
        let method = json!({ "deliveryMethod": {
            "shopId": self.shop_id, "kind": "DELIVERY_KIND_COURIER", "name": "Courier", "cashOnDelivery": true,
            "tariffs": [{ "price": { "amount": "50.00", "currencyCode": "UAH" } }],
        } });
        let method = self.rest.post("/v1/delivery-methods", "courier", &method).await.unwrap().ok().unwrap();
        self.delivery_method_id = method["deliveryMethodId"].as_str().unwrap().to_owned();
    }

    /// Asks the suite to drain, then drops its databases.
    pub async fn stop(mut self) {
        let pid = Pid::from_raw(self.child.id().unwrap().cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(30), self.child.wait()).await;
        assert!(ended.expect("drains in time").unwrap().success(), "ends with status 0");
        for (role, child) in &mut self.roles {
            let pid = Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
            let ended = tokio::time::timeout(Duration::from_secs(30), child.wait()).await;
            assert!(ended.expect("drains in time").unwrap().success(), "{role} ends with status 0");
        }
        let admin = connect(&self.admin_url).await;
        for name in &self.names {
            admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
        }
        std::fs::remove_dir_all(self.config.parent().unwrap()).unwrap();
    }
}

fn spawn(config: &std::path::Path, mode: Mode, environment: &[(&'static str, String)]) -> Child {
    let arguments: &[&str] = match mode {
        Mode::OneProcess => &["up"],
        Mode::Processes => &["up", "--processes"],
        Mode::Replicas => &["up", "--processes", "--replicas", "2"],
        Mode::Apart => return spawn_role(config, "gateway", environment),
    };
    spawn_with(config, config, arguments, environment)
}

fn spawn_role(config: &std::path::Path, role: &str, environment: &[(&'static str, String)]) -> Child {
    spawn_with(config, &config.with_file_name(format!("{role}.toml")), &["serve", role], environment)
}

fn spawn_with(
    config: &std::path::Path,
    own: &std::path::Path,
    arguments: &[&str],
    environment: &[(&'static str, String)],
) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(config.with_file_name("log")).unwrap();
    let mut command = Command::new(Suite::binary());
    command.arg("--config").arg(own).args(arguments).envs(environment.iter().cloned());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true).spawn().unwrap()
}

/// A proxy from every role to every service, and from every service to its database.
async fn edges_between(
    ports: &BTreeMap<&'static str, SocketAddr>,
    urls: &BTreeMap<&'static str, String>,
) -> BTreeMap<(&'static str, &'static str), Proxy> {
    let mut edges = BTreeMap::new();
    for (service, port) in ports {
        for role in SERVICES.into_iter().chain(["gateway"]) {
            edges.insert((role, *service), Proxy::to(*port).await);
        }
        edges.insert((*service, "postgres"), Proxy::to(server_of(&urls[service])).await);
    }
    edges
}

/// The address in a database's URL.
pub fn server_of(url: &str) -> SocketAddr {
    let (_, rest) = url.split_once('@').unwrap();
    let (server, _) = rest.split_once('/').unwrap();
    server.parse().unwrap()
}

/// The URL of the same database by way of `through`.
pub fn url_through(url: &str, through: SocketAddr) -> String {
    url.replacen(&format!("@{}/", server_of(url)), &format!("@{through}/"), 1)
}

async fn connect(url: &str) -> Database {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A port of this test process alone: below those the kernel hands out, so that a suite that was killed finds its ports
/// free again, whatever other suites run meanwhile.
fn free_address() -> SocketAddr {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 1_000).unwrap() * 20;
    loop {
        let address = SocketAddr::from(([127, 0, 0, 1], first + TAKEN.fetch_add(1, Ordering::Relaxed)));
        if std::net::TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// The processes that `parent` has started.
fn children(parent: u32) -> Vec<Pid> {
    let entries =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_child = |pid: &String| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned()).unwrap_or_default();
        after_name.split(' ').nth(1) == Some(&parent.to_string())
    };
    entries.filter(is_child).filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}
