//! A card is seen by the organisation and by the shops that have seen the person.

use proto::customers::v1 as pb;
use testing::refusal;
use tonic::Code;

use crate::desk::{Desk, nobody, sighting};

fn get(customer_id: &str) -> pb::GetCustomerRequest {
    pb::GetCustomerRequest { customer_id: customer_id.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_sees_the_people_it_has_seen() {
    let desk = Desk::open().await;
    let card = desk.seen("Ольга", "0671234567", "").await;
    let mut site = desk.partner(desk.site);
    let mut market = desk.partner(desk.market);
    assert_eq!(site.get_customer(get(&card)).await.unwrap().into_inner(), desk.card(&card).await);

    let foreign = market.get_customer(get(&card)).await.unwrap_err();
    let nobody = nobody();
    let absent = market.get_customer(get(&nobody)).await.unwrap_err();
    assert_eq!(
        (foreign.code(), rpc::reason(&foreign).as_deref()),
        (Code::NotFound, Some("CUSTOMER_NOT_FOUND"))
    );
    assert_eq!(foreign.message().replace(&card, ""), absent.message().replace(&nobody, ""));

    desk.identify(sighting(desk.market, "", "067 123 45 67", "")).await;
    assert!(market.get_customer(get(&card)).await.is_ok(), "from now on");
    assert_eq!(desk.history_of(&card).await.len(), 2, "that the shop has seen him is history too");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_has_its_shape() {
    let desk = Desk::open().await;
    for id in ["", "1", "ord_0192f0a1b2c3d4e5f60718293a4b5c6d"] {
        let refused = refusal(desk.operator().get_customer(get(id)).await);
        assert_eq!((refused.code, refused.fields), (Code::InvalidArgument, vec!["customer_id".to_owned()]));
    }
}
