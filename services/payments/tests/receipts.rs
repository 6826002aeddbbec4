//! Fiscal receipts of what came in and what went back.

use std::time::Duration;

use proto::payments::v1::{
    self as pb, ListReceiptsRequest, PaymentMethod, ProviderKind, ReceiptKind, ReceiptState,
    RetryReceiptRequest,
};
use simulators::{Effect, Fault};
use testing::{eventually, refusal};
use types::{ReceiptId, ShopId};

use crate::card_shop::{CardShop, map};
use crate::money;

/// A shop with a registrar.
async fn registered_shop() -> CardShop {
    let shop = CardShop::taking().await;
    add_registrar(&shop).await;
    shop.simulators.faults("fiscal").settle(Duration::from_millis(50)).hang(Duration::from_millis(20));
    shop
}

/// An account at the simulated registrar.
pub async fn add_registrar(shop: &CardShop) -> pb::PaymentAccount {
    let registrar = pb::PaymentAccount {
        shop_id: shop.till.shop.to_string(),
        kind: ProviderKind::Atol.into(),
        name: "Receipts".to_owned(),
        base_url: shop.simulators.url("fiscal"),
        credentials: map(&[("login", "shop"), ("password", "long enough")]),
        settings: map(&[
            ("group_code", "main"),
            ("tax_number", "7701234567"),
            ("payment_place", "https://shop.example"),
            ("seller_mailbox", "shop@shop.example"),
            ("fallback_mailbox", "receipts@shop.example"),
        ]),
        enabled: true,
        ..Default::default()
    };
    shop.add(registrar).await
}

async fn receipts(shop: &CardShop, payment: &pb::Payment) -> Vec<pb::Receipt> {
    let request = ListReceiptsRequest { payment_id: payment.payment_id.clone(), ..Default::default() };
    shop.payments().list_receipts(request).await.expect("lists").into_inner().receipts
}

async fn until_all(
    shop: &CardShop,
    payment: &pb::Payment,
    count: usize,
    state: ReceiptState,
) -> Vec<pb::Receipt> {
    eventually("the receipts are settled", || async {
        shop.till.world.clock.advance(Duration::from_secs(5));
        let found = receipts(shop, payment).await;
        (found.len() == count && found.iter().all(|receipt| receipt.state() == state)).then_some(found)
    })
    .await
}

fn line(name: &str, quantity: i32, amount: &str) -> pb::ReceiptLine {
    let amount = Some(money(amount, "RUB"));
    pb::ReceiptLine { name: name.to_owned(), quantity, amount, tax_code: "vat20".to_owned() }
}

