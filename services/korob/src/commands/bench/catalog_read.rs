//! Reading the catalog: a page of 20 products, a page of the selection window, one product.

use std::sync::Arc;

use anyhow::Context;

use super::bed::Bed;
use super::generator::Request;
use super::report::Row;

const CLIENTS: usize = 64;
/// Pages that are asked for in turn: nobody reads the same one all the time.
const PAGES: usize = 50;
const PRODUCTS: &str = "/v1/products?pageSize=20";
const WINDOW: &str = "/v1/variants/search?currencyCode=UAH&pageSize=20";

/// Throughput, then latency at an easier rate, of each.
pub async fn run(bed: &Bed) -> anyhow::Result<Vec<Row>> {
    // The goods.
    bed.writer().await?;
    let pages = super::pages::walk(&bed.suite, PRODUCTS, PAGES).await?;
    let first = bed.suite.rest.get(PRODUCTS).await?.ok()?;
    let ids = first["products"].as_array().context("a page of products")?.iter();
    let products = ids
        .map(|product| {
            Ok(format!("/v1/products/{}", product["productId"].as_str().context("a product's id")?))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let window = super::pages::walk(&bed.suite, WINDOW, PAGES).await?;
    Ok(vec![
        measure(bed, "catalog-read", pages).await?,
        measure(bed, "catalog-read-window", window).await?,
        measure(bed, "catalog-read-product", products).await?,
    ])
}

async fn measure(bed: &Bed, name: &str, paths: Vec<String>) -> anyhow::Result<Row> {
    let (clients, paths) = (bed.clients(CLIENTS), Arc::new(paths));
    let read = move |number: u64| Request::get(&paths[number as usize % paths.len()]);
    let closed = bed.closed(clients, read.clone()).await?;
    let row = Row::named(name, bed.suite.mode()).with_throughput(clients, &closed);
    if bed.wanted.throughput_only {
        return Ok(row);
    }
    let rate = bed.calm(closed.per_second());
    Ok(row.with_latency(rate, &bed.open(rate, read).await?))
}
