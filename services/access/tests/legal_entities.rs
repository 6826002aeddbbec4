//! Legal entities: made once per key, listed by name, seen by those whose shops belong to them.

use proto::access::v1 as pb;
use testing::refusal;
use tonic::Code;

use crate::office::{Office, READ, WRITE, create, key, nobody};

fn names(page: &pb::ListLegalEntitiesResponse) -> Vec<&str> {
    page.legal_entities.iter().map(|entity| entity.name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_answers_the_same_bytes_and_another_request_is_refused() {
    let office = Office::open().await;
    let mut operator = office.operator();
    let entity = pb::LegalEntity {
        name: "ТОВ «Короб»".to_owned(),
        tax_id: "12345678".to_owned(),
        ..Default::default()
    };
    let request = pb::CreateLegalEntityRequest { legal_entity: Some(entity), idempotency_key: key() };

    let first = operator.create_legal_entity(request.clone()).await.unwrap().into_inner();
    let repeat = operator.create_legal_entity(request.clone()).await.unwrap().into_inner();
    let mut other = request;
    other.legal_entity.as_mut().unwrap().name = "ФОП".to_owned();
    let refused = refusal(operator.create_legal_entity(other).await);

    assert_eq!(first, repeat);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED"));
    assert_eq!(office.history_of(&first.legal_entity_id).await, ["access.create_legal_entity"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_the_names() {
    let office = Office::open().await;
    for name in ["Б", "А", "В", "А"] {
        office.entity(name).await;
    }
    let mut request = pb::ListLegalEntitiesRequest { page_size: 3, ..Default::default() };
    let first = office.operator().list_legal_entities(request.clone()).await.unwrap().into_inner();
    request.page_token = first.next_page_token.clone();
    let second = office.operator().list_legal_entities(request).await.unwrap().into_inner();

    assert_eq!(names(&first), ["А", "А", "Б"]);
    assert_eq!(names(&second), ["В"]);
    assert_eq!(second.next_page_token, "");

    let forged = pb::ListLegalEntitiesRequest { page_token: "AAAA".to_owned(), ..Default::default() };
    assert_eq!(refusal(office.operator().list_legal_entities(forged).await).fields, ["page_token"]);
    let huge = pb::ListLegalEntitiesRequest { page_size: 201, ..Default::default() };
    assert_eq!(refusal(office.operator().list_legal_entities(huge).await).fields, ["page_size"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_those_of_his_shops_a_manager_all() {
    let office = Office::open().await;
    let (mine, _foreign) = (office.shop("mine").await, office.shop("foreign").await);

    let list = pb::ListLegalEntitiesRequest::default;
    let seen = office.partner(&[&mine], &[READ]).list_legal_entities(list()).await.unwrap().into_inner();
    let managed =
        office.partner(&[&mine], &[READ, WRITE]).list_legal_entities(list()).await.unwrap().into_inner();

    assert_eq!(names(&seen), ["Owner of mine"]);
    assert_eq!(names(&managed), ["Owner of foreign", "Owner of mine"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_needs_an_entity_that_exists() {
    let office = Office::open().await;
    let shop = pb::Shop { legal_entity_id: nobody("ent"), ..office.described("orphan").await };
    let refused = refusal(office.operator().create_shop(create(shop.clone())).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "LEGAL_ENTITY_NOT_FOUND"));

    let made = office.shop("a shop").await;
    let moved = pb::Shop { legal_entity_id: shop.legal_entity_id, ..made };
    let request =
        pb::UpdateShopRequest { shop: Some(moved), update_mask: crate::office::mask(&["legal_entity_id"]) };
    let refused = refusal(office.operator().update_shop(request).await);
    assert_eq!(refused.reason, "LEGAL_ENTITY_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_by_field() {
    let office = Office::open().await;
    let long = pb::LegalEntity {
        name: "n".repeat(201),
        tax_id: "t".repeat(41),
        bank_details: "b".repeat(4001),
        ..Default::default()
    };
    let request = pb::CreateLegalEntityRequest { legal_entity: Some(long), idempotency_key: String::new() };
    let refused = refusal(office.operator().create_legal_entity(request).await);
    assert_eq!(refused.code, Code::InvalidArgument);
    let all = ["idempotency_key", "legal_entity.name", "legal_entity.tax_id", "legal_entity.bank_details"];
    assert_eq!(refused.fields, all, "everything at once");

    let request = pb::CreateLegalEntityRequest { legal_entity: None, idempotency_key: key() };
    assert_eq!(refusal(office.operator().create_legal_entity(request).await).fields, ["legal_entity"]);
}
