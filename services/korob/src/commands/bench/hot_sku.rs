//! One SKU that everybody wants, beside orders for any SKU: the rate, and whether a unit is sold that is not there.

use std::time::Duration;

use super::assortment::receive_more;
use super::bed::Bed;
use super::books::Books;
use super::generator::{self, Window};
use super::report::Row;

const CLIENTS: usize = 64;
/// Units of the SKU that is sold out, for each client: all of them must meet the end of the stock.
const UNITS_EACH: usize = 4;
const SELL_OUT: &str = "409 OUT_OF_STOCK";

/// Uniform, hot, uniform, hot: what a machine does otherwise meanwhile meets both. Then a SKU is sold out.
pub async fn run(bed: &Bed) -> anyhow::Result<Vec<Row>> {
    let (clients, writer) = (bed.clients(CLIENTS), bed.writer().await?);
    let hot = super::assortment::sku(0);
    let (mut uniform_rates, mut hot_rates) = (Vec::new(), Vec::new());
    let mut row = Row::named("hot-sku", bed.suite.mode());
    for _ in 0..2 {
        let any = {
            let writer = writer.clone();
            move |_| writer.order_of_any()
        };
        let uniform = bed.closed(clients, any).await?;
        let one = {
            let (writer, hot) = (writer.clone(), hot.clone());
            move |_| writer.order_of(&hot)
        };
        let hot = bed.closed(clients, one).await?;
        row.note(&uniform.errors());
        row = row.with_throughput(clients, &hot);
        row.commits_per_order = Some(hot.commits_each());
        uniform_rates.push(uniform.per_second());
        hot_rates.push(hot.per_second());
    }
    let mean = |rates: &[f64]| rates.iter().sum::<f64>() / rates.len() as f64;
    row.per_second = Some(mean(&hot_rates));
    row.ratio = Some(mean(&hot_rates) / mean(&uniform_rates));

    let oversold = sell_out(bed, clients, &mut row).await?;
    let row = row.with("uniform_per_second", mean(&uniform_rates)).with("oversold", oversold);
    Ok(vec![row.expect(oversold == 0, "units were sold that were not there, or not sold that were")])
}

/// Sells a SKU out; answers how many units more, or fewer, the books say were sold than there were.
async fn sell_out(bed: &Bed, clients: usize, row: &mut Row) -> anyhow::Result<i64> {
    let writer = bed.writer().await?;
    let (sku, units) = (writer.assortment.unstocked(), i64::try_from(clients * UNITS_EACH)?);
    receive_more(&bed.suite, &sku, units).await?;
    loop {
        let order = {
            let (writer, sku) = (writer.clone(), sku.clone());
            move |_| writer.order_of(&sku)
        };
        // From the first moment on: the stock may last no longer.
        let window = Window::from_now(Duration::ZERO, bed.time());
        let tallies = generator::closed(&bed.suite.target, clients, 1, window, order).await?;
        let mut errors = tallies[0].errors();
        let ended = errors.remove(SELL_OUT).is_some();
        row.note(&errors);
        if ended {
            break;
        }
        anyhow::ensure!(errors.is_empty(), "nobody can order {sku}: {errors:?}");
    }

    let orders = bed.books("orders").await?;
    super::settled(&orders).await?;
    let sold = sold(&orders, &sku).await?;
    let stock = bed.books("inventory").await?;
    let held = stock
        .number("SELECT coalesce(sum(reserved), 0)::bigint FROM stock_levels WHERE sku = $1", &[&sku])
        .await?;
    let over =
        stock.number("SELECT count(*) FROM stock_levels WHERE reserved > on_hand OR reserved < 0", &[]);
    anyhow::ensure!(over.await? == 0, "more is held than there is");
    anyhow::ensure!(sold == held, "{sold} units of {sku} are in orders and {held} are held for them");
    Ok(sold - units)
}

async fn sold(orders: &Books, sku: &str) -> anyhow::Result<i64> {
    let sold = "SELECT coalesce(sum(ordered), 0)::bigint FROM order_lines JOIN orders USING (order_id)
                WHERE sku = $1 AND state = 'new'";
    orders.number(sold, &[&sku]).await
}
