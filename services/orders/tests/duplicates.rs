//! The same order sent many times is one order.

use std::collections::HashSet;

use proto::orders::v1 as pb;
use tonic::Code;

use crate::neighbours::Failure;
use crate::shop::{Shop, facts, line, refusal, uah};

const CROWD: usize = 64;

#[tokio::test(flavor = "multi_thread")]
async fn one_key_from_a_crowd_is_one_order() {
    let shop = Shop::open().await;
    let request = shop.cart(&[("A-1", 1)]);

    let receipts = crowd(&shop, |_| request.clone()).await;

    let first = receipts[0].as_ref().unwrap();
    assert!(receipts.iter().all(|receipt| receipt.as_ref().unwrap() == first));
    assert_eq!(shop.count("SELECT count(*) FROM orders").await, 1);
    assert_eq!(shop.them.state().stock["A-1"], 9);
    assert_eq!(shop.place(request).await.unwrap().into_inner(), *first);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_external_id_from_a_crowd_is_one_order() {
    let shop = Shop::open().await;
    let request = pb::PlaceOrderRequest { external_id: "WEB-77".to_owned(), ..shop.cart(&[("A-1", 1)]) };

    let receipts =
        crowd(&shop, |at| pb::PlaceOrderRequest { idempotency_key: format!("own-{at}"), ..request.clone() })
            .await;

    let receipts: Vec<_> = receipts.into_iter().map(Result::unwrap).collect();
    let orders: HashSet<_> = receipts.iter().map(|receipt| receipt.order_id.clone()).collect();
    assert_eq!(orders.len(), 1);
    assert_eq!(receipts.iter().filter(|receipt| !receipt.existing).count(), 1, "one has made it");
    assert_eq!(shop.count("SELECT count(*) FROM orders").await, 1);
    assert_eq!(shop.count("SELECT count(*) FROM order_lines").await, 1);

    // Each key keeps its answer.
    for (at, receipt) in receipts.into_iter().enumerate().step_by(16) {
        let again = pb::PlaceOrderRequest { idempotency_key: format!("own-{at}"), ..request.clone() };
        assert_eq!(shop.place(again).await.unwrap().into_inner(), receipt);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_orders_at_once_are_as_many_orders() {
    let shop = Shop::open().await;

    let receipts = crowd(&shop, |at| pb::PlaceOrderRequest {
        idempotency_key: format!("own-{at}"),
        ..shop.cart(&[("G-1", 10)])
    })
    .await;

    let numbers: HashSet<_> = receipts.into_iter().map(|receipt| receipt.unwrap().number).collect();
    assert_eq!(numbers.len(), CROWD);
    let broken = "SELECT count(*) FROM orders WHERE state <> 'new' OR total <> 100";
    assert_eq!(shop.count(broken).await, 0);
    assert_eq!(shop.count("SELECT count(*) FROM sagas WHERE state <> 'done'").await, 0);
    assert_eq!(shop.count("SELECT count(*) FROM event_log").await, CROWD as i64);
    assert_eq!(shop.count("SELECT count(*) FROM audit_log").await, 2 * CROWD as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_units_are_sold_once() {
    let shop = Shop::open().await;

    let receipts = crowd(&shop, |at| pb::PlaceOrderRequest {
        idempotency_key: format!("own-{at}"),
        ..shop.cart(&[("B-1", 1)])
    })
    .await;

    assert_eq!(receipts.iter().filter(|receipt| receipt.is_ok()).count(), 5);
    assert_eq!(shop.count("SELECT count(*) FROM orders WHERE state = 'rejected'").await, CROWD as i64 - 5);
    assert_eq!(shop.them.state().stock["B-1"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_another_request_is_refused() {
    let shop = Shop::open().await;
    let request = shop.cart(&[("A-1", 1)]);
    shop.placed(request.clone()).await;

    let other = pb::PlaceOrderRequest { lines: vec![line("A-1", 2)], ..request };
    let refused = testing::refusal(shop.place(other).await);

    assert_eq!((refused.code, refused.reason.as_str()), (Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_two_shops_do_not_meet() {
    let shop = Shop::open().await;
    let (other_shop, other_source) = shop.add_shop();
    let here = shop.cart(&[("A-1", 1)]);
    let there = pb::PlaceOrderRequest {
        shop_id: other_shop.to_string(),
        source_id: other_source.to_string(),
        ..here.clone()
    };

    let (here, there) = (shop.placed(here).await, shop.placed(there).await);

    assert_ne!(here.order_id, there.order_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_id_for_another_order_is_refused_and_its_key_stays_free() {
    let shop = Shop::open().await;
    let first = pb::PlaceOrderRequest { external_id: "WEB-1".to_owned(), ..shop.cart(&[("A-1", 1)]) };
    let order = shop.placed(first.clone()).await;
    assert_eq!(order.external_ids[0].id, "WEB-1");

    let mut other = pb::PlaceOrderRequest { external_id: "WEB-1".to_owned(), ..shop.cart(&[("A-1", 2)]) };
    let answer = shop.place(other.clone()).await;
    let refused = refusal(&answer);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::AlreadyExists, "EXTERNAL_ID_TAKEN"));
    assert_eq!(facts(&answer)["order_id"], order.order_id);

    other.external_id = "WEB-2".to_owned();
    shop.placed(other).await;

    // Another source has ids of its own.
    let elsewhere = pb::PlaceOrderRequest {
        source_id: shop.marketplace.to_string(),
        idempotency_key: shop.key(),
        ..first
    };
    assert!(!shop.place(elsewhere).await.unwrap().into_inner().existing);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_order_stays_rejected_when_it_is_sent_again() {
    let shop = Shop::open().await;
    let request = shop.cart(&[("A-1", 11)]);

    let first = facts(&shop.place(request.clone()).await);
    let again = facts(&shop.place(request).await);

    assert_eq!(first, again);
    assert_eq!(shop.count("SELECT count(*) FROM orders").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_waits_for_the_order_that_is_being_placed() {
    let shop = Shop::open().await;
    shop.them.fail("OpenPayment", std::iter::repeat_n(Failure::Unavailable, 4));
    let request = shop.cart(&[("A-1", 1)]);

    let (first, second) = tokio::join!(shop.place(request.clone()), shop.place(request.clone()));

    let first = first.unwrap().into_inner();
    assert_eq!((first.total.clone(), second.unwrap().into_inner()), (uah("100.00"), first));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_takes_long_is_told_to_be_placing() {
    let shop = Shop::open().await;
    shop.them.fail("OpenPayment", std::iter::repeat_n(Failure::Unavailable, 12));
    let request = shop.cart(&[("A-1", 1)]);

    let undecided = shop.place(request.clone()).await.unwrap().into_inner();

    assert_eq!((undecided.state(), undecided.total.clone()), (pb::OrderState::Placing, None));
    assert!(!undecided.number.is_empty());
    let cancelled = testing::refusal(shop.cancel(&undecided.order_id).await);
    assert_eq!(
        (cancelled.code, cancelled.reason.as_str()),
        (Code::FailedPrecondition, "ORDER_STILL_PLACING")
    );
    shop.them.state().failures.clear();
    shop.eventually(&undecided.order_id, "the order is placed", |order| order.state() == pb::OrderState::New)
        .await;
    let again = shop.place(request).await.unwrap().into_inner();
    assert_eq!((again.order_id, again.total), (undecided.order_id, uah("100.00")));
}

/// What a crowd is answered that comes at once.
async fn crowd(
    shop: &Shop,
    request: impl Fn(usize) -> pb::PlaceOrderRequest,
) -> Vec<Result<pb::PlaceOrderResponse, tonic::Status>> {
    let calls = (0..CROWD).map(|at| {
        let (mut client, request) = (shop.client(), request(at));
        tokio::spawn(async move { client.place_order(request).await.map(tonic::Response::into_inner) })
    });
    let calls: Vec<_> = calls.collect();
    let mut answers = Vec::with_capacity(CROWD);
    for call in calls {
        answers.push(call.await.expect("no panic"));
    }
    answers
}
