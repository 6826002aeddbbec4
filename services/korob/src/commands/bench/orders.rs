//! Orders over REST: two lines, 10,000 SKUs, cash on delivery, nine of ten buyers known, audit and events on.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use embedded_postgres::Postgres;
use http::StatusCode;
use proto::access::v1::access_service_client::AccessServiceClient;
use proto::access::v1::{
    Channel, ChannelAccount, CreateApiKeyRequest, CreateChannelAccountRequest, CreateLegalEntityRequest,
    CreateShopRequest, LegalEntity, Shop, ShortagePolicy,
};
use proto::catalog::v1::ImportFeedSettings;
use proto::customers::v1::IdentifyCustomerRequest;
use proto::customers::v1::customer_service_client::CustomerServiceClient;
use rpc::{Call, Caller, Directory};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::floor::Floor;
use super::machine::{self, Spent};
use crate::arguments::BenchOrders;
use crate::commands::import::import_yml;
use crate::commands::{explain, keys, running_suite};
use crate::configuration::Configuration;
use crate::load::{self, Figures, Until};
use crate::rest::Client;
use crate::roles::SERVICES;

const SKUS: u64 = 10_000;
const UNITS_EACH: i64 = 1_000_000;
const KNOWN_CUSTOMERS: u64 = 5_000;
const PREPARING_CLIENTS: usize = 64;
const BUYER: &str = "Олена Коваленко";
const WARM_UP: Duration = Duration::from_secs(4);
const READY_PATIENCE: Duration = Duration::from_secs(60);
const CONNECTIONS_MAX: u32 = 250;

