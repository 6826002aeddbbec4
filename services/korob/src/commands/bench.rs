//! `korob bench`: what the suite does, and what it costs, on this machine; orders next to a frozen floor in the same run.
//!
//! A generator of ours asks over REST ([`generator`]); a [`bed`] holds PostgreSQL, floor and suite; each bench is a file that
//! answers rows of a [`report`].

mod assortment;
mod bed;
mod books;
mod floor;
mod generator;
mod machine;
mod measured;
mod order_writer;
mod pages;
mod report;
mod suite;

mod catalog_read;
mod events;
mod hot_sku;
mod idle;
mod import;
mod orders;
mod orders_list;
mod overload;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use self::bed::Bed;
use self::books::Books;
use self::report::{Report, Row};
use crate::arguments::{Bench, BenchName};
use crate::configuration::Configuration;

const SETTLED_PATIENCE: Duration = Duration::from_secs(60);
const SETTLED_PERIOD: Duration = Duration::from_millis(100);

/// Measures and prints a table. Exit status 1 when anything happened that should not have.
pub async fn run(configuration: Configuration, wanted: Bench) -> anyhow::Result<ExitCode> {
    let mut bed = Bed::make(&configuration, wanted.clone()).await?;
    let version = bed.server.text("SELECT current_setting('server_version')").await?;
    let mut report = Report::new(&version);
    let measured = measure(&mut bed, &mut report).await;
    bed.clear().await?;
    // What was measured before something failed took its time, too.
    print!("{}", report.table());
    if let Some(file) = &wanted.json {
        std::fs::write(file, serde_json::to_string_pretty(&report.json()?)?)
            .with_context(|| format!("write {}", file.display()))?;
    }
    measured?;
    Ok(if report.is_flawless() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(bed: &mut Bed, report: &mut Report) -> anyhow::Result<()> {
    for name in bed.wanted.names() {
        eprintln!("{name} …");
        let rows = one(name, bed).await.with_context(|| format!("measure {name}"))?;
        report.rows.extend(rows);
    }
    Ok(())
}

async fn one(name: BenchName, bed: &mut Bed) -> anyhow::Result<Vec<Row>> {
    match name {
        BenchName::Idle => idle::run(bed).await,
        BenchName::Orders => orders::run(bed).await,
        BenchName::HotSku => hot_sku::run(bed).await,
        BenchName::CatalogRead => catalog_read::run(bed).await,
        BenchName::OrdersList => orders_list::run(bed).await,
        BenchName::Events => events::run(bed).await,
        BenchName::Overload => overload::run(bed).await,
        BenchName::Import => import::run(bed).await,
    }
}

/// Waits until every order is decided.
async fn settled(orders: &Books) -> anyhow::Result<()> {
    let decided = async {
        while orders.number("SELECT count(*) FROM orders WHERE state = 'placing'", &[]).await? > 0 {
            tokio::time::sleep(SETTLED_PERIOD).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(SETTLED_PATIENCE, decided).await.context("orders stay undecided")?
}
