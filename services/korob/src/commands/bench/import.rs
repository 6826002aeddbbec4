//! Bringing a feed in: how fast, in how much memory, again without a change, and again after `kill -9` half-way.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::process::{Child, Command};

use super::bed::Bed;
use super::books::Books;
use super::machine;
use super::report::Row;

/// What a suite has in memory is read when it has settled.
const SETTLE: Duration = Duration::from_secs(3);
const LOOK_PERIOD: Duration = Duration::from_millis(20);
const DESCRIPTION_BYTES: usize = 200;

/// Whole, unchanged, killed, completed.
pub async fn run(bed: &mut Bed) -> anyhow::Result<Vec<Row>> {
    let offers = i64::try_from(bed.wanted.offers)?;
    // What was done before must not have warmed the heap.
    bed.suite.stop().await?;
    bed.suite.start_again().await?;
    tokio::time::sleep(bed.at_most(SETTLE)).await;
    let process = bed.suite.process_id();
    let idle_bytes = machine::resident_bytes(process);
    let catalog = bed.books("catalog").await?;
    let before = counts(&catalog).await?;

    let whole = feed(bed, "A")?;
    machine::forget_peak(process);
    let (started, cpu) = (Instant::now(), machine::cpu_seconds(process));
    import_whole(bed, &whole).await?;
    let taken = started.elapsed();
    let cpu_us = (machine::cpu_seconds(process) - cpu) * 1e6 / bed.wanted.offers as f64;
    let peak_bytes = machine::peak_bytes(process);
    let complete = counts(&catalog).await? == before.plus(offers);

    let first = bed.server.writing_transactions().await?;
    let told_after = told(&catalog).await?;
    let again = Instant::now();
    import_whole(bed, &whole).await?;
    let again = again.elapsed();
    let writes = catalog.number(WRITTEN_SINCE, &[&first]).await?;
    let events = told(&catalog).await? - told_after;

    let part = feed(bed, "B")?;
    let found = kill_half_way(bed, &part, &catalog, before.variants + offers).await?;
    import_whole(bed, &part).await?;
    let completed = counts(&catalog).await? == before.plus(2 * offers);

    let per_second = |time: Duration| bed.wanted.offers as f64 / time.as_secs_f64();
    let mut row = Row::named("import", bed.suite.mode())
        .with("offers", offers)
        .with("unchanged_per_second", per_second(again))
        .with("unchanged_writes", writes)
        .with("unchanged_events", events)
        .with("idle_memory_bytes", idle_bytes)
        .with("memory_above_idle_bytes", peak_bytes.saturating_sub(idle_bytes))
        .with("there_when_killed", found)
        .expect(complete, "an import was not complete")
        .expect(writes == 0 && events == 0, "an unchanged feed was written")
        .expect(completed, "an import that was killed and run again is not complete, or has doubles");
    row.per_second = Some(per_second(taken));
    row.cpu_us_ours = Some(cpu_us);
    row.peak_memory_bytes = Some(peak_bytes);
    Ok(vec![row])
}

/// What a complete feed has one of for each offer.
#[derive(Debug, PartialEq)]
struct Counts {
    variants: i64,
    skus: i64,
    products: i64,
    external_ids: i64,
    prices: i64,
    products_told: i64,
    prices_told: i64,
}

impl Counts {
    fn plus(&self, offers: i64) -> Self {
        Self {
            variants: self.variants + offers,
            skus: self.skus + offers,
            products: self.products + offers,
            external_ids: self.external_ids + offers,
            prices: self.prices + offers,
            products_told: self.products_told + offers,
            prices_told: self.prices_told + offers,
        }
    }
}

async fn counts(catalog: &Books) -> anyhow::Result<Counts> {
    Ok(Counts {
        variants: variants(catalog).await?,
        skus: catalog.number("SELECT count(DISTINCT sku) FROM variants", &[]).await?,
        products: catalog.number("SELECT count(*) FROM products", &[]).await?,
        external_ids: catalog.number("SELECT count(*) FROM variant_external_ids", &[]).await?,
        prices: catalog.number("SELECT count(*) FROM prices", &[]).await?,
        products_told: catalog.number(TOLD_OF, &[&"%.ProductChanged"]).await?,
        prices_told: catalog.number(TOLD_OF, &[&"%.PriceChanged"]).await?,
    })
}

const TOLD_OF: &str = "SELECT count(*) FROM event_log WHERE type LIKE $1";

async fn variants(catalog: &Books) -> anyhow::Result<i64> {
    catalog.number("SELECT count(*) FROM variants", &[]).await
}

async fn told(catalog: &Books) -> anyhow::Result<i64> {
    catalog.number("SELECT count(*) FROM event_log", &[]).await
}

/// Versions of rows that transactions from a number on have written, in whatever tables there are. Whoever is on duty says so
/// every few seconds, feed or no feed.
const WRITTEN_SINCE: &str = "
    SELECT coalesce(sum((xpath('/row/written/text()', query_to_xml(
               format('SELECT count(*) AS written FROM %I WHERE xmin::text::bigint >= %s', tablename, $1::bigint),
               false, true, '')))[1]::text::bigint), 0)::bigint
    FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'duty'";

/// Kills the suite when half of the offers are there; answers how many are.
async fn kill_half_way(bed: &mut Bed, file: &Path, catalog: &Books, before: i64) -> anyhow::Result<i64> {
    let offers = i64::try_from(bed.wanted.offers)?;
    let mut import = import(bed, file)?;
    while variants(catalog).await? < before + offers / 2 {
        anyhow::ensure!(import.try_wait()?.is_none(), "the import was over before half of it was there");
        tokio::time::sleep(LOOK_PERIOD).await;
    }
    bed.suite.kill().await?;
    anyhow::ensure!(!import.wait().await?.success(), "an import that was killed says that it is complete");
    let found = variants(catalog).await? - before;
    bed.suite.start_again().await?;
    Ok(found)
}

async fn import_whole(bed: &Bed, file: &Path) -> anyhow::Result<()> {
    let status = import(bed, file)?.wait().await?;
    anyhow::ensure!(status.success(), "the import failed, see suite.log");
    Ok(())
}

/// The command that an operator uses, as a process of its own.
fn import(bed: &Bed, file: &Path) -> anyhow::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--config").arg(bed.suite.configuration()).args(["import", "yml"]).arg(file);
    command.args(["--source", &bed.suite.shop.source_ids[0]]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().context("start the import")
}

fn feed(bed: &Bed, prefix: &str) -> anyhow::Result<PathBuf> {
    let path = bed.suite.data_dir.join(format!("feed-{prefix}.yml"));
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path)?);
    let description = "d".repeat(DESCRIPTION_BYTES);
    write!(
        file,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<yml_catalog date=\"2026-02-14 09:30\"><shop>\n\
         <currencies><currency id=\"UAH\" rate=\"1\"/></currencies>\n\
         <categories><category id=\"1\">All</category></categories>\n<offers>\n"
    )?;
    for at in 0..bed.wanted.offers {
        writeln!(
            file,
            "<offer id=\"{prefix}-{at}\"><price>{}.50</price><currencyId>UAH</currencyId><categoryId>1</categoryId>\
             <name>Item {at}</name><description>{description}</description></offer>",
            at % 1_000
        )?;
    }
    writeln!(file, "</offers></shop></yml_catalog>")?;
    file.flush()?;
    Ok(path)
}
