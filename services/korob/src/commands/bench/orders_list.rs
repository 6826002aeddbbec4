//! Listing orders: 20 rows, the first page and one far behind it, over 100,000 orders.

use anyhow::Context;

use super::bed::Bed;
use super::books::Books;
use super::generator::Request;
use super::measured::Measured;
use super::report::Row;

const CLIENTS: usize = 64;
const LIST: &str = "/v1/orders?pageSize=20";
/// How far behind the first page the other one is.
const DEEP: usize = 1_000;
/// Orders, placed over REST, that the others are copies of.
const TEMPLATES: i64 = 100;

/// First page, deep page, first page, deep page; then both at an easier rate.
pub async fn run(bed: &Bed) -> anyhow::Result<Vec<Row>> {
    let orders = fill(bed).await?;
    let pages = super::pages::walk(&bed.suite, LIST, DEEP).await?;
    let (first, deep) = (LIST.to_owned(), pages.last().context("a page")?.clone());
    let clients = bed.clients(CLIENTS);
    let mut runs: [Vec<Measured>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..2 {
        for (page, runs) in [&first, &deep].into_iter().zip(&mut runs) {
            runs.push(bed.closed(clients, read(page)).await?);
        }
    }
    let [first_rate, deep_rate] = [&runs[0], &runs[1]].map(|runs| mean(runs));
    let mut rows = Vec::new();
    let parts = [("orders-list", &first, first_rate), ("orders-list-deep", &deep, deep_rate)];
    for ((name, page, rate), runs) in parts.into_iter().zip(&runs) {
        let mut row = Row::named(name, bed.suite.mode()).with("orders", orders);
        for run in runs {
            row = row.with_throughput(clients, run);
        }
        row.per_second = Some(rate);
        if !bed.wanted.throughput_only {
            let calm = bed.calm(rate);
            row = row.with_latency(calm, &bed.open(calm, read(page)).await?);
        }
        rows.push(row);
    }
    // How much dearer a page far behind is.
    rows[1].ratio = Some(first_rate / deep_rate);
    rows[1] = rows[1].clone().with("page", pages.len());
    Ok(rows)
}

fn read(page: &str) -> impl Fn(u64) -> Request + Clone + Send + Sync + 'static {
    let page = page.to_owned();
    move |_| Request::get(&page)
}

fn mean(runs: &[Measured]) -> f64 {
    runs.iter().map(Measured::per_second).sum::<f64>() / runs.len() as f64
}

/// Copies some of the orders that were placed over REST, with all rows that a list reads, until there are enough. Answers how
/// many there are.
async fn fill(bed: &Bed) -> anyhow::Result<i64> {
    // Those of the warm-up are placed.
    bed.writer().await?;
    let orders = bed.books("orders").await?;
    super::settled(&orders).await?;
    let there = count(&orders).await?;
    let missing = i64::try_from(bed.wanted.orders_in_list)? - there;
    let templates = TEMPLATES.min(there);
    anyhow::ensure!(templates > 0, "no order was placed to make copies of");
    if missing > 0 {
        copy(&orders, templates, missing.div_euclid(templates) + 1).await?;
    }
    orders.run("VACUUM (ANALYZE) orders, order_lines, order_buyers, order_external_ids").await?;
    count(&orders).await
}

async fn count(orders: &Books) -> anyhow::Result<i64> {
    orders.number("SELECT count(*) FROM orders", &[]).await
}

/// Copies `templates` orders `times` each. Whatever columns there are go along; ids, numbers and times are new, a second
/// between two, older than everything that was placed.
async fn copy(orders: &Books, templates: i64, times: i64) -> anyhow::Result<()> {
    orders.run(CHOOSE).await?;
    orders.execute(NUMBER, &[&templates, &times]).await?;
    for statement in [ORDERS, LINES, BUYERS, EXTERNAL_IDS] {
        orders.execute(statement, &[]).await?;
    }
    orders.run("DROP TABLE bench_copies").await
}

const CHOOSE: &str = "CREATE TEMP TABLE bench_copies (template uuid, order_id uuid, number bigint)";
const NUMBER: &str = "
    INSERT INTO bench_copies
    SELECT order_id, md5(order_id::text || copy)::uuid, row_number() OVER (ORDER BY copy, order_id)
    FROM (SELECT order_id FROM orders WHERE state = 'new' ORDER BY create_time LIMIT $1) AS template,
         generate_series(1, $2::bigint) AS copy";
const ORDERS: &str = "
    INSERT INTO orders
    SELECT (jsonb_populate_record(o, jsonb_build_object(
               'order_id', c.order_id, 'number', 'copy-' || c.number,
               'create_time', o.create_time - c.number * interval '1 second'))).*
    FROM bench_copies AS c JOIN orders AS o ON o.order_id = c.template";
const LINES: &str = "
    INSERT INTO order_lines
    SELECT (jsonb_populate_record(l, jsonb_build_object('order_id', c.order_id))).*
    FROM bench_copies AS c JOIN order_lines AS l ON l.order_id = c.template";
const BUYERS: &str = "
    INSERT INTO order_buyers
    SELECT (jsonb_populate_record(b, jsonb_build_object('order_id', c.order_id))).*
    FROM bench_copies AS c JOIN order_buyers AS b ON b.order_id = c.template";
const EXTERNAL_IDS: &str = "
    INSERT INTO order_external_ids
    SELECT (jsonb_populate_record(e, jsonb_build_object(
               'order_id', c.order_id, 'external_id', 'copy-' || c.number))).*
    FROM bench_copies AS c JOIN order_external_ids AS e ON e.order_id = c.template";
