//! An endpoint that is down for an hour is told everything afterwards, in the order of each resource.

use std::time::Duration;

use proto::webhooks::v1::WebhookDeliveryState::{Dead, Delivered};
use simulators::Mood;
use testing::eventually;

use crate::desk::{Desk, versions_of};

const ORDERS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_is_reordered() {
    let desk = Desk::open().await;
    let endpoint = desk.endpoint().await;
    let order = |number: usize| format!("ord_{number}");

    desk.partner.is(Mood::Refuses(502));
    for minute in 0..60_i64 {
        for number in 0..ORDERS {
            if minute % 20 == number as i64 % 20 {
                desk.order_changes(&order(number), minute / 20 + 1);
            }
        }
        desk.advance(60);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let down = eventually("it is known to be down", async || {
        let endpoint = desk.look_at(&endpoint).await;
        endpoint.failing_since_time.is_some().then_some(endpoint)
    })
    .await;
    assert_eq!(down.last_failure, "it answered 502");
    assert!(desk.partner.taken().is_empty());
    let asked = desk.partner.asked();
    assert!(
        asked < 120,
        "an endpoint that is down is probed, and not told everything again and again: {asked}"
    );

    desk.partner.is(Mood::Takes);
    desk.advance(400);

    let taken = desk.taken(ORDERS * 3).await;
    assert_eq!(taken.len(), ORDERS * 3, "each once");
    for number in 0..ORDERS {
        assert_eq!(versions_of(&taken, &order(number)), [1, 2, 3], "{}", order(number));
    }
    desk.wait_for(&endpoint, Delivered, ORDERS * 3).await;
    assert!(desk.deliveries(&endpoint, Dead).await.is_empty());
    let up = desk.look_at(&endpoint).await;
    assert_eq!((up.failing_since_time, up.retry_time), (None, None));
}
