//! Cancelling an intent.

use proto::payments::v1::{self as pb, PaymentState, VoidPaymentRequest};
use simulators::{Effect, Fault};
use testing::refusal;
use tonic::Code;
use types::PaymentId;

use crate::card_shop::CardShop;
use crate::{Till, sums};

#[tokio::test(flavor = "multi_thread")]
async fn voiding_is_the_exact_opposite_of_opening() {
    let till = Till::open().await;
    let payment = till.bill_opened("100.00", "UAH").await;

    let voided = till.void(&payment.payment_id).await.expect("voids").into_inner();

    assert_eq!(voided.state(), PaymentState::Canceled);
    assert_eq!(sums(&voided), "100.00 0.00 0.00");
    assert_eq!(till.balances().await, Vec::<String>::new());
    assert_eq!(till.events_of(&payment.payment_id).await, ["1 PaymentOpened", "2 PaymentVoided"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_is_given_back() {
    let till = Till::open().await;
    let payment = till.bill_opened("100.00", "UAH").await;
    till.record(&payment, "60.00", "in").await.expect("records");
    till.refund(&payment, "20.00", "out").await.expect("refunds");

    let voided = till.void(&payment.payment_id).await.expect("voids").into_inner();

    assert_eq!(voided.state(), PaymentState::Canceled);
    assert_eq!(sums(&voided), "100.00 60.00 60.00");
    assert_eq!(voided.refunds[1].reason, "the order was cancelled");
    assert_eq!(till.balances().await, Vec::<String>::new());
    let told =
        ["1 PaymentOpened", "2 PaymentRecorded", "3 PaymentRefunded", "4 PaymentRefunded", "5 PaymentVoided"];
    assert_eq!(till.events_of(&payment.payment_id).await, told);
    assert_eq!(till.history_of(&payment.payment_id).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_changes_nothing() {
    let till = Till::open().await;
    let payment = till.bill_opened("7.00", "EUR").await;
    till.record(&payment, "7.00", "in").await.expect("records");
    let first = till.void(&payment.payment_id).await.expect("voids").into_inner();
    let second = till.void(&payment.payment_id).await.expect("voids again").into_inner();
    assert_eq!(first, second);
    assert_eq!(till.history_of(&payment.payment_id).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_id_is_remembered() {
    let till = Till::open().await;
    let late = till.bill("9.00", "EUR");

    let buried = till.void(&late.payment_id).await.expect("remembers").into_inner();
    assert_eq!(
        (buried.payment_id.as_str(), buried.state()),
        (late.payment_id.as_str(), PaymentState::Canceled)
    );
    assert_eq!(till.void(&late.payment_id).await.expect("again").into_inner(), buried);

    assert_eq!(refusal(till.open_payment(&late).await).reason, "PAYMENT_VOIDED");
    assert_eq!(refusal(till.get(&late.payment_id).await).reason, "PAYMENT_NOT_FOUND");
    assert_eq!(till.history_of(&late.payment_id).await, ["payments.void_payment"]);
    assert_eq!(till.events_of(&late.payment_id).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_of_opening_and_voiding_ends_voided() {
    let till = Till::open().await;
    for _ in 0..20 {
        let request = till.bill("3.00", "EUR");
        let (_, voided) = tokio::join!(till.open_payment(&request), till.void(&request.payment_id));
        assert_eq!(voided.expect("voids").into_inner().state(), PaymentState::Canceled);
        assert_eq!(refusal(till.open_payment(&request).await).reason, "PAYMENT_VOIDED");
    }
    assert_eq!(till.balances().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_of_paying_and_voiding_keeps_no_money() {
    let till = Till::open().await;
    for round in 0..20 {
        let payment = till.bill_opened("3.00", "EUR").await;
        let key = format!("k{round}");
        let (recorded, voided) =
            tokio::join!(till.record(&payment, "3.00", &key), till.void(&payment.payment_id));
        assert_eq!(voided.expect("voids").into_inner().state(), PaymentState::Canceled);
        if recorded.is_err() {
            assert_eq!(refusal(recorded).reason, "PAYMENT_VOIDED");
        }
    }
    assert_eq!(till.balances().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_id_is_named() {
    let till = Till::open().await;
    let request =
        VoidPaymentRequest { payment_id: String::new(), reason: "a\0b".to_owned(), ..Default::default() };
    let refused = refusal(till.payments().void_payment(request).await);
    assert_eq!(
        (refused.code, refused.fields),
        (Code::InvalidArgument, vec!["payment_id".into(), "reason".into()])
    );
    let id = PaymentId::new().to_string().to_uppercase();
    assert_eq!(refusal(till.void(&id).await).fields, ["payment_id"]);
}

/// What a new cancellation sends that must not void a payment that somebody has begun to pay.
fn giving_up(payment: &pb::Payment) -> VoidPaymentRequest {
    VoidPaymentRequest {
        payment_id: payment.payment_id.clone(),
        reason: "nobody pays".to_owned(),
        only_untouched: true,
        cancellation_id: PaymentId::new().to_string(),
        also_payment_ids: Vec::new(),
    }
}

async fn void_untouched(shop: &CardShop, payment: &pb::Payment) -> crate::Answer {
    shop.payments().void_payment(giving_up(payment)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_has_begun_to_pay_is_not_voided_when_asked_so() {
    let shop = CardShop::reserving().await;
    let reserved = shop.paid("5.00", "EUR").await;
    let refused = refusal(void_untouched(&shop, &reserved).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "PAYMENT_TOUCHED"));
    assert_eq!(shop.read(&reserved).await, reserved, "nothing changed");

    shop.simulators.faults("card").next(Fault::TimeoutAfterEffect);
    let unknown = shop.paid("5.00", "EUR").await;
    assert_eq!(unknown.state(), PaymentState::Processing);
    assert_eq!(refusal(void_untouched(&shop, &unknown).await).reason, "PAYMENT_TOUCHED");

    let cash = shop.till.bill_opened("5.00", "EUR").await;
    shop.till.record(&cash, "1.00", "k").await.expect("records");
    assert_eq!(refusal(void_untouched(&shop, &cash).await).reason, "PAYMENT_TOUCHED");

    shop.simulators.faults("card").next(Fault::Decline);
    let declined = shop.paid("5.00", "EUR").await;
    let voided = void_untouched(&shop, &declined).await.expect("nothing was taken").into_inner();
    assert_eq!(voided.state(), PaymentState::Canceled);
    assert_eq!(void_untouched(&shop, &declined).await.expect("a repeat").into_inner(), voided);
    let never = pb::Payment { payment_id: PaymentId::new().to_string(), ..declined };
    let tombstone = void_untouched(&shop, &never).await.expect("is remembered").into_inner();
    assert_eq!(tombstone.state(), PaymentState::Canceled);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_paying_and_giving_up_at_once_one_happens() {
    let shop = CardShop::taking().await;
    let mut paid_first = 0;
    for _ in 0..16 {
        let payment = shop.bill("5.00", "EUR").await;
        let (confirmed, voided) =
            tokio::join!(shop.confirm(&payment, &payment.payment_id), void_untouched(&shop, &payment));
        match (confirmed, voided) {
            (Ok(_), Err(refused)) => {
                assert_eq!(rpc::reason(&refused).as_deref(), Some("PAYMENT_TOUCHED"));
                shop.until_state(&payment, PaymentState::Succeeded).await;
                paid_first += 1;
            }
            (Err(refused), Ok(_)) => {
                assert_eq!(rpc::reason(&refused).as_deref(), Some("PAYMENT_VOIDED"));
            }
            both => panic!("both, or none: {both:?}"),
        }
    }
    assert_eq!(shop.did(Effect::Captured), paid_first, "nobody was charged for what was given up");
    assert_eq!(shop.did(Effect::Refunded), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_again_for_a_cancellation_gets_the_first_answer() {
    let shop = CardShop::reserving().await;
    shop.simulators.faults("card").next(Fault::ThreeDSecure);
    let payment = shop.paid("5.00", "EUR").await;
    let early = giving_up(&payment);
    let refused = refusal(shop.payments().void_payment(early.clone()).await);
    assert_eq!(refused.reason, "PAYMENT_TOUCHED");

    // The bank declines: what was begun has failed, and a copy of the request arrives late.
    shop.buyer_decides(&payment, "declined").await;
    shop.until_state(&payment, PaymentState::RequiresPayment).await;
    assert_eq!(refusal(shop.payments().void_payment(early.clone()).await), refused);
    assert_eq!(shop.read(&payment).await.state(), PaymentState::RequiresPayment);

    // Another cancellation decides anew, and voids it; for the first one that changes nothing.
    let voided = shop.payments().void_payment(giving_up(&payment)).await.expect("voids").into_inner();
    assert_eq!(voided.state(), PaymentState::Canceled);
    assert_eq!(refusal(shop.payments().void_payment(early.clone()).await), refused);

    let other = VoidPaymentRequest { payment_id: PaymentId::new().to_string(), ..early };
    assert_eq!(refusal(shop.payments().void_payment(other).await).reason, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_of_a_cancellation_that_arrive_together_get_one_answer() {
    let shop = CardShop::reserving().await;
    for _ in 0..8 {
        let payment = shop.bill("5.00", "EUR").await;
        let copy = giving_up(&payment);
        let (confirmed, one, other) = tokio::join!(
            shop.confirm(&payment, &payment.payment_id),
            async { shop.payments().void_payment(copy.clone()).await },
            async { shop.payments().void_payment(copy.clone()).await },
        );
        assert_eq!(one.is_ok(), other.is_ok(), "{one:?} and {other:?}");
        assert_eq!(one.is_ok(), confirmed.is_err(), "{one:?} and {confirmed:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_payments_of_an_order_are_voided_or_none() {
    let shop = CardShop::reserving().await;
    let (open, reserved) = (shop.bill("5.00", "EUR").await, shop.paid("2.00", "EUR").await);
    let never = PaymentId::new().to_string();
    let also = |ids: &[&String]| ids.iter().map(|id| (*id).clone()).collect();
    let ids = also(&[&reserved.payment_id, &never]);
    let both = VoidPaymentRequest { also_payment_ids: ids, ..giving_up(&open) };
    assert_eq!(refusal(shop.payments().void_payment(both).await).reason, "PAYMENT_TOUCHED");
    assert_eq!(shop.read(&open).await, open, "nothing changed");
    assert_eq!(shop.read(&reserved).await, reserved);
    let bill = pb::OpenPaymentRequest { payment_id: never.clone(), ..shop.card_bill("1.00", "EUR") };
    let later = shop.till.open_payment(&bill).await.expect("is not buried").into_inner();

    let ids = also(&[&later.payment_id, &open.payment_id]);
    let all = VoidPaymentRequest { also_payment_ids: ids, ..giving_up(&open) };
    let voided = shop.payments().void_payment(all.clone()).await.expect("voids").into_inner();
    assert_eq!((&voided.payment_id, voided.state()), (&open.payment_id, PaymentState::Canceled));
    assert_eq!(shop.read(&later).await.state(), PaymentState::Canceled);
    assert_eq!(shop.payments().void_payment(all).await.expect("a repeat").into_inner(), voided);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_without_a_name_is_refused() {
    let shop = CardShop::reserving().await;
    let right = giving_up(&shop.bill("5.00", "EUR").await);
    let fields = async |request| {
        let refused = refusal(shop.payments().void_payment(request).await);
        assert_eq!(refused.code, Code::InvalidArgument, "{refused:?}");
        refused.fields
    };
    for wrong in ["", "with space", "naïve", &"x".repeat(129)] {
        let request = VoidPaymentRequest { cancellation_id: wrong.to_owned(), ..right.clone() };
        assert_eq!(fields(request).await, ["cancellation_id"], "{wrong:?}");
    }
    let also = vec![right.payment_id.clone(), "ord_1".to_owned()];
    let request = VoidPaymentRequest { also_payment_ids: also, ..right.clone() };
    assert_eq!(fields(request).await, ["also_payment_ids[1]"]);
    let also = vec![right.payment_id.clone(); 101];
    assert_eq!(fields(VoidPaymentRequest { also_payment_ids: also, ..right }).await, ["also_payment_ids"]);
}
