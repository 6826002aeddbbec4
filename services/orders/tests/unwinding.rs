//! Every step and every undo may be refused, unreachable, or done without our hearing of it.

use proto::orders::v1 as pb;

use crate::neighbours::Failure;
use crate::shop::{Shop, facts, refusal};

/// The steps whose refusal rejects the order.
const STEPS: [&str; 4] = ["QuoteItems", "ReserveStock", "PlanDelivery", "OpenPayment"];
const UNDOS: [&str; 3] = ["ReleaseReservation", "CancelDelivery", "VoidPayment"];

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_cannot_be_reached_is_asked_again() {
    let shop = Shop::open().await;
    for step in STEPS {
        shop.them.fail(step, [Failure::Unavailable, Failure::AnswerLost, Failure::Unavailable]);

        let order = shop.placed(shop.parcel(&[("A-1", 1)])).await;

        assert_eq!(shop.events(&order.order_id).await, ["OrderPlaced"], "{step}");
    }
    assert_eq!(shop.them.state().stock["A-1"], 10 - STEPS.len() as i64);
    assert_eq!(shop.them.held().len(), 3 * STEPS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_step_undoes_what_was_done() {
    let shop = Shop::open().await;
    for step in STEPS {
        shop.them.fail(step, [Failure::AnswerLost, Failure::Refuse("NOT_TODAY")]);

        let answer = shop.place(shop.parcel(&[("A-1", 1)])).await;

        assert_eq!(refusal(&answer).reason, "NOT_TODAY", "{step}");
        let order = shop.order(&facts(&answer)["order_id"]).await;
        assert_eq!(order.rejection.unwrap().reason, "NOT_TODAY");
        assert!(shop.them.held().is_empty(), "{step}");
        assert_eq!(shop.them.state().stock["A-1"], 10, "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_is_asked_until_it_is_done() {
    let shop = Shop::open().await;
    for undo in UNDOS {
        shop.them.fail("OpenPayment", [Failure::AnswerLost, Failure::Refuse("NOT_TODAY")]);
        shop.them.fail(undo, [Failure::Unavailable, Failure::AnswerLost, Failure::Unavailable]);

        let answer = shop.place(shop.parcel(&[("A-1", 1)])).await;

        assert_eq!(testing::refusal(answer).reason, "NOT_TODAY", "{undo}");
        assert!(shop.them.held().is_empty(), "{undo}");
    }
    assert_eq!(shop.count("SELECT count(*) FROM sagas WHERE state <> 'undone'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_hangs_holds_up_one_attempt_only() {
    let shop = Shop::open().await;
    shop.them.fail("ReserveStock", [Failure::HangAfter]);

    let undecided = shop.place(shop.cart(&[("A-1", 1)])).await.unwrap().into_inner();

    assert_eq!(undecided.state(), pb::OrderState::Placing);
    shop.eventually(&undecided.order_id, "the order is placed", |order| order.state() == pb::OrderState::New)
        .await;
    assert_eq!(shop.them.state().stock["A-1"], 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_payment_is_opened_for_what_ran_out_a_moment_ago() {
    let shop = Shop::open().await;
    let too_many = async || {
        let answer = shop.place(shop.parcel(&[("A-1", 1_000), ("B-1", 1)])).await;
        assert_eq!(refusal(&answer).reason, "OUT_OF_STOCK");
        assert!(shop.them.held().is_empty());
        shop.them.calls("OpenPayment")
    };

    assert_eq!((too_many().await, too_many().await), (1, 1), "only the first could not know");

    let order = shop.placed(shop.parcel(&[("A-1", 1)])).await;
    assert!(shop.them.held().contains(&order.payment_id), "a wrong guess changes nothing");
    shop.placed(shop.parcel(&[("B-1", 1)])).await;
}
