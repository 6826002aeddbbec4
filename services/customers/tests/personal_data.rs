//! Personal data stays where it can be erased: in the card and in the side table of history.

use proto::customers::v1 as pb;

use crate::desk::Desk;

const PERSONAL: [&str; 3] = ["Ольга", "380671234567", "olha@example.com"];

async fn text_of(desk: &Desk, table: &str) -> String {
    let sql = format!("SELECT coalesce(string_agg(t::text, E'\\n'), '') FROM {table} t");
    desk.world.database("customers").client().await.query_one(&sql, &[]).await.unwrap().get(0)
}

fn hexadecimal(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_events_nor_history_name_a_person() {
    let desk = Desk::open().await;
    let card = desk.seen("Ольга", "0671234567", "").await;
    desk.seen("", "0671234567", "olha@example.com").await;
    let noted = pb::Customer { note: "Ольга 380671234567".to_owned(), ..desk.card(&card).await };
    let update_mask = Some(prost_types::FieldMask { paths: vec!["note".to_owned()] });
    desk.operator()
        .update_customer(pb::UpdateCustomerRequest { customer: Some(noted), update_mask })
        .await
        .unwrap();

    for table in ["event_log", "audit_log"] {
        let text = text_of(&desk, table).await;
        assert_eq!(text.lines().count(), 3, "{table}");
        for personal in PERSONAL {
            assert!(
                !text.contains(personal) && !text.contains(&hexadecimal(personal)),
                "{personal} in {table}"
            );
        }
    }
    let side = text_of(&desk, "audit_personal").await;
    assert!(PERSONAL.iter().all(|personal| side.contains(personal)));
    assert!(side.lines().all(|row| row.contains(&card)), "keyed by the person");
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_the_side_rows_leaves_the_facts() {
    let desk = Desk::open().await;
    let card = desk.seen("Ольга", "0671234567", "olha@example.com").await;
    let history = pb::ListCustomerHistoryRequest { customer_id: card.clone(), ..Default::default() };
    let before = desk.operator().list_customer_history(history.clone()).await.unwrap().into_inner();

    let client = desk.world.database("customers").client().await;
    let erased = client.execute("DELETE FROM audit_personal WHERE person_id = $1", &[&card]).await.unwrap();

    assert_eq!(erased, 3);
    let after = desk.operator().list_customer_history(history).await.unwrap().into_inner();
    assert_eq!(after, before);
    assert!(after.entries[0].changes.iter().any(|change| change.new_value.contains("sha256:")));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_do_not_repeat_what_was_sent() {
    let desk = Desk::open().await;
    let phone = pb::ListCustomersRequest { phone: "0671234".to_owned(), ..Default::default() };
    let refused = desk.operator().list_customers(phone).await.unwrap_err();
    assert!(!format!("{refused:?}").contains("0671234"));
    let email = pb::ListCustomersRequest { email: "olha@".to_owned(), ..Default::default() };
    let refused = desk.operator().list_customers(email).await.unwrap_err();
    assert!(!format!("{refused:?}").contains("olha@"));
}
