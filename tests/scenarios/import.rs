//! A large catalog comes in: in a memory that does not grow with the file, and after `kill -9` by importing it again.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::suite::{Mode, Suite};

/// What the peak may differ by between a small and a large file. A peak is the worst of many moments: of how many lots,
/// events and freed pages came together, and that was up to 30 MiB from one import to the next of the same size.
const GROWTH_MAX_BYTES: u64 = 48 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_was_killed_half_way_is_completed_by_the_next() {
    kill_and_import_again(4_000).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: a hundred thousand SKUs"]
async fn a_hundred_thousand_skus_come_in_although_the_import_is_killed() {
    kill_and_import_again(100_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_needs_no_more_memory_for_a_larger_file() {
    // The first thousands warm the heap up, whatever the size of the file.
    compare_peaks(8_000, 28_000, 8_000).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: a hundred thousand SKUs"]
async fn an_import_needs_no_more_memory_for_a_hundred_thousand_skus() {
    compare_peaks(10_000, 100_000, 2_000).await;
}

async fn kill_and_import_again(skus: usize) {
    let mut suite = Suite::start(Mode::OneProcess).await;
    let file = feed(&suite, "A", skus, 200);
    let mut first = import(&suite, &file);
    let half = i64::try_from(skus / 2).unwrap();
    while suite.number("catalog", "SELECT count(*) FROM variants").await < half {
        assert!(first.try_wait().unwrap().is_none(), "the import was over before half of it was there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    suite.kill().await;
    assert!(!first.wait().await.unwrap().success(), "an import that was killed says so");
    let there = suite.number("catalog", "SELECT count(*) FROM variants").await;
    assert!(half <= there && there < i64::try_from(skus).unwrap(), "{there} of {skus} before the kill");
    suite.start_again().await;
    assert!(import(&suite, &file).wait().await.unwrap().success());

    let prices: i64 = (0..skus).map(price_minor).sum();
    assert_whole(&suite, skus, prices).await;
    let changes = "SELECT count(*) FROM event_log";
    let told = suite.number("catalog", changes).await;
    assert!(import(&suite, &file).wait().await.unwrap().success());
    assert_eq!(suite.number("catalog", changes).await, told, "once more changes nothing");
    assert_whole(&suite, skus, prices).await;
    suite.stop().await;
}

/// Every SKU is there once with its price, and each was told and written down once.
async fn assert_whole(suite: &Suite, skus: usize, prices: i64) {
    let skus = i64::try_from(skus).unwrap();
    let event = |name: &str| {
        format!(
            "SELECT count(DISTINCT aggregate_id) * 1000000 + count(*) FROM event_log WHERE type LIKE '%.{name}'"
        )
    };
    let once = skus * 1_000_000 + skus;
    for (sql, expected) in [
        ("SELECT count(*) FROM products".to_owned(), skus),
        ("SELECT count(DISTINCT sku) FROM variants".to_owned(), skus),
        ("SELECT count(*) FROM variants".to_owned(), skus),
        ("SELECT count(*) FROM variant_external_ids".to_owned(), skus),
        ("SELECT sum(amount_minor)::bigint FROM prices".to_owned(), prices),
        ("SELECT count(*) FROM price_changes".to_owned(), skus),
        (event("ProductChanged"), once),
        (event("PriceChanged"), once),
    ] {
        assert_eq!(suite.number("catalog", &sql).await, expected, "{sql}");
    }
}

/// Every offer says so much about itself that a file outweighs whatever else an import needs.
async fn compare_peaks(few: usize, many: usize, description_bytes: usize) {
    let suite = Suite::start(Mode::OneProcess).await;
    let [first, small, large] = [("A", few), ("B", few), ("C", many)]
        .map(|(prefix, skus)| feed(&suite, prefix, skus, description_bytes));
    // What only the first import makes a process take is not what a larger one adds.
    assert!(import(&suite, &first).wait().await.unwrap().success());
    assert!(import(&suite, &small).wait().await.unwrap().success());
    let before = peak_bytes(suite.pid());
    assert!(import(&suite, &large).wait().await.unwrap().success());
    let after = peak_bytes(suite.pid());
    let skus = i64::try_from(2 * few + many).unwrap();
    assert_eq!(suite.number("catalog", "SELECT count(*) FROM variants").await, skus);

    let more = large.metadata().unwrap().len() - small.metadata().unwrap().len();
    println!("{few} SKUs: {before} bytes at most; {many}: {after}; the file is larger by {more}");
    assert!(more > 3 * GROWTH_MAX_BYTES, "the file is too small to tell");
    assert!(after.saturating_sub(before) < GROWTH_MAX_BYTES, "grew by {} bytes", after - before);
    suite.stop().await;
}

/// The most memory that a process ever had.
fn peak_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().strip_suffix(" kB").unwrap().trim().parse::<u64>().unwrap() * 1024
}

fn price_minor(at: usize) -> i64 {
    i64::try_from(at % 1_000).unwrap() * 100 + 50
}

/// A file of `skus` offers, beside the suite's configuration.
fn feed(suite: &Suite, prefix: &str, skus: usize, description_bytes: usize) -> PathBuf {
    let path = suite.configuration().with_file_name(format!("feed-{prefix}.yml"));
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    let description = "d".repeat(description_bytes);
    write!(
        file,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<yml_catalog date=\"2026-02-14 09:30\"><shop>\n\
         <currencies><currency id=\"UAH\" rate=\"1\"/></currencies>\n\
         <categories><category id=\"1\">All</category></categories>\n<offers>\n"
    )
    .unwrap();
    for at in 0..skus {
        writeln!(
            file,
            "<offer id=\"{prefix}-{at}\"><price>{}.50</price><currencyId>UAH</currencyId><categoryId>1</categoryId>\
             <name>Item {at}</name><description>{description}</description></offer>",
            at % 1_000
        )
        .unwrap();
    }
    writeln!(file, "</offers></shop></yml_catalog>").unwrap();
    file.flush().unwrap();
    path
}

/// Begins to import a file.
fn import(suite: &Suite, file: &Path) -> Child {
    let mut command = Command::new(Suite::binary());
    command.arg("--config").arg(suite.configuration()).args(["import", "yml"]).arg(file);
    command.args(["--source", &suite.source_id]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().unwrap()
}
