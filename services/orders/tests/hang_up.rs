//! A client that hangs up stops nothing.

use std::time::Duration;

use proto::orders::v1 as pb;

use crate::shop::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn whenever_the_client_goes_the_order_is_placed_or_never_was() {
    let shop = Shop::open().await;
    // The first call warms up what all others use.
    shop.placed(shop.cart(&[("G-1", 1)])).await;

    for patience_us in (0..40).map(|step| step * 150) {
        let (mut client, request) = (shop.client(), shop.parcel(&[("G-1", 1)]));
        let call = async move { client.place_order(request).await };
        let _ = tokio::time::timeout(Duration::from_micros(patience_us), call).await;
    }

    // The last clients' orders may still be on their way into the database: those are not looked at before they are placed.
    testing::eventually("every recorded order is placed, with its goods and its key", async || {
        let placed = shop.count("SELECT count(*) FROM orders WHERE state = 'new'").await;
        let keys = shop.count("SELECT count(*) FROM idempotency_keys").await;
        let recorded = shop.count("SELECT count(*) FROM orders").await;
        let held = shop.them.state().reservations.len() as i64;
        let left = shop.them.state().stock["G-1"];
        ((placed, keys, held, left) == (recorded, recorded, recorded, 100_000 - recorded)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_little_time_is_told_before_it_ends() {
    let shop = Shop::open().await;
    shop.them.fail("OpenPayment", std::iter::repeat_n(crate::neighbours::Failure::Unavailable, 8));
    let call = rpc::Call::begin(rpc::Caller::operator("test"), Duration::from_millis(900));
    let channel = shop.world.directory.channel("orders").bind(&call);

    let receipt =
        crate::shop::Client::new(channel).place_order(shop.cart(&[("A-1", 1)])).await.unwrap().into_inner();

    assert_eq!(receipt.state(), pb::OrderState::Placing);
}
