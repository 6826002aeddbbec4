//! Invariants that the database keeps by itself.

use crate::shop::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn broken_rows_are_refused() {
    let shop = Shop::open().await;
    shop.placed(shop.cart(&[("A-1", 2)])).await;
    let client = shop.world.database("orders").client().await;

    for broken in [
        "UPDATE orders SET state = 'lost'",
        "UPDATE orders SET total = total + 1",
        "UPDATE orders SET refunded = 1",
        "UPDATE orders SET state = 'cancelled'",
        "UPDATE orders SET state = 'rejected'",
        "UPDATE orders SET payment_method = 'barter'",
        "UPDATE order_lines SET shipped = 3",
        "UPDATE order_lines SET reserved = -1",
        "UPDATE order_lines SET delivered = 1",
        "UPDATE order_lines SET reserved = 0, cancelled = 3",
        "INSERT INTO orders SELECT (o).* FROM (SELECT o FROM orders o) copy",
    ] {
        assert!(client.execute(broken, &[]).await.is_err(), "{broken}");
    }
}
