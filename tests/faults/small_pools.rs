//! Services with one connection each to their databases: slow, but nobody waits for himself.

use crate::market::Market;
use crate::suite::Mode;
use crate::{figure, verdict};

const CLIENTS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn with_one_connection_each_orders_get_through_and_nothing_is_lost() {
    let market = Market::open_with_pools_of(1, Mode::OneProcess).await;
    let buyers = market.buyers(CLIENTS);
    buyers.more(figure(40, 2_000)).await;
    let seen = buyers.finish().await;
    let took = verdict::clean(&market).await;
    println!("all well after {took:.1?}; clients saw {:?}", seen.answers);
    assert_eq!(seen.without_retry_after, 0, "who is refused is told when to come back");
    market.close().await;
}