async fn bill_with_lines(shop: &CardShop) -> pb::Payment {
    let request = pb::OpenPaymentRequest {
        method: PaymentMethod::Card.into(),
        receipt_lines: vec![line("Tea", 3, "100.00"), line("Cup \"big\"", 1, "50.00")],
        ..shop.till.bill("150.00", "RUB")
    };
    shop.till.open_payment(&request).await.expect("opens").into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_capture_and_every_refund_has_one_receipt() {
    let shop = registered_shop().await;
    let payment = bill_with_lines(&shop).await;
    let request = pb::ConfirmPaymentRequest {
        receipt_contact: "buyer@example.com".to_owned(),
        ..shop.confirmation(&payment, "k")
    };
    let paid = shop.payments().confirm_payment(request).await.expect("confirms").into_inner();
    shop.till.refund(&paid, "30.00", "r").await.expect("refunds");
    let found = until_all(&shop, &paid, 2, ReceiptState::Done).await;

    let (back, sale) = (&found[0], &found[1]);
    assert_eq!((sale.kind(), back.kind()), (ReceiptKind::Sale, ReceiptKind::Refund));
    assert_eq!(sale.cause_id, paid.attempts[0].attempt_id);
    assert_eq!(sale.lines, [line("Tea", 3, "100.00"), line("Cup \"big\"", 1, "50.00")]);
    assert_eq!(back.lines, [line("Tea", 3, "20.00"), line("Cup \"big\"", 1, "10.00")], "in proportion");
    assert!(
        !sale.fiscal_document.is_empty() && !sale.fiscal_sign.is_empty() && !sale.fiscal_storage.is_empty()
    );
    let ledger = shop.simulators.ledger("fiscal");
    assert_eq!(ledger.repeated(Effect::ReceiptRegistered), Vec::<String>::new());
    assert_eq!(ledger.sum(Effect::ReceiptRegistered, &sale.receipt_id), 15_000);
    let told = shop.till.events_of(&sale.receipt_id).await;
    assert_eq!(told, ["2 ReceiptSettled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_a_refund_are_those_it_names() {
    let shop = registered_shop().await;
    let paid = bill_with_lines(&shop).await;
    shop.confirm(&paid, "k").await.expect("confirms");
    let request = pb::RefundPaymentRequest {
        receipt_lines: vec![line("Cup", 1, "50.00")],
        ..crate::claim(&paid, "50.00", "r")
    };
    shop.payments().refund_payment(request).await.expect("refunds");
    let found = until_all(&shop, &paid, 2, ReceiptState::Done).await;
    assert_eq!(found[0].lines, [line("Cup", 1, "50.00")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cash_has_receipts_too_and_without_lines_one_of_the_whole() {
    let shop = registered_shop().await;
    let cash = shop.till.bill_opened("10.00", "RUB").await;
    shop.till.record(&cash, "4.00", "in").await.expect("records");
    let found = until_all(&shop, &cash, 1, ReceiptState::Done).await;
    assert_eq!(found[0].lines.len(), 1);
    assert_eq!(found[0].lines[0].name, format!("Order {}", cash.order_id));
    assert_eq!(found[0].amount, Some(money("4.00", "RUB")));
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_expired_tokens_and_outages_make_no_second_receipt() {
    let shop = registered_shop().await;
    for fault in [
        Fault::TimeoutAfterEffect,
        Fault::TimeoutBeforeEffect,
        Fault::TokenExpired,
        Fault::Unavailable,
        Fault::RateLimit,
        Fault::Http200Error,
        Fault::ErrorAfterEffect,
        Fault::MalformedAnswer,
    ] {
        shop.simulators.faults("fiscal").next(fault);
        let cash = shop.till.bill_opened("10.00", "RUB").await;
        shop.till.record(&cash, "10.00", fault.name()).await.expect("records");
        until_all(&shop, &cash, 1, ReceiptState::Done).await;
    }
    let ledger = shop.simulators.ledger("fiscal");
    assert_eq!(ledger.repeated(Effect::ReceiptRegistered), Vec::<String>::new());
    assert_eq!(ledger.total_count(Effect::ReceiptRegistered), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_receipt_is_visible_and_can_be_sent_again() {
    let shop = registered_shop().await;
    shop.simulators.faults("fiscal").next(Fault::LateFailure);
    let cash = shop.till.bill_opened("10.00", "RUB").await;
    shop.till.record(&cash, "10.00", "in").await.expect("records");
    let refused = until_all(&shop, &cash, 1, ReceiptState::Failed).await.remove(0);
    assert!(!refused.failure_code.is_empty());
    let filter = ListReceiptsRequest {
        state: ReceiptState::Failed.into(),
        shop_id: shop.till.shop.to_string(),
        ..Default::default()
    };
    let listed = shop.payments().list_receipts(filter).await.expect("lists").into_inner();
    assert_eq!(listed.receipts, std::slice::from_ref(&refused));

    let request = RetryReceiptRequest { receipt_id: refused.receipt_id.clone() };
    let foreign = shop.till.partner_of(ShopId::new()).retry_receipt(request.clone()).await;
    assert_eq!(refusal(foreign).reason, "RECEIPT_NOT_FOUND");
    shop.payments().retry_receipt(request.clone()).await.expect("retries");
    until_all(&shop, &cash, 1, ReceiptState::Done).await;
    assert_eq!(refusal(shop.payments().retry_receipt(request).await).reason, "RECEIPT_NOT_FAILED");
    let absent = RetryReceiptRequest { receipt_id: ReceiptId::new().to_string() };
    assert_eq!(refusal(shop.payments().retry_receipt(absent).await).reason, "RECEIPT_NOT_FOUND");
    assert_eq!(shop.till.events_of(&refused.receipt_id).await, ["2 ReceiptSettled", "4 ReceiptSettled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_registrar_there_are_no_receipts_and_strangers_see_none() {
    let plain = CardShop::taking().await;
    let paid = plain.paid("10.00", "EUR").await;
    assert_eq!(receipts(&plain, &paid).await.len(), 0);

    let shop = registered_shop().await;
    let cash = shop.till.bill_opened("10.00", "RUB").await;
    shop.till.record(&cash, "10.00", "in").await.expect("records");
    let seen = shop.till.partner_of(ShopId::new()).list_receipts(ListReceiptsRequest::default()).await;
    assert_eq!(seen.expect("lists").into_inner().receipts.len(), 0);
    let seen = shop.till.partner_of(shop.till.shop).list_receipts(ListReceiptsRequest::default()).await;
    assert_eq!(seen.expect("lists").into_inner().receipts.len(), 1);
    let wrong = ListReceiptsRequest { state: 99, payment_id: "x".to_owned(), ..Default::default() };
    assert_eq!(refusal(shop.payments().list_receipts(wrong).await).fields, ["payment_id", "state"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_lines_than_the_registrar_takes_are_registered_with_their_whole_sum() {
    let shop = registered_shop().await;
    // 150 lines of 3 units for 1.00: no price of one unit comes out even.
    let request = pb::OpenPaymentRequest {
        method: PaymentMethod::Card.into(),
        receipt_lines: vec![line("Tea", 3, "1.00"); 150],
        ..shop.till.bill("150.00", "RUB")
    };
    let payment = shop.till.open_payment(&request).await.expect("opens").into_inner();
    shop.confirm(&payment, "k").await.expect("confirms");

    let found = until_all(&shop, &payment, 1, ReceiptState::Done).await;

    assert_eq!(found[0].lines.len(), 150, "here all are kept");
    let registered = shop.simulators.ledger("fiscal");
    assert_eq!(registered.sum(Effect::ReceiptRegistered, &found[0].receipt_id), 15_000);
}
