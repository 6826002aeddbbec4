//! Who changed a card, when and how.

use proto::customers::v1 as pb;
use testing::refusal;
use tonic::Code;

use crate::desk::{Desk, nobody};

fn history(customer_id: &str) -> pb::ListCustomerHistoryRequest {
    pb::ListCustomerHistoryRequest { customer_id: customer_id.to_owned(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn history_is_newest_first_and_names_the_actor() {
    let desk = Desk::open().await;
    let card = desk.seen("Ольга", "0671234567", "").await;
    desk.seen("", "0671234567", "olha@example.com").await;

    let page = pb::ListCustomerHistoryRequest { page_size: 1, ..history(&card) };
    let newest = desk.operator().list_customer_history(page.clone()).await.unwrap().into_inner();
    let oldest = pb::ListCustomerHistoryRequest { page_token: newest.next_page_token.clone(), ..page };
    let oldest = desk.operator().list_customer_history(oldest).await.unwrap().into_inner();

    let fields = |page: &pb::ListCustomerHistoryResponse| {
        page.entries[0].changes.iter().map(|change| change.field.clone()).collect::<Vec<_>>()
    };
    assert_eq!(fields(&newest), ["emails"]);
    assert_eq!(fields(&oldest), ["name", "phones", "seen_by_shop"]);
    assert_eq!(newest.entries[0].actor, "service:orders");
    assert_eq!(oldest.next_page_token, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_a_foreign_card_is_like_that_of_an_absent_one() {
    let desk = Desk::open().await;
    let card = desk.seen("Ольга", "0671234567", "").await;
    assert!(desk.partner(desk.site).list_customer_history(history(&card)).await.is_ok());
    for (mut client, id) in [(desk.partner(desk.market), card), (desk.operator(), nobody())] {
        let refused = refusal(client.list_customer_history(history(&id)).await);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "CUSTOMER_NOT_FOUND"));
    }
    assert_eq!(refusal(desk.operator().list_customer_history(history("x")).await).fields, ["customer_id"]);
}
