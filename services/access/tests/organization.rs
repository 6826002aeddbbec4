//! The organisation is there from the start and can be changed.

use proto::access::v1 as pb;
use testing::refusal;
use tonic::Code;

use crate::office::{Office, mask};

fn update(organization: pb::Organization, paths: &[&str]) -> pb::UpdateOrganizationRequest {
    pb::UpdateOrganizationRequest { organization: Some(organization), update_mask: mask(paths) }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_organization_that_counts_in_hryvnias() {
    let office = Office::open().await;
    let organization =
        office.operator().get_organization(pb::GetOrganizationRequest {}).await.unwrap().into_inner();
    assert!(organization.organization_id.starts_with("org_"));
    assert_eq!(organization.base_currency_code, "UAH");
    assert_eq!(organization.etag, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_masked_fields_change_and_history_is_written_once() {
    let office = Office::open().await;
    let wanted = pb::Organization {
        name: "ignored".to_owned(),
        base_currency_code: "EUR".to_owned(),
        ..Default::default()
    };
    let request = update(wanted, &["base_currency_code"]);

    let changed = office.operator().update_organization(request.clone()).await.unwrap().into_inner();
    let repeated = office.operator().update_organization(request).await.unwrap().into_inner();

    assert_eq!((changed.name.as_str(), changed.base_currency_code.as_str()), ("Organization", "EUR"));
    assert_eq!(repeated, changed, "a repeat finds it done");
    assert_eq!(office.history_of(&changed.organization_id).await, ["access.update_organization"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_etag_is_refused_with_the_current_one() {
    let office = Office::open().await;
    let mut operator = office.operator();
    let wanted =
        |name: &str| pb::Organization { name: name.to_owned(), etag: "1".to_owned(), ..Default::default() };
    operator.update_organization(update(wanted("Короб"), &["name"])).await.unwrap();

    let late = operator.update_organization(update(wanted("Скриня"), &["name"])).await.unwrap_err();
    assert_eq!(rpc::metadata(&late)["current_etag"], "2");
    let late = refusal(operator.update_organization(update(wanted("Скриня"), &["name"])).await);
    assert_eq!((late.code, late.reason.as_str()), (Code::Aborted, "ETAG_MISMATCH"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_by_field() {
    let office = Office::open().await;
    let good = pb::Organization {
        name: "Короб".to_owned(),
        base_currency_code: "UAH".to_owned(),
        ..Default::default()
    };
    let cases = [
        (pb::UpdateOrganizationRequest { organization: None, update_mask: mask(&["name"]) }, "organization"),
        (update(good.clone(), &[]), "update_mask"),
        (update(good.clone(), &["organization_id"]), "update_mask"),
        (update(pb::Organization { name: " ".to_owned(), ..good.clone() }, &["name"]), "organization.name"),
        (
            update(pb::Organization { name: "a\0b".to_owned(), ..good.clone() }, &["name"]),
            "organization.name",
        ),
        (
            update(
                pb::Organization { base_currency_code: "uah".to_owned(), ..good.clone() },
                &["base_currency_code"],
            ),
            "organization.base_currency_code",
        ),
        (update(pb::Organization { etag: "W/1".to_owned(), ..good }, &["name"]), "organization.etag"),
    ];
    for (request, field) in cases {
        let refused = refusal(office.operator().update_organization(request).await);
        assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec![field.to_owned()]));
    }
}