/// Measures floor, orders, floor, and prints the ratio.
pub async fn run(configuration: Configuration, bench: BenchOrders) -> anyhow::Result<ExitCode> {
    let directory = configuration.data_dir().with_file_name("korob-bench");
    if directory.exists() {
        std::fs::remove_dir_all(&directory).with_context(|| format!("empty {}", directory.display()))?;
    }
    let mut settings = embedded_postgres::Settings::at(directory.join("postgres"));
    settings.max_connections = CONNECTIONS_MAX;
    settings.bin_dir.clone_from(&configuration.postgres.bin_dir);
    let postgres = Postgres::start(settings).await?;
    let floor = Floor::prepare(
        postgres.ensure_database("bench").await?,
        configuration.postgres.bin_dir.as_deref(),
        &directory,
    )
    .await?;

    let mut suite = Bench::start(&postgres, directory, bench.processes).await?;
    let measured = suite.measure(&bench, &floor).await;
    suite.stop().await?;
    postgres.stop().await?;
    let report = measured?;
    print!("{}", report.table());
    if let Some(file) = &bench.json {
        std::fs::write(file, serde_json::to_string_pretty(&report.json())?)
            .with_context(|| format!("write {}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

struct Bench {
    child: Child,
    rest: Client,
    directory: Directory,
    data_dir: PathBuf,
}

impl Bench {
    async fn start(postgres: &Postgres, data_dir: PathBuf, processes: bool) -> anyhow::Result<Self> {
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
        if processes {
            command.arg("--processes");
        }
        let child = command.spawn().context("start the suite")?;
        let url = format!("http://{ops}/readyz");
        let ready = async {
            while !Client::new().is_ok(&url).await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(READY_PATIENCE, ready).await.context("the suite was not ready in time")?;
        let configuration = Configuration { data_dir: Some(data_dir.clone()), ..Configuration::default() };
        let directory = running_suite(&configuration)?;
        Ok(Self {
            child,
            rest: Client::with_key(format!("http://{gateway}"), String::new()),
            directory,
            data_dir,
        })
    }

    async fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(pid) = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        }
        self.child.wait().await?;
        Ok(())
    }

    async fn measure(&mut self, bench: &BenchOrders, floor: &Floor) -> anyhow::Result<Report> {
        let orders = Arc::new(self.prepare().await?);
        place(&orders, bench.clients, WARM_UP).await?;
        let floor_before = floor.measure(bench.clients, bench.seconds).await?;

        let suite = self.child.id().unwrap_or_default();
        let server = machine::child_named(std::process::id(), "postgres").unwrap_or_default();
        let (suite_before, server_before) = (machine::spent(suite), machine::spent(server));
        let figures = place(&orders, bench.clients, Duration::from_secs(bench.seconds)).await?;
        let (suite_after, server_after) = (machine::spent(suite), machine::spent(server));

        let floor_after = floor.measure(bench.clients, bench.seconds).await?;
        let count = figures.latency_us.len();
        Ok(Report {
            clients: bench.clients,
            figures,
            floor_per_second: f64::midpoint(floor_before, floor_after),
            suite_cpu_us: suite_after.cpu_us_each(suite_before, count),
            server_cpu_us: server_after.cpu_us_each(server_before, count),
            suite: suite_after,
        })
    }

    /// A shop with 10,000 SKUs in stock, and buyers that are known.
    async fn prepare(&mut self) -> anyhow::Result<Orders> {
        let call = Call::begin(Caller::operator("bench"), Duration::from_secs(60));
        let mut access = AccessServiceClient::new(self.directory.channel("access").bind(&call));
        let entity = LegalEntity { name: "Bench".to_owned(), ..Default::default() };
        let request =
            CreateLegalEntityRequest { legal_entity: Some(entity), idempotency_key: "bench".to_owned() };
        let entity =
            access.create_legal_entity(request).await.map_err(|status| explain(&status))?.into_inner();
        let shop = Shop {
            legal_entity_id: entity.legal_entity_id,
            name: "Bench".to_owned(),
            time_zone: "Europe/Kyiv".to_owned(),
            locale: "uk-UA".to_owned(),
            currency_code: "UAH".to_owned(),
            shortage_policy: ShortagePolicy::Refuse.into(),
            country_code: "UA".to_owned(),
            ..Default::default()
        };
        let request = CreateShopRequest { shop: Some(shop), idempotency_key: "bench".to_owned() };
        let shop_id =
            access.create_shop(request).await.map_err(|status| explain(&status))?.into_inner().shop_id;
        let account = ChannelAccount {
            shop_id: shop_id.clone(),
            channel: Channel::Site.into(),
            name: "site".to_owned(),
            ..Default::default()
        };
        let request = CreateChannelAccountRequest {
            channel_account: Some(account),
            idempotency_key: "bench".to_owned(),
        };
        let source_id = access
            .create_channel_account(request)
            .await
            .map_err(|status| explain(&status))?
            .into_inner()
            .source_id;
        let request = CreateApiKeyRequest {
            name: "bench".to_owned(),
            shop_ids: vec![shop_id.clone()],
            scopes: keys::all_scopes(),
            rate_limit: 10_000,
            idempotency_key: "bench".to_owned(),
        };
        let secret =
            access.create_api_key(request).await.map_err(|status| explain(&status))?.into_inner().secret;
        self.rest = self.rest.clone().authorized(secret);

        let feed = self.data_dir.join("feed.xml");
        std::fs::write(&feed, feed_text())?;
        let settings = ImportFeedSettings { source_id: source_id.clone(), ..Default::default() };
        let imported = import_yml(&self.directory, &feed, settings).await?;
        anyhow::ensure!(
            imported.total.error_count == 0,
            "the feed was refused: {:?}",
            imported.errors.first()
        );
        self.receive().await?;
        self.identify(&shop_id).await?;
        let method = json!({ "deliveryMethod": {
            "shopId": shop_id, "kind": "DELIVERY_KIND_PICKUP", "name": "Pick-up", "cashOnDelivery": true,
            "tariffs": [{ "price": { "amount": "0", "currencyCode": "UAH" } }],
        } });
        let method = self.rest.post("/v1/delivery-methods", "bench", &method).await?.ok()?;
        let orders = Orders {
            rest: self.rest.clone(),
            shop_id,
            source_id,
            delivery_method_id: method["deliveryMethodId"].as_str().unwrap_or_default().to_owned(),
            next: AtomicU64::new(0),
            run: uuid::Uuid::new_v4().simple().to_string(),
        };
        Ok(orders)
    }

    /// Makes the cards of the buyers that are known.
    async fn identify(&self, shop_id: &str) -> anyhow::Result<()> {
        let (channel, shop_id) = (self.directory.channel("customers"), shop_id.to_owned());
        let identified = load::run(PREPARING_CLIENTS, Until::Count(KNOWN_CUSTOMERS), move |buyer| {
            let call = Call::begin(Caller::operator("bench"), Duration::from_secs(10));
            let mut customers = CustomerServiceClient::new(channel.bind(&call));
            let request = IdentifyCustomerRequest {
                shop_id: shop_id.clone(),
                name: BUYER.to_owned(),
                phone: phone(buyer),
                ..Default::default()
            };
            async move {
                customers.identify_customer(request).await.map_err(|status| explain(&status))?;
                Ok(())
            }
        });
        identified.await?;
        Ok(())
    }

    async fn receive(&self) -> anyhow::Result<()> {
        let warehouse = json!({ "warehouse": { "name": "Bench" } });
        let warehouse = self.rest.post("/v1/warehouses", "bench", &warehouse).await?.ok()?;
        for part in 0..SKUS / 1000 {
            let lines: Vec<Value> = (part * 1000..(part + 1) * 1000)
                .map(|at| json!({ "sku": format!("B{at:05}"), "quantity": UNITS_EACH.to_string() }))
                .collect();
            let receipt = json!({ "warehouseId": warehouse["warehouseId"], "lines": lines });
            self.rest.post("/v1/stock/receive", &format!("bench-{part}"), &receipt).await?.ok()?;
        }
        Ok(())
    }
}

fn phone(buyer: u64) -> String {
    format!("+38067{buyer:07}")
}

/// Writes the orders of the bench.
struct Orders {
    rest: Client,
    shop_id: String,
    source_id: String,
    delivery_method_id: String,
    next: AtomicU64,
    run: String,
}

async fn place(orders: &Arc<Orders>, clients: usize, duration: Duration) -> anyhow::Result<Figures> {
    let orders = orders.clone();
    load::run(clients, Until::Elapsed(duration), move |_| {
        let orders = orders.clone();
        async move { orders.place_one().await }
    })
    .await
}

impl Orders {
    async fn place_one(&self) -> anyhow::Result<()> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        let (first, second) = (mixed % SKUS, (mixed / SKUS + 1 + mixed) % SKUS);
        // Nine of ten buyers come again.
        let buyer = if number % 10 == 9 { 1_000_000 + number } else { mixed % KNOWN_CUSTOMERS };
        let order = json!({
            "shopId": self.shop_id,
            "sourceId": self.source_id,
            "externalId": format!("{}-{number}", self.run),
            "method": "ORDER_METHOD_CART",
            "contact": { "name": BUYER, "phone": phone(buyer) },
            "lines": [{ "sku": format!("B{first:05}"), "quantity": 1 }, { "sku": format!("B{second:05}"), "quantity": 2 }],
            "delivery": { "deliveryMethodId": self.delivery_method_id, "address": { "countryCode": "UA", "city": "Київ" } },
            "paymentMethod": "cash_on_delivery",
        });
        let answer = self.rest.post("/v1/orders", &format!("{}-{number}", self.run), &order).await?;
        anyhow::ensure!(
            answer.status == StatusCode::CREATED,
            "an order was answered {}: {}",
            answer.status,
            answer.body
        );
        Ok(())
    }
}

fn feed_text() -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<yml_catalog date=\"2026-01-01 00:00\"><shop><name>Bench</name>\n\
         <currencies><currency id=\"UAH\" rate=\"1\"/></currencies>\n\
         <categories><category id=\"1\">Goods</category></categories>\n<offers>\n",
    );
    for at in 0..SKUS {
        let price = 100 + at % 900;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "<offer id=\"B{at:05}\" available=\"true\"><price>{price}</price><currencyId>UAH</currencyId>\
             <categoryId>1</categoryId><name>Item {at}</name><vendorCode>B{at:05}</vendorCode></offer>"
        );
    }
    text.push_str("</offers></shop></yml_catalog>\n");
    text
}

