//! Listing payments.

use proto::payments::v1::{ListPaymentsRequest, PaymentState};
use testing::refusal;
use types::{PaymentId, ShopId};

use crate::Till;

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_from_the_newest_to_the_oldest() {
    let till = Till::open().await;
    let mut opened = Vec::new();
    for _ in 0..5 {
        opened.push(till.bill_opened("1.00", "EUR").await);
    }
    till.void(&PaymentId::new().to_string()).await.expect("a tombstone is not listed");

    let mut listed = Vec::new();
    let mut request = ListPaymentsRequest { page_size: 2, ..Default::default() };
    loop {
        let page = till.payments().list_payments(request.clone()).await.expect("lists").into_inner();
        listed.extend(page.payments);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    opened.sort_by_key(|payment| {
        let time = payment.create_time.expect("a time");
        (time.seconds, time.nanos, payment.payment_id.clone())
    });
    opened.reverse();
    assert_eq!(listed, opened);

    request.shop_id = till.shop.to_string();
    assert_eq!(refusal(till.payments().list_payments(request).await).fields, ["page_token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_and_shops_separate() {
    let till = Till::open().await;
    let (first, second) = (till.bill_opened("1.00", "EUR").await, till.bill_opened("2.00", "EUR").await);
    let other_shop = ShopId::new();
    let mut foreign = till.bill("3.00", "EUR");
    foreign.shop_id = other_shop.to_string();
    let foreign = till.open_payment(&foreign).await.expect("opens").into_inner();
    let second = till.record(&second, "2.00", "k").await.expect("records").into_inner();

    let list = async |partner: Option<ShopId>, request: ListPaymentsRequest| {
        let mut client = partner.map_or_else(|| till.payments(), |shop| till.partner_of(shop));
        let listed = client.list_payments(request).await.expect("lists").into_inner().payments;
        listed.into_iter().map(|payment| payment.payment_id).collect::<Vec<_>>()
    };
    let by_order = ListPaymentsRequest { order_id: first.order_id.clone(), ..Default::default() };
    assert_eq!(list(None, by_order.clone()).await, [first.payment_id.as_str()]);
    assert_eq!(list(Some(other_shop), by_order).await, [""; 0]);
    let paid = ListPaymentsRequest { state: PaymentState::Succeeded.into(), ..Default::default() };
    assert_eq!(list(None, paid).await, [second.payment_id.as_str()]);
    let of_shop = ListPaymentsRequest { shop_id: other_shop.to_string(), ..Default::default() };
    assert_eq!(list(None, of_shop.clone()).await, [foreign.payment_id.as_str()]);
    assert_eq!(list(Some(till.shop), of_shop).await, [""; 0]);
    assert_eq!(
        list(Some(till.shop), ListPaymentsRequest::default()).await,
        [second.payment_id, first.payment_id]
    );
    assert_eq!(list(None, ListPaymentsRequest::default()).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let till = Till::open().await;
    let request =
        ListPaymentsRequest { order_id: "x".into(), state: 99, shop_id: "y".into(), ..Default::default() };
    assert_eq!(
        refusal(till.payments().list_payments(request).await).fields,
        ["order_id", "shop_id", "state"]
    );
    let request = ListPaymentsRequest { page_size: 201, ..Default::default() };
    assert_eq!(refusal(till.payments().list_payments(request).await).fields, ["page_size"]);
}
