//! Orders over REST: two lines, 10,000 SKUs, cash on delivery, nine of ten buyers known, audit and events on.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use embedded_postgres::Postgres;
use http::StatusCode;
use serde_json::{Value, json};

use super::assortment::{self, BUYER, KNOWN_BUYERS, SKUS, phone, sku};
use super::floor::Floor;
use super::machine::{self, Spent};
use super::suite::Suite;
use crate::arguments::BenchOrders;
use crate::configuration::Configuration;
use crate::load::{self, Figures, Until};
use crate::rest::Client;
use crate::suite::Mode;

const WARM_UP: Duration = Duration::from_secs(4);
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

    let mode = if bench.processes { Mode::Processes } else { Mode::OneProcess };
    let mut suite = Suite::start(&postgres, directory, mode).await?;
    let measured = measure(&suite, &bench, &floor).await;
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

async fn measure(suite: &Suite, bench: &BenchOrders, floor: &Floor) -> anyhow::Result<Report> {
    assortment::bring_in(suite).await?;
    let orders = Arc::new(Orders::of(suite).await?);
    place(&orders, bench.clients, WARM_UP).await?;
    let floor_before = floor.measure(bench.clients, bench.seconds).await?;

    let server = machine::child_named(std::process::id(), "postgres").unwrap_or_default();
    let (suite_before, server_before) = (machine::spent(suite.process_id()), machine::spent(server));
    let figures = place(&orders, bench.clients, Duration::from_secs(bench.seconds)).await?;
    let (suite_after, server_after) = (machine::spent(suite.process_id()), machine::spent(server));

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

async fn place(orders: &Arc<Orders>, clients: usize, duration: Duration) -> anyhow::Result<Figures> {
    let orders = orders.clone();
    load::run(clients, Until::Elapsed(duration), move |_| {
        let orders = orders.clone();
        async move { orders.place_one().await }
    })
    .await
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

impl Orders {
    async fn of(suite: &Suite) -> anyhow::Result<Self> {
        let method = json!({ "deliveryMethod": {
            "shopId": suite.shop.shop_id, "kind": "DELIVERY_KIND_PICKUP", "name": "Pick-up", "cashOnDelivery": true,
            "tariffs": [{ "price": { "amount": "0", "currencyCode": "UAH" } }],
        } });
        let method = suite.rest.post("/v1/delivery-methods", "bench", &method).await?.ok()?;
        Ok(Self {
            rest: suite.rest.clone(),
            shop_id: suite.shop.shop_id.clone(),
            source_id: suite.shop.source_ids[0].clone(),
            delivery_method_id: method["deliveryMethodId"].as_str().unwrap_or_default().to_owned(),
            next: AtomicU64::new(0),
            run: uuid::Uuid::new_v4().simple().to_string(),
        })
    }

    async fn place_one(&self) -> anyhow::Result<()> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        let (first, second) = (mixed % SKUS, (mixed / SKUS + 1 + mixed) % SKUS);
        // Nine of ten buyers come again.
        let buyer = if number % 10 == 9 { 1_000_000 + number } else { mixed % KNOWN_BUYERS };
        let order = json!({
            "shopId": self.shop_id,
            "sourceId": self.source_id,
            "externalId": format!("{}-{number}", self.run),
            "method": "ORDER_METHOD_CART",
            "contact": { "name": BUYER, "phone": phone(buyer) },
            "lines": [{ "sku": sku(first), "quantity": 1 }, { "sku": sku(second), "quantity": 2 }],
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