fn free_address() -> anyhow::Result<std::net::SocketAddr> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

struct Report {
    clients: usize,
    figures: Figures,
    floor_per_second: f64,
    suite_cpu_us: f64,
    server_cpu_us: f64,
    suite: Spent,
}

impl Report {
    fn ratio(&self) -> f64 {
        self.figures.per_second() / self.floor_per_second
    }

    fn table(&self) -> String {
        let figures = &self.figures;
        format!(
            "\n{}\norders over REST, closed loop\n\
             | clients | orders/s | floor tx/s | ratio | p50 ms | p99 ms | CPU µs/order ours | PostgreSQL | resident MiB |\n\
             |---|---|---|---|---|---|---|---|---|\n\
             | {} | {:.0} | {:.0} | {:.2} | {:.1} | {:.1} | {:.0} | {:.0} | {:.0} |\n",
            machine::describe(),
            self.clients,
            figures.per_second(),
            self.floor_per_second,
            self.ratio(),
            figures.percentile_ms(50.0),
            figures.percentile_ms(99.0),
            self.suite_cpu_us,
            self.server_cpu_us,
            self.suite.resident_mib,
        )
    }

    fn json(&self) -> Value {
        json!([{
            "name": "orders", "clients": self.clients, "per_second": self.figures.per_second(),
            "floor_per_second": self.floor_per_second, "ratio": self.ratio(),
            "p50_ms": self.figures.percentile_ms(50.0), "p99_ms": self.figures.percentile_ms(99.0),
            "suite_cpu_us_per_order": self.suite_cpu_us, "postgres_cpu_us_per_order": self.server_cpu_us,
            "suite_resident_mib": self.suite.resident_mib, "machine": machine::describe(), "version": env!("CARGO_PKG_VERSION"),
        }])
    }
}
