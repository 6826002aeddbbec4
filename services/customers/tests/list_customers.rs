//! Cards are found by any spelling of a phone, by e-mail and by words of the name.

use proto::customers::v1 as pb;
use testing::refusal;

use crate::desk::{Client, Desk, sighting};

async fn found(client: &mut Client, request: pb::ListCustomersRequest) -> Vec<String> {
    let page = client.list_customers(request).await.unwrap().into_inner();
    page.customers.into_iter().map(|card| card.name).collect()
}

fn by_phone(phone: &str) -> pb::ListCustomersRequest {
    pb::ListCustomersRequest { phone: phone.to_owned(), ..Default::default() }
}

fn by_email(email: &str) -> pb::ListCustomersRequest {
    pb::ListCustomersRequest { email: email.to_owned(), ..Default::default() }
}

fn by_text(text: &str) -> pb::ListCustomersRequest {
    pb::ListCustomersRequest { text: text.to_owned(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_found_by_what_is_known_of_them() {
    let desk = Desk::open().await;
    desk.seen("Ольга Шевченко", "0671234567", "olha@example.com").await;
    desk.seen("Тарас Шевченко", "0501234567", "").await;
    let mut operator = desk.operator();

    assert_eq!(found(&mut operator, by_phone("8 (067) 123-45-67")).await, ["Ольга Шевченко"]);
    assert_eq!(found(&mut operator, by_phone("0631234567")).await, Vec::<String>::new());
    assert_eq!(found(&mut operator, by_email(" OLHA@example.com")).await, ["Ольга Шевченко"]);
    assert_eq!(found(&mut operator, by_text("шевченко")).await, ["Тарас Шевченко", "Ольга Шевченко"]);
    assert_eq!(found(&mut operator, by_text("ШЕВЧЕНКО, тарас")).await, ["Тарас Шевченко"]);
    assert_eq!(found(&mut operator, by_text("Шевч' OR 1=1 --")).await, Vec::<String>::new());
    let both = pb::ListCustomersRequest { email: "olha@example.com".to_owned(), ..by_phone("0501234567") };
    assert_eq!(found(&mut operator, both).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_finds_only_the_people_it_has_seen() {
    let desk = Desk::open().await;
    desk.seen("Ольга", "0671234567", "").await;
    desk.identify(sighting(desk.market, "Іван", "0501234567", "")).await;
    let mut market = desk.partner(desk.market);

    assert_eq!(found(&mut market, by_text("")).await, ["Іван"]);
    assert_eq!(found(&mut market, by_phone("0671234567")).await, Vec::<String>::new());
    assert_eq!(found(&mut market, by_text("Ольга")).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_newest_first_and_belong_to_their_filter() {
    let desk = Desk::open().await;
    for at in 0..5 {
        desk.seen(&format!("Покупець {at}"), &format!("067000000{at}"), "").await;
    }
    let mut request = pb::ListCustomersRequest { page_size: 2, ..by_text("покупець") };
    let (mut names, mut pages) = (Vec::new(), 0);
    loop {
        let page = desk.operator().list_customers(request.clone()).await.unwrap().into_inner();
        names.extend(page.customers.into_iter().map(|card| card.name));
        pages += 1;
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(pages, 3);
    assert_eq!(names, ["Покупець 4", "Покупець 3", "Покупець 2", "Покупець 1", "Покупець 0"]);
    request.text = "інший".to_owned();
    assert_eq!(refusal(desk.operator().list_customers(request).await).fields, ["page_token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_by_field() {
    let desk = Desk::open().await;
    let cases = [
        (by_phone("12"), "phone", "PHONE_UNREADABLE"),
        (by_email("olha"), "email", "EMAIL_UNREADABLE"),
        (by_text(&"n".repeat(201)), "text", "TOO_LONG"),
        (by_text("a\0"), "text", "CONTROL_CHARACTER"),
        (pb::ListCustomersRequest { page_size: -1, ..Default::default() }, "page_size", "OUT_OF_RANGE"),
    ];
    for (request, field, reason) in cases {
        let refused = refusal(desk.operator().list_customers(request).await);
        assert_eq!((refused.fields, refused.reason.as_str()), (vec![field.to_owned()], reason));
    }
}
