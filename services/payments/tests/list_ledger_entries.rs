//! Listing the ledger.

use proto::payments::v1::{LedgerEntry, ListLedgerEntriesRequest};
use testing::refusal;
use types::ShopId;

use crate::Till;

async fn list(till: &Till, partner: Option<ShopId>, request: ListLedgerEntriesRequest) -> Vec<LedgerEntry> {
    let mut client = partner.map_or_else(|| till.payments(), |shop| till.partner_of(shop));
    client.list_ledger_entries(request).await.expect("lists").into_inner().entries
}

fn line(entry: &LedgerEntry) -> String {
    let side = |name, money: &Option<proto::r#type::v1::Money>| {
        money.as_ref().map(|money| format!("{name} {} {}", money.amount, money.currency_code))
    };
    let side = side("debit", &entry.debit).or(side("credit", &entry.credit)).expect("one side");
    format!("{} {side}", entry.account)
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_read_like_a_book() {
    let till = Till::open().await;
    let payment = till.bill_opened("10.00", "EUR").await;
    till.record(&payment, "10.00", "in").await.expect("records");
    till.refund(&payment, "3.00", "out").await.expect("refunds");

    let entries = list(&till, None, ListLedgerEntriesRequest::default()).await;

    let lines: Vec<_> = entries.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "receivable debit 10.00 EUR",
            "revenue credit 10.00 EUR",
            "bank debit 10.00 EUR",
            "receivable credit 10.00 EUR",
            "revenue debit 3.00 EUR",
            "refunds_payable credit 3.00 EUR",
            "refunds_payable debit 3.00 EUR",
            "bank credit 3.00 EUR",
        ]
    );
    assert!(entries.chunks(2).all(|pair| pair[0].posting_id == pair[1].posting_id));
    assert!(entries.is_sorted_by_key(|entry| entry.sequence));
    assert!(
        entries.iter().all(|entry| entry.order_id == payment.order_id && entry.shop_id == payment.shop_id)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_shops_separate_and_pages_follow() {
    let till = Till::open().await;
    let (first, second) = (till.bill_opened("1.00", "EUR").await, till.bill_opened("2.00", "EUR").await);
    let mut foreign = till.bill("3.00", "EUR");
    let other_shop = ShopId::new();
    foreign.shop_id = other_shop.to_string();
    till.open_payment(&foreign).await.expect("opens");

    let count = async |partner, request| list(&till, partner, request).await.len();
    let of_payment = ListLedgerEntriesRequest { payment_id: first.payment_id, ..Default::default() };
    assert_eq!(count(None, of_payment.clone()).await, 2);
    assert_eq!(count(Some(other_shop), of_payment).await, 0);
    let of_order = ListLedgerEntriesRequest { order_id: second.order_id, ..Default::default() };
    assert_eq!(count(None, of_order).await, 2);
    let of_account = ListLedgerEntriesRequest { account: "revenue".to_owned(), ..Default::default() };
    assert_eq!(count(None, of_account.clone()).await, 3);
    assert_eq!(count(Some(till.shop), of_account).await, 2);
    let of_shop = ListLedgerEntriesRequest { shop_id: other_shop.to_string(), ..Default::default() };
    assert_eq!(count(Some(till.shop), of_shop.clone()).await, 0);
    assert_eq!(count(None, of_shop).await, 2);

    let mut request = ListLedgerEntriesRequest { page_size: 4, ..Default::default() };
    let page = till.payments().list_ledger_entries(request.clone()).await.expect("lists").into_inner();
    request.page_token = page.next_page_token;
    let last = till.payments().list_ledger_entries(request).await.expect("lists").into_inner();
    assert_eq!((page.entries.len(), last.entries.len(), last.next_page_token.as_str()), (4, 2, ""));
    assert!(page.entries[3].sequence < last.entries[0].sequence);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let till = Till::open().await;
    let request = ListLedgerEntriesRequest {
        payment_id: "x".into(),
        order_id: "x".into(),
        account: "pocket".into(),
        shop_id: "x".into(),
        ..Default::default()
    };
    let refused = refusal(till.payments().list_ledger_entries(request).await);
    assert_eq!(refused.fields, ["payment_id", "order_id", "shop_id", "account"]);
}
