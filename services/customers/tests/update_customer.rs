//! Cards are changed by hand: with mask and etag, and never at another card's expense.

use proto::customers::v1 as pb;
use testing::refusal;
use tonic::Code;

use crate::desk::{Desk, nobody, sighting};

fn update(customer: pb::Customer, paths: &[&str]) -> pb::UpdateCustomerRequest {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    pb::UpdateCustomerRequest {
        customer: Some(customer),
        update_mask: Some(prost_types::FieldMask { paths }),
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn masked_fields_change_and_lead_to_the_card() {
    let desk = Desk::open().await;
    let id = desk.seen("Ольга", "0671234567", "olha@example.com").await;
    let wanted = pb::Customer {
        name: "Ольга Петренко".to_owned(),
        phones: texts(&["050 123 45 67", "067 123 45 67"]),
        emails: Vec::new(),
        note: "ignored".to_owned(),
        ..desk.card(&id).await
    };
    let request = update(wanted, &["name", "phones", "emails"]);

    let changed = desk.operator().update_customer(request.clone()).await.unwrap().into_inner();
    let repeated = desk.operator().update_customer(request).await.unwrap().into_inner();

    assert_eq!(changed.name, "Ольга Петренко");
    assert_eq!(changed.phones, ["+380501234567", "+380671234567"], "in the order given");
    assert_eq!((changed.emails.len(), changed.note.as_str(), changed.etag.as_str()), (0, "", "2"));
    assert_eq!(desk.card(&id).await, changed);
    assert_eq!(repeated, changed, "a repeat finds it done");
    assert_eq!(desk.seen("", "0501234567", "").await, id);
    assert_ne!(desk.seen("", "", "olha@example.com").await, id, "the e-mail is free again");
    assert_eq!(desk.history_of(&id).await, ["customers.identify_customer", "customers.update_customer"]);
    assert_eq!(desk.events_of(&id).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_etag_is_refused_with_the_current_one() {
    let desk = Desk::open().await;
    let id = desk.seen("Ольга", "0671234567", "").await;
    let card = desk.card(&id).await;
    let noted = |note: &str| update(pb::Customer { note: note.to_owned(), ..card.clone() }, &["note"]);
    desk.operator().update_customer(noted("дзвонити після 18")).await.unwrap();

    let late = desk.operator().update_customer(noted("не дзвонити")).await.unwrap_err();
    assert_eq!((late.code(), rpc::reason(&late).as_deref()), (Code::Aborted, Some("ETAG_MISMATCH")));
    assert_eq!(rpc::metadata(&late)["current_etag"], "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contact_of_another_card_is_refused_naming_it_to_those_who_may_see_it() {
    let desk = Desk::open().await;
    let olha = desk.seen("Ольга", "0671234567", "").await;
    let ivan =
        desk.identify(sighting(desk.market, "Іван", "0501234567", "ivan@example.com")).await.customer_id;
    let take = |paths: &[&str]| {
        let emails = texts(&["olha@example.com", "IVAN@example.com"]);
        update(
            pb::Customer {
                customer_id: olha.clone(),
                phones: texts(&["0501234567"]),
                emails,
                ..Default::default()
            },
            paths,
        )
    };

    let taken = desk.operator().update_customer(take(&["phones"])).await.unwrap_err();
    assert_eq!((taken.code(), rpc::reason(&taken).as_deref()), (Code::AlreadyExists, Some("IDENTITY_TAKEN")));
    let facts = rpc::metadata(&taken);
    assert_eq!(
        (facts["field"].as_str(), facts["customer_id"].as_str()),
        ("customer.phones[0]", ivan.as_str())
    );

    let taken = desk.operator().update_customer(take(&["emails"])).await.unwrap_err();
    assert_eq!(rpc::metadata(&taken)["field"], "customer.emails[1]");

    let taken = desk.partner(desk.site).update_customer(take(&["phones"])).await.unwrap_err();
    assert_eq!(rpc::reason(&taken).as_deref(), Some("IDENTITY_TAKEN"));
    assert!(!rpc::metadata(&taken).contains_key("customer_id"), "the site has never seen Ivan");
    assert_eq!(desk.card(&olha).await.phones, ["+380671234567"], "nothing changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_card_is_like_an_absent_one() {
    let desk = Desk::open().await;
    let card = desk.seen("Ольга", "0671234567", "").await;
    for (mut client, id) in [(desk.partner(desk.market), card), (desk.operator(), nobody())] {
        let renamed = pb::Customer { customer_id: id, name: "Мій".to_owned(), ..Default::default() };
        let refused = refusal(client.update_customer(update(renamed, &["name"])).await);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "CUSTOMER_NOT_FOUND"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_by_field() {
    let desk = Desk::open().await;
    let card = desk.card(&desk.seen("Ольга", "0671234567", "").await).await;
    let cases = [
        (pb::UpdateCustomerRequest { customer: None, ..update(card.clone(), &["name"]) }, "customer"),
        (update(card.clone(), &[]), "update_mask"),
        (update(card.clone(), &["order_count"]), "update_mask"),
        (
            update(pb::Customer { customer_id: "7".to_owned(), ..card.clone() }, &["name"]),
            "customer.customer_id",
        ),
        (update(pb::Customer { etag: "x".to_owned(), ..card.clone() }, &["name"]), "customer.etag"),
        (update(pb::Customer { name: "n".repeat(201), ..card.clone() }, &["name"]), "customer.name"),
        (update(pb::Customer { note: "n".repeat(4001), ..card.clone() }, &["note"]), "customer.note"),
        (
            update(pb::Customer { phones: texts(&["067 123 45 67", "12"]), ..card.clone() }, &["phones"]),
            "customer.phones[1]",
        ),
        (
            update(
                pb::Customer { phones: texts(&["0671234567", "067 1234567"]), ..card.clone() },
                &["phones"],
            ),
            "customer.phones[1]",
        ),
        (update(pb::Customer { phones: texts(&["0"; 21]), ..card.clone() }, &["phones"]), "customer.phones"),
        (update(pb::Customer { emails: texts(&["olha"]), ..card }, &["emails"]), "customer.emails[0]"),
    ];
    for (request, field) in cases {
        let refused = refusal(desk.operator().update_customer(request).await);
        assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec![field.to_owned()]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_being_taken_ends_on_one_card() {
    let desk = Desk::open().await;
    let olha = desk.seen("Ольга", "0671234567", "").await;
    for at in 0..20 {
        let phone = format!("050111{at:04}");
        let wanted = pb::Customer {
            customer_id: olha.clone(),
            phones: texts(&["0671234567", &phone]),
            ..Default::default()
        };
        let mut operator = desk.operator();
        let (updated, seen) =
            tokio::join!(operator.update_customer(update(wanted, &["phones"])), desk.seen("", &phone, ""));
        match updated {
            Ok(_) => assert_eq!(seen, olha),
            Err(refused) => {
                assert_eq!(rpc::reason(&refused).as_deref(), Some("IDENTITY_TAKEN"));
                assert_ne!(seen, olha);
            }
        }
    }
    assert_eq!(desk.count("SELECT count(*) FROM customers WHERE version < 1").await, 0);
}
