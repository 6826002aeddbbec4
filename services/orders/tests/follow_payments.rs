//! What orders hears of money.

use std::time::Duration;

use proto::orders::v1 as pb;
use proto::payments::v1::{Payment, PaymentRecorded, PaymentRefunded, PaymentVoided};

use crate::shop::{Shop, facts, uah};

fn payment(order: &pb::Order, captured: &str, refunded: &str) -> Option<Payment> {
    Some(Payment {
        payment_id: order.payment_id.clone(),
        order_id: order.order_id.clone(),
        captured: uah(captured),
        refunded: uah(refunded),
        ..Default::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn money_in_and_out_is_shown_on_the_order() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let id = order.payment_id.clone();
    let status = async |wanted: pb::PaymentStatus| {
        shop.eventually(&order.order_id, "the payment is heard of", |order| order.payment_status() == wanted)
            .await
    };

    shop.them.tell("payments", &id, &PaymentRecorded { payment: payment(&order, "40.00", "0.00") });
    let partial = status(pb::PaymentStatus::PartiallyPaid).await;
    shop.them.tell("payments", &id, &PaymentRecorded { payment: payment(&order, "100.00", "0.00") });
    status(pb::PaymentStatus::Paid).await;
    shop.them.tell("payments", &id, &PaymentRefunded { payment: payment(&order, "100.00", "100.00") });
    let refunded = status(pb::PaymentStatus::Refunded).await;
    // Nothing new: nothing is written.
    shop.them.tell("payments", &id, &PaymentVoided { payment: payment(&order, "100.00", "100.00") });
    shop.them.tell("payments", &id, &PaymentRecorded { payment: payment(&order, "120.00", "0.00") });
    let overpaid = status(pb::PaymentStatus::Overpaid).await;

    assert_eq!((partial.paid, partial.etag.as_str()), (uah("40.00"), "2"));
    assert_eq!((refunded.paid, refunded.refunded), (uah("100.00"), uah("100.00")));
    assert_eq!(overpaid.etag, "5");
    assert_eq!(shop.events(&order.order_id).await.len(), 5);
    assert_eq!(shop.actions(&order.order_id).await[2..], ["orders.follow_payments"; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_was_voided_with_its_order_is_no_news_until_money_comes() {
    let shop = Shop::open().await;
    let refused = shop.place(shop.cart(&[("A-1", 1_000)])).await;
    let order = shop.order(&facts(&refused)["order_id"]).await;
    assert_eq!(order.state(), pb::OrderState::Rejected);
    let payment_id = types::PaymentId::derived(order.order_id.parse::<types::OrderId>().unwrap().uuid(), 0);
    let order = pb::Order { payment_id: payment_id.to_string(), ..order };
    let tell = |captured| payment(&order, captured, "0.00");

    shop.them.tell("payments", "pay_1", &PaymentVoided { payment: tell("0.00") });
    shop.them.tell("payments", "pay_2", &PaymentRecorded { payment: tell("7.00") });

    let paid =
        shop.eventually(&order.order_id, "the money is heard of", |order| order.paid == uah("7.00")).await;
    assert_eq!(paid.state(), pb::OrderState::Rejected);
    let heard = shop.actions(&order.order_id).await;
    assert_eq!(heard.iter().filter(|action| *action == "orders.follow_payments").count(), 1, "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_of_nobody_are_passed_over() {
    let shop = Shop::open().await;
    let order = shop.placed(shop.cart(&[("A-1", 1)])).await;
    let mut stranger = payment(&order, "5.00", "0.00");
    stranger.as_mut().unwrap().order_id = types::OrderId::new().to_string();
    let mut other = payment(&order, "6.00", "0.00");
    other.as_mut().unwrap().payment_id = types::PaymentId::new().to_string();

    shop.them.tell("payments", "pay_1", &PaymentRecorded { payment: stranger });
    shop.them.tell("payments", "pay_2", &PaymentRecorded { payment: other });
    shop.them.tell("payments", "pay_3", &PaymentRecorded { payment: payment(&order, "7.00", "0.00") });

    let paid =
        shop.eventually(&order.order_id, "the last one is heard of", |order| order.paid == uah("7.00")).await;
    assert_eq!(paid.etag, "2");
    assert_eq!(shop.count("SELECT count(*) FROM parked_events").await, 0);
}

/// Batches settle orders in the order of their ids, too: nobody waits for whoever waits for him.
#[tokio::test(flavor = "multi_thread")]
async fn orders_of_which_there_is_news_are_locked_in_the_order_of_their_ids() {
    let shop = Shop::open().await;
    let mut orders = Vec::new();
    for _ in 0..2 {
        orders.push(shop.placed(shop.cart(&[("A-1", 1)])).await);
    }
    orders.sort_by_key(|order| order.order_id.parse::<types::OrderId>().unwrap());
    let [first, second] = [0, 1].map(|at| {
        let order_id: types::OrderId = orders[at].order_id.parse().unwrap();
        format!("SELECT 1 FROM orders WHERE order_id = '{}' FOR UPDATE", order_id.uuid())
    });
    let database = shop.world.database("orders");
    let holder = database.client().await;
    holder.batch_execute("BEGIN").await.unwrap();
    holder.batch_execute(&first).await.unwrap();

    let [one, other] = [0, 1].map(|at| PaymentRecorded { payment: payment(&orders[at], "100.00", "0.00") });
    shop.them.tell_all("payments", &[(&orders[1].payment_id, &other), (&orders[0].payment_id, &one)]);
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while shop.count(waiting).await == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    let other = database.client().await;
    other.batch_execute(&format!("{second} NOWAIT")).await.expect("nobody holds it");
    holder.batch_execute("ROLLBACK").await.unwrap();
    for order in &orders {
        let paid =
            shop.eventually(&order.order_id, "the news are applied", |order| order.paid == uah("100.00"));
        paid.await;
    }
}
