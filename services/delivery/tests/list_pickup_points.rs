//! Branches and lockers of a city.

use proto::delivery::v1::{self as pb, CarrierKind, PickupPointKind};
use simulators::Fault;
use testing::refusal;
use tonic::Code;
use types::CarrierAccountId;

use crate::outside::Outside;

fn ask(outside: &Outside, city: &str) -> pb::ListPickupPointsRequest {
    pb::ListPickupPointsRequest {
        carrier_account_id: outside.account.carrier_account_id.clone(),
        city: city.to_owned(),
        page_size: 100,
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_branch_is_listed_once_and_remembered() {
    for (kind, city) in
        [(CarrierKind::Parcel, "київ"), (CarrierKind::NovaPoshta, "Київ"), (CarrierKind::Cdek, "Москва")]
    {
        let outside = Outside::open(kind).await;
        let mut request = ask(&outside, city);
        let mut codes = Vec::new();
        loop {
            let page = outside
                .yard
                .delivery()
                .list_pickup_points(request.clone())
                .await
                .expect("lists")
                .into_inner();
            codes.extend(page.pickup_points.iter().map(|point| point.code.clone()));
            assert!(page.pickup_points.iter().all(|point| point.kind() != PickupPointKind::Unspecified));
            // From here on nobody is asked.
            outside.carriers.faults(outside.system).probability(Fault::Unavailable, 1.0);
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert!(codes.len() > 1, "{kind:?}");
        assert!(codes.is_sorted_by(|one, other| one < other), "{kind:?}");

        let text = codes[1].clone();
        let one = pb::ListPickupPointsRequest { text: text.to_lowercase(), ..ask(&outside, city) };
        let found = outside.yard.delivery().list_pickup_points(one).await.expect("finds").into_inner();
        assert!(found.pickup_points.iter().any(|point| point.code == text), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_carrier_that_does_not_answer_is_said() {
    let outside = Outside::parcel().await;
    outside.carriers.faults("parcel").next(Fault::Unavailable);
    let refused = refusal(outside.yard.delivery().list_pickup_points(ask(&outside, "Львів")).await);
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Unavailable, "CARRIER_UNAVAILABLE"));
    let found = outside.yard.delivery().list_pickup_points(ask(&outside, "Львів")).await.expect("lists");
    assert_eq!(found.into_inner().pickup_points.len(), 40);

    let nowhere =
        outside.yard.delivery().list_pickup_points(ask(&outside, "Атлантида")).await.expect("lists");
    assert!(nowhere.into_inner().pickup_points.is_empty());
    assert_eq!(
        refusal(outside.yard.delivery().list_pickup_points(ask(&outside, " ")).await).fields,
        ["city"]
    );
    let mut absent = ask(&outside, "Львів");
    absent.carrier_account_id = CarrierAccountId::new().to_string();
    let refused = refusal(outside.yard.delivery().list_pickup_points(absent).await);
    assert_eq!(refused.reason, "CARRIER_ACCOUNT_NOT_FOUND");
}
