//! One person, one card: however the contacts are spelled, however many channels see him at once.

use std::collections::HashSet;

use futures_util::future::join_all;
use proto::customers::v1 as pb;
use testing::refusal;
use tonic::Code;

use crate::desk::{Desk, nobody, sighting};

const CREATED: &str = "korob.customers.v1.CustomerCreated";
const CHANGED: &str = "korob.customers.v1.CustomerChanged";

#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_leads_to_one_card() {
    let desk = Desk::open().await;
    let first = desk.identify(sighting(desk.site, "Ольга", "+380671234567", "Olha@Example.com")).await;
    assert!(first.created);
    let phones = ["0671234567", "067 123-45-67", "+38 (067) 123 45 67", "380671234567", "8 067 123 45 67"];
    let emails = ["olha@example.com", " OLHA@EXAMPLE.COM "];
    let spellings = phones.map(|phone| (phone, "")).into_iter().chain(emails.map(|email| ("", email)));
    for (phone, email) in spellings {
        let again = desk.identify(sighting(desk.site, "Оля", phone, email)).await;
        assert_eq!((again.customer_id, again.created), (first.customer_id.clone(), false), "{phone}{email}");
    }

    let card = desk.card(&first.customer_id).await;
    assert_eq!((card.name.as_str(), card.etag.as_str()), ("Ольга", "1"));
    assert_eq!(
        (card.phones, card.emails),
        (vec!["+380671234567".to_owned()], vec!["olha@example.com".to_owned()])
    );
    assert_eq!(desk.events_of(&first.customer_id).await, [CREATED], "who is known changes nothing");
    assert_eq!(desk.history_of(&first.customer_id).await, ["customers.identify_customer"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_are_read_as_in_the_country_of_the_order_or_the_shop() {
    let desk = Desk::open_in("RU").await;
    let shop_says = desk.identify(sighting(desk.site, "", "8 916 123-45-67", "")).await;
    assert_eq!(desk.card(&shop_says.customer_id).await.phones, ["+79161234567"]);

    let order_says = pb::IdentifyCustomerRequest {
        country_code: "PL".to_owned(),
        ..sighting(desk.site, "", "501 234 567", "")
    };
    let order_says = desk.identify(order_says).await;
    assert_eq!(desk.card(&order_says.customer_id).await.phones, ["+48501234567"]);

    let nobody_says = pb::IdentifyCustomerRequest {
        country_code: "ZZ".to_owned(),
        ..sighting(desk.site, "", "9161234567", "")
    };
    assert_eq!(desk.identify(nobody_says).await.customer_id, shop_says.customer_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_does_not_stop_what_can() {
    let desk = Desk::open().await;
    let by_email = desk.identify(sighting(desk.site, "", "позвоните мне", "olha@example.com")).await;
    assert!(by_email.created && by_email.phone_unreadable && !by_email.email_unreadable);
    let by_phone = desk.identify(sighting(desk.site, "", "0671234567", "olha at example")).await;
    assert!(by_phone.created && by_phone.email_unreadable && !by_phone.phone_unreadable);
    assert_ne!(by_email.customer_id, by_phone.customer_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_readable_contact_there_is_no_card() {
    let desk = Desk::open().await;
    for (phone, email) in [("", ""), (" ", "\t"), ("123", "olha")] {
        let refused = refusal(
            desk.orders_service().identify_customer(sighting(desk.site, "Ольга", phone, email)).await,
        );
        assert_eq!((refused.code, refused.reason.as_str()), (Code::InvalidArgument, "CONTACT_REQUIRED"));
    }
    assert_eq!(desk.count("SELECT count(*) FROM customers").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_by_field() {
    let desk = Desk::open().await;
    let good = sighting(desk.site, "Ольга", "0671234567", "");
    let cases = [
        (pb::IdentifyCustomerRequest { shop_id: String::new(), ..good.clone() }, "shop_id"),
        (pb::IdentifyCustomerRequest { shop_id: nobody(), ..good.clone() }, "shop_id"),
        (pb::IdentifyCustomerRequest { name: "n".repeat(201), ..good.clone() }, "name"),
        (pb::IdentifyCustomerRequest { name: "a\0".to_owned(), ..good.clone() }, "name"),
        (pb::IdentifyCustomerRequest { phone: "067\0".to_owned(), ..good.clone() }, "phone"),
        (pb::IdentifyCustomerRequest { phone: "0".repeat(401), ..good.clone() }, "phone"),
        (pb::IdentifyCustomerRequest { email: "o@e.\u{7}".to_owned(), ..good.clone() }, "email"),
        (pb::IdentifyCustomerRequest { country_code: "Ukraine".to_owned(), ..good }, "country_code"),
    ];
    for (request, field) in cases {
        let refused = refusal(desk.orders_service().identify_customer(request).await);
        assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec![field.to_owned()]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_sightings_of_one_new_person_make_one_card() {
    let desk = Desk::open().await;
    let sightings = (0..50).map(|at| {
        let shop = if at % 2 == 0 { desk.site } else { desk.market };
        let (phone, email) = [
            ("0671234567", ""),
            ("+38 067 123 45 67", "olha@example.com"),
            ("380671234567", "OLHA@example.com"),
        ][at % 3];
        desk.identify(sighting(shop, "Ольга", phone, email))
    });
    let answers = join_all(sightings).await;

    let cards: HashSet<_> = answers.iter().map(|answer| answer.customer_id.clone()).collect();
    assert_eq!(cards.len(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.created).count(), 1);
    assert_eq!(desk.count("SELECT count(*) FROM customers").await, 1);
    assert_eq!(desk.count("SELECT count(*) FROM customer_identities").await, 2);
    assert_eq!(desk.count("SELECT count(*) FROM customer_shops").await, 2);
    assert_eq!(desk.count("SELECT count(*) FROM event_log WHERE type LIKE '%CustomerCreated'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_gets_a_card_each() {
    let desk = Desk::open().await;
    let sightings =
        (0..300).map(|at| desk.identify(sighting(desk.site, "Покупець", &format!("06712{at:05}"), "")));
    let cards: HashSet<_> = join_all(sightings).await.into_iter().map(|answer| answer.customer_id).collect();
    assert_eq!(cards.len(), 300);
    assert_eq!(desk.count("SELECT count(*) FROM customers").await, 300);
    assert_eq!(desk.count("SELECT count(*) FROM event_log").await, 300);
    assert_eq!(desk.count("SELECT count(*) FROM audit_log").await, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_contact_is_added_to_the_known_card() {
    let desk = Desk::open().await;
    let card = desk.seen("Ольга", "0671234567", "").await;
    assert_eq!(desk.seen("", "0671234567", "olha@example.com").await, card);
    assert_eq!(desk.seen("", "0501234567", "olha@example.com").await, card);

    let found = desk.card(&card).await;
    assert_eq!(
        (found.phones, found.emails),
        (vec!["+380671234567".into(), "+380501234567".into()], vec!["olha@example.com".into()])
    );
    assert_eq!(found.etag, "3");
    assert_eq!(desk.events_of(&card).await, [CREATED, CHANGED, CHANGED]);
    assert_eq!(desk.history_of(&card).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_cards_are_never_merged_on_their_own() {
    let desk = Desk::open().await;
    let by_phone = desk.seen("Ольга", "0671234567", "").await;
    let by_email = desk.seen("Іван", "", "ivan@example.com").await;

    assert_eq!(desk.seen("", "0671234567", "ivan@example.com").await, by_phone, "the card of the phone wins");
    assert_eq!(desk.seen("", "", "ivan@example.com").await, by_email, "the e-mail is not moved");
    assert_eq!(desk.card(&by_phone).await.emails, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_name_stays() {
    let desk = Desk::open().await;
    let card = desk.seen("", "0671234567", "").await;
    assert_eq!(desk.seen("  Ольга  ", "0671234567", "").await, card);
    assert_eq!(desk.seen("Оля", "0671234567", "").await, card);
    let found = desk.card(&card).await;
    assert_eq!((found.name.as_str(), found.etag.as_str()), ("Ольга", "2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn partners_do_not_identify() {
    let desk = Desk::open().await;
    let refused =
        refusal(desk.partner(desk.site).identify_customer(sighting(desk.site, "", "0671234567", "")).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::PermissionDenied, "INTERNAL_METHOD"));
}
