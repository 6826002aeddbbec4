//! More than there is: what is still done, who is refused, what a refusal costs, and how soon all is well again.

mod mix;
mod recovery;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep_until;

use self::mix::{BROWSE, Mix, PLACE};
use self::recovery::Probe;
use super::bed::Bed;
use super::generator::{self, Request, Tally, Window, percentile_ms};
use super::measured::Measured;
use super::order_writer::OrderWriter;
use super::report::Row;

const CLIENTS: usize = 64;
/// Connections of the crowd: more than the gateway lets in at once, fewer than it keeps open.
const CROWD: usize = 640;
/// How many times what there is.
const TIMES: [f64; 2] = [3.0, 10.0];
const PAGES: usize = 50;
const PRODUCTS: &str = "/v1/products?pageSize=20";
/// Answers that are neither done nor refused and may happen to who comes at such a time: not decided yet, out of time.
const SLOW: [&str; 2] = ["202", "504"];

/// What there is of each; then three and ten times as much is asked for.
pub async fn run(bed: &Bed) -> anyhow::Result<Vec<Row>> {
    let (clients, writer) = (bed.clients(CLIENTS), bed.writer().await?);
    let pages = Arc::new(super::pages::walk(&bed.suite, PRODUCTS, PAGES).await?);
    let browse = {
        let pages = pages.clone();
        move |number| read(&pages, number)
    };
    let browsing = bed.closed(clients, browse).await?;
    let placing = bed
        .closed(clients, {
            let writer = writer.clone();
            move |_| writer.order()
        })
        .await?;
    let mut capacity = Row::named("overload-capacity", bed.suite.mode())
        .with_throughput(clients, &placing)
        .with("browsing_per_second", browsing.per_second());
    capacity.note(&browsing.errors());

    let mut rows = vec![capacity];
    for times in TIMES {
        let mix = Mix::of(placing.per_second(), browsing.per_second(), times);
        rows.push(offer(bed, mix, &writer, &pages).await?);
    }
    Ok(rows)
}

fn read(pages: &[String], number: u64) -> Request {
    Request::get(&pages[number as usize % pages.len()])
}

async fn offer(
    bed: &Bed,
    mix: Mix,
    writer: &Arc<OrderWriter>,
    pages: &Arc<Vec<String>>,
) -> anyhow::Result<Row> {
    let mut probe = Probe::calm(bed, writer, pages).await?;
    let request = {
        let (writer, pages) = (writer.clone(), pages.clone());
        move |number| match mix.places(number) {
            true => writer.order().of_kind(PLACE),
            false => read(&pages, number).of_kind(BROWSE),
        }
    };
    // The first seconds are part of it.
    let window = Window::from_now(Duration::ZERO, bed.time());
    let late = Duration::ZERO;
    let crowd = generator::open(&bed.suite.target, CROWD, 2, mix.per_second(), window, late, request);
    let (measured, recovered) = tokio::try_join!(bed.metered(window, crowd), async {
        sleep_until(window.end()).await;
        probe.recovered().await
    })?;
    Ok(row(bed, &mix, &measured, recovered))
}

fn row(bed: &Bed, mix: &Mix, measured: &Measured, recovered: Option<Duration>) -> Row {
    let [placing, browsing] = [&measured.tallies[PLACE], &measured.tallies[BROWSE]];
    let mut refused_us = placing.refused_us.clone();
    // Of the same bounds: nothing can lie outside.
    let _ = refused_us.add(&browsing.refused_us);
    // What is answered when the crowd has gone was not done while it was there.
    let (placed, browsed) = (measured.per_second_in_time(PLACE), measured.per_second_in_time(BROWSE));
    let goodput = mix.goodput(placed, browsed);
    let without_retry_after = placing.without_retry_after + browsing.without_retry_after;

    let mut row = Row::named(&format!("overload-{:.0}x", mix.times), bed.suite.mode())
        .with_latency_of(mix.per_second(), placing)
        .with("goodput_percent", goodput * 100.0)
        .with("placed_percent", answered_percent(placing))
        .with("browsed_percent", answered_percent(browsing))
        .with("refused", refused_us.len())
        .with("refusal_p50_ms", percentile_ms(&refused_us, 50.0))
        .with("refusal_p99_ms", percentile_ms(&refused_us, 99.0))
        .with("refusals_without_retry_after", without_retry_after)
        .with("not_sent_by_generator", placing.unsent + browsing.unsent)
        .with("slow", slow(placing) + slow(browsing))
        .with("normal_after_seconds", recovered.map(|time| time.as_secs_f64()))
        .expect(without_retry_after == 0, "refusals do not say when to come again")
        .expect(recovered.is_some(), "the suite was not back to normal in time");
    row.clients = Some(CROWD);
    row.per_second = Some(placed + browsed);
    row.ratio = Some(goodput);
    row.cpu_us_ours = Some(measured.cpu_us_ours());
    row.cpu_us_postgres = Some(measured.cpu_us_postgres());
    row.cpu_us_generator = Some(measured.cpu_us_generator());
    row.peak_memory_bytes = Some(measured.peak_memory_bytes);
    for tally in &measured.tallies {
        row.note(&unexpected(tally));
    }
    row
}

/// Of what was due.
fn answered_percent(tally: &Tally) -> f64 {
    let other: u64 = tally.other.values().sum();
    let due = tally.answered() + tally.refused_us.len() + other + tally.unsent;
    tally.answered() as f64 * 100.0 / due.max(1) as f64
}

fn is_slow(outcome: &str) -> bool {
    SLOW.iter().any(|slow| outcome.starts_with(slow))
}

fn slow(tally: &Tally) -> u64 {
    tally.other.iter().filter(|(outcome, _)| is_slow(outcome)).map(|(_, count)| count).sum()
}

fn unexpected(tally: &Tally) -> BTreeMap<String, u64> {
    let mut errors = tally.other.clone();
    errors.retain(|outcome, _| !is_slow(outcome));
    errors
}
