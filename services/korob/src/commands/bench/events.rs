//! How long an event takes from the commit that told it to the commit that applied it: orders in one service, purchases
//! counted in another. Both moments are PostgreSQL's own.

use std::time::Duration;

use hdrhistogram::Histogram;
use tokio_util::sync::CancellationToken;

use super::bed::Bed;
use super::books::Books;
use super::generator::percentile_ms;
use super::report::Row;

const CLIENTS: usize = 64;
/// What is offered, unless the machine gives less.
const ORDERS_PER_SECOND: f64 = 500.0;
const TYPE: &str = "korob.orders.v1.OrderPlaced";
const CONSUMER: &str = "customers.count_purchases";
/// How often the cursor is looked at. A page that is missed between two looks counts as applied with the next: later, never
/// earlier.
const LOOK_PERIOD: Duration = Duration::from_millis(3);
/// Whatever is not applied by then is an error.
const PATIENCE: Duration = Duration::from_secs(30);
const BEAT: Duration = Duration::from_secs(1);

/// Without and with a transaction that stays open in another database of the server, after it wrote.
pub async fn run(bed: &Bed) -> anyhow::Result<Vec<Row>> {
    let writer = bed.writer().await?;
    let most = bed.closed(bed.clients(CLIENTS), move |_| writer.order()).await?;
    let rate = ORDERS_PER_SECOND.min(bed.calm(most.per_second()));

    let free = measure(bed, "events", rate).await?;
    let stop = CancellationToken::new();
    let (held, _) = tokio::try_join!(
        async {
            let row = measure(bed, "events-held", rate).await;
            stop.cancel();
            row
        },
        hold(bed.idle_database_url(), stop.clone()),
    )?;
    let held = held.with("held_seconds", bed.time().as_secs_f64());
    Ok(vec![free, held])
}

async fn measure(bed: &Bed, name: &str, rate: f64) -> anyhow::Result<Row> {
    let (orders, customers) = (bed.books("orders").await?, bed.books("customers").await?);
    super::settled(&orders).await?;
    let before = orders.number("SELECT coalesce(max(position), 0) FROM event_log", &[]).await?;
    let (writer, placed) = (bed.writer().await?, CancellationToken::new());
    let (open, applied) = tokio::try_join!(
        async {
            let open = bed.open(rate, move |_| writer.order()).await;
            super::settled(&orders).await?;
            placed.cancel();
            open
        },
        follow(&orders, &customers, &placed),
    )?;
    let told = orders.pairs(TOLD, &[&before, &TYPE]).await?;
    let mut delays_us = Histogram::new_with_bounds(1, 60_000_000, 3)?;
    let mut missing = 0;
    for (position, told_us) in &told {
        match applied.iter().find(|(reached, _)| reached >= position) {
            Some((_, applied_us)) => {
                delays_us.saturating_record(u64::try_from(applied_us - told_us).unwrap_or(0).max(1));
            }
            None => missing += 1,
        }
    }
    let mut row = Row::named(name, bed.suite.mode());
    row.note(&open.errors());
    row.per_second = Some(open.per_second());
    row.offered_per_second = Some(rate);
    let at = |percent| percentile_ms(&delays_us, percent);
    (row.p50_ms, row.p90_ms, row.p99_ms, row.max_ms) = (at(50.0), at(90.0), at(99.0), at(100.0));
    row.cpu_us_ours = Some(open.cpu_us_ours());
    row.cpu_us_postgres = Some(open.cpu_us_postgres());
    row.cpu_us_generator = Some(open.cpu_us_generator());
    row.commits_per_order = Some(open.commits_each());
    row.peak_memory_bytes = Some(open.peak_memory_bytes);
    Ok(row.with("events", told.len()).expect(missing == 0, "events were not applied in time"))
}

/// Position and commit of the events that were told, in microseconds.
const TOLD: &str = "
    SELECT position, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint FROM event_log
    WHERE position > $1 AND type = $2 ORDER BY position";
/// How far the consumer is, and when it came there.
const APPLIED: &str = "
    SELECT position, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint FROM event_cursors
    WHERE consumer = $1";

/// Notes when which position was reached, until all that was placed is applied.
async fn follow(
    orders: &Books,
    customers: &Books,
    placed: &CancellationToken,
) -> anyhow::Result<Vec<(i64, i64)>> {
    let (mut applied, mut last, mut patience): (Vec<(i64, i64)>, _, _) = (Vec::new(), None, PATIENCE);
    while !patience.is_zero() {
        for step in customers.pairs(APPLIED, &[&CONSUMER]).await? {
            if applied.last().is_none_or(|(position, _)| *position < step.0) {
                applied.push(step);
            }
        }
        if last.is_none() && placed.is_cancelled() {
            let position = "SELECT coalesce(max(position), 0) FROM event_log WHERE type = $1";
            last = Some(orders.number(position, &[&TYPE]).await?);
        }
        if last.is_some() {
            if applied.last().map(|(position, _)| *position) >= last {
                break;
            }
            patience = patience.saturating_sub(LOOK_PERIOD);
        }
        tokio::time::sleep(LOOK_PERIOD).await;
    }
    Ok(applied)
}

/// A transaction that has written and stays open, busy enough not to be ended as idle.
async fn hold(url: String, stop: CancellationToken) -> anyhow::Result<()> {
    let other = Books::open(&url).await?;
    other.run("CREATE TABLE IF NOT EXISTS held (at int); BEGIN; INSERT INTO held VALUES (1)").await?;
    while stop.run_until_cancelled(tokio::time::sleep(BEAT)).await.is_some() {
        other.run("SELECT 1").await?;
    }
    other.run("ROLLBACK").await
}
