//! Opening an intent.

use proto::payments::v1::{self as pb, PaymentMethod, PaymentState};
use testing::{World, refusal};
use tonic::Code;
use types::{LegalEntityId, OrderId, PaymentId, ShopId};

use crate::card_shop::CardShop;
use crate::receipts::add_registrar;
use crate::{Till, money, sums};

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_waits_for_its_money_and_the_buyer_owes_it() {
    let till = Till::open().await;
    let request = till.bill("1040.00", "RUB");

    let payment = till.open_payment(&request).await.expect("opens").into_inner();

    assert_eq!(payment.state(), PaymentState::RequiresPayment);
    assert_eq!(sums(&payment), "1040.00 0.00 0.00");
    assert_eq!(payment.etag, "1");
    assert!(payment.instructions.contains(&request.order_id), "{}", payment.instructions);
    assert_eq!(till.balances().await, ["receivable=104000", "revenue=-104000"]);
    assert_eq!(till.events_of(&payment.payment_id).await, ["1 PaymentOpened"]);
    assert_eq!(till.history_of(&payment.payment_id).await, ["payments.open_payment"]);
    assert_eq!(till.get(&payment.payment_id).await.expect("reads").into_inner(), payment);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_finds_the_intent_as_it_is_now() {
    let till = Till::open().await;
    let request = till.bill("100.00", "UAH");
    let first = till.open_payment(&request).await.expect("opens").into_inner();
    assert_eq!(till.open_payment(&request).await.expect("repeats").into_inner(), first);

    let paid = till.record(&first, "40.00", "k1").await.expect("records").into_inner();
    assert_eq!(till.open_payment(&request).await.expect("repeats").into_inner(), paid);
    assert_eq!(till.events_of(&first.payment_id).await, ["1 PaymentOpened", "2 PaymentRecorded"]);
    assert_eq!(till.history_of(&first.payment_id).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_with_other_content_is_refused() {
    let till = Till::open().await;
    let first = till.bill("100.00", "UAH");
    till.open_payment(&first).await.expect("opens");

    let mut others = vec![first.clone(); 6];
    others[0].amount = Some(money("100.01", "UAH"));
    others[1].amount = Some(money("100.00", "EUR"));
    others[2].order_id = OrderId::new().to_string();
    others[3].shop_id = ShopId::new().to_string();
    others[4].method = PaymentMethod::CashOnDelivery.into();
    others[5].legal_entity_id = LegalEntityId::new().to_string();
    for other in others {
        let refused = refusal(till.open_payment(&other).await);
        assert_eq!(
            (refused.code, refused.reason.as_str()),
            (Code::AlreadyExists, "PAYMENT_MISMATCH"),
            "{other:?}"
        );
    }
    let mut same = first.clone();
    same.amount = Some(money("100.0", "UAH"));
    till.open_payment(&same).await.expect("the same sum written otherwise");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voided_id_is_not_opened_again() {
    let till = Till::open().await;
    let request = till.bill("5.00", "USD");
    till.open_payment(&request).await.expect("opens");
    till.void(&request.payment_id).await.expect("voids");

    let refused = refusal(till.open_payment(&request).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "PAYMENT_VOIDED"));
    assert_eq!(till.balances().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_to_pay_is_paid_at_once() {
    let till = Till::open().await;
    let payment = till.bill_opened("0.00", "EUR").await;
    assert_eq!(payment.state(), PaymentState::Succeeded);
    assert_eq!(till.balances().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn currencies_have_their_own_digits() {
    let till = Till::open().await;
    assert_eq!(sums(&till.bill_opened("1040", "JPY").await), "1040 0 0");
    assert_eq!(sums(&till.bill_opened("1.234", "KWD").await), "1.234 0.000 0.000");
    for (amount, currency) in [("0.5", "JPY"), ("1.2345", "KWD"), ("1.001", "EUR")] {
        let refused = refusal(till.open_payment(&till.bill(amount, currency)).await);
        assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["amount.amount".to_owned()]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_named() {
    let till = Till::open().await;
    let mut request = till.bill("-1.00", "EUR");
    request.payment_id = "pay_1".to_owned();
    request.order_id = String::new();
    request.shop_id = request.payment_id.clone();
    request.legal_entity_id = "\0".to_owned();
    request.method = 77;
    let refused = refusal(till.open_payment(&request).await);
    assert_eq!(refused.code, Code::InvalidArgument);
    assert_eq!(
        refused.fields,
        ["payment_id", "order_id", "shop_id", "legal_entity_id", "method", "amount.amount"]
    );

    let empty = refusal(till.open_payment(&Default::default()).await);
    assert_eq!(empty.fields, ["payment_id", "order_id", "shop_id", "method", "amount"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_cannot_open_payments() {
    let till = Till::open().await;
    let caller = World::partner(&[till.shop], &["payments.open"]);
    let channel = till.world.channel_as("payments", caller);
    let mut partner = proto::payments::v1::payment_service_client::PaymentServiceClient::new(channel);
    assert_eq!(refusal(partner.open_payment(till.bill("1.00", "EUR")).await).reason, "INTERNAL_METHOD");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_opens_each_intent_once() {
    let till = Till::open().await;
    let requests: Vec<_> = (0..60).map(|_| till.bill("10.00", "EUR")).collect();
    let mut calls = tokio::task::JoinSet::new();
    for request in requests.iter().chain(&requests).chain(&requests) {
        let (mut payments, request) = (till.payments(), request.clone());
        calls.spawn(async move { payments.open_payment(request).await });
    }
    let mismatching = requests.iter().map(|request| {
        let mut request = request.clone();
        request.amount = Some(money("11.00", "EUR"));
        request
    });
    let mut mismatches = tokio::task::JoinSet::new();
    for request in mismatching {
        let mut payments = till.payments();
        mismatches.spawn(async move { payments.open_payment(request).await });
    }
    let opened = calls.join_all().await.into_iter().filter(Result::is_ok).count();
    let others = mismatches.join_all().await.into_iter().filter(Result::is_ok).count();

    // Of the two contents of an id exactly one won.
    let client = till.world.database("payments").client().await;
    let count = async |sql: &str| client.query_one(sql, &[]).await.expect("counts").get::<_, i64>(0);
    assert_eq!(count("SELECT count(*) FROM payments").await, 60);
    assert_eq!(count("SELECT count(*) FROM event_log").await, 60);
    assert_eq!(count("SELECT count(*) FROM audit_log").await, 60);
    assert_eq!(count("SELECT count(*) FROM ledger_entries").await, 120);
    let lost = count("SELECT count(*) FROM payments WHERE amount = 1100").await as usize;
    assert_eq!((opened, others), ((60 - lost) * 3, lost));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_intent_that_cannot_be_stored_does_not_spoil_the_others() {
    let till = Till::open().await;
    let client = till.world.database("payments").client().await;
    let poison = "ALTER TABLE payments ADD CONSTRAINT poison CHECK (amount <> 66600)";
    client.batch_execute(poison).await.expect("poisons");

    let mut calls = tokio::task::JoinSet::new();
    for at in 0..40 {
        let amount = if at % 10 == 7 { "666.00" } else { "1.00" };
        let (mut payments, request) = (till.payments(), till.bill(amount, "EUR"));
        calls.spawn(async move { (amount, payments.open_payment(request).await) });
    }
    for (amount, answer) in calls.join_all().await {
        match amount {
            "1.00" => drop(answer.expect("the others are opened")),
            _ => assert_eq!(refusal(answer).reason, "INTERNAL"),
        }
    }
    assert_eq!(till.balances().await, ["receivable=3600", "revenue=-3600"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_receipts_say_is_kept_for_shops_with_a_registrar_only() {
    let shop = CardShop::taking().await;
    let line = |name: &str| pb::ReceiptLine {
        name: name.to_owned(),
        quantity: 1,
        amount: Some(money("5.00", "RUB")),
        tax_code: String::new(),
    };
    let bill =
        || pb::OpenPaymentRequest { receipt_lines: vec![line("Tea")], ..shop.till.bill("5.00", "RUB") };
    let kept = async |payment_id: &str| {
        let client = shop.till.world.database("payments").client().await;
        let sql = "SELECT receipt_lines FROM payments WHERE payment_id::text = $1";
        let id: PaymentId = payment_id.parse().expect("an id");
        client.query_one(sql, &[&id.uuid().to_string()]).await.expect("looks").get::<_, String>(0)
    };
    let opened = async |request: pb::OpenPaymentRequest| {
        shop.till.open_payment(&request).await.expect("opens").into_inner().payment_id
    };

    assert_eq!(kept(&opened(bill()).await).await, "[]", "cards alone need none");
    let registrar = add_registrar(&shop).await;
    assert!(kept(&opened(bill()).await).await.contains("Tea"));
    let elsewhere = pb::OpenPaymentRequest { shop_id: ShopId::new().to_string(), ..bill() };
    assert_eq!(kept(&opened(elsewhere).await).await, "[]", "another shop");

    let request = pb::UpdatePaymentAccountRequest {
        payment_account: Some(pb::PaymentAccount { enabled: false, ..registrar }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["enabled".to_owned()] }),
    };
    shop.payments().update_payment_account(request).await.expect("disables");
    assert_eq!(kept(&opened(bill()).await).await, "[]");

    let many = pb::OpenPaymentRequest { receipt_lines: vec![line("Tea"); 1001], ..bill() };
    opened(many).await;
    let too_many = pb::OpenPaymentRequest { receipt_lines: vec![line("Tea"); 1002], ..bill() };
    assert_eq!(refusal(shop.till.open_payment(&too_many).await).fields, ["receipt_lines"]);
}
