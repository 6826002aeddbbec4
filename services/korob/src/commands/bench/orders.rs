//! Orders over REST: two lines, 10,000 SKUs, cash on delivery, nine of ten buyers known, audit and events on, next to the
//! frozen floor on the same server.

use super::bed::Bed;
use super::report::Row;

const CLIENTS: [usize; 2] = [32, 64];

/// Floor, orders, floor; then orders at an easier rate.
pub async fn run(bed: &Bed) -> anyhow::Result<Vec<Row>> {
    let counts = bed.wanted.clients.map_or(CLIENTS.to_vec(), |clients| vec![clients]);
    let mut rows = Vec::new();
    for clients in counts {
        rows.push(measure(bed, clients).await?);
    }
    Ok(rows)
}

async fn measure(bed: &Bed, clients: usize) -> anyhow::Result<Row> {
    let writer = bed.writer().await?;
    let order = move |_| writer.order();
    let before = bed.floor(clients).await?;
    let closed = bed.closed(clients, order.clone()).await?;
    let after = bed.floor(clients).await?;

    let mut row = Row::named("orders", bed.suite.mode())
        .with_throughput(clients, &closed)
        .with_floor(f64::midpoint(before, after));
    row.commits_per_order = Some(closed.commits_each());
    if bed.wanted.throughput_only {
        return Ok(row);
    }
    let rate = bed.calm(closed.per_second());
    Ok(row.with_latency(rate, &bed.open(rate, order).await?))
}
