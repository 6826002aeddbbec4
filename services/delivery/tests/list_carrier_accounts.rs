//! Listing accounts with carriers.

use proto::delivery::v1::{self as pb, CarrierKind};
use types::ShopId;

use crate::Yard;
use crate::outside::{account, create};

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_sees_its_own_and_those_of_every_shop() {
    let yard = Yard::open().await;
    let of = async |shop: String, name: &str| {
        let account = account(CarrierKind::Parcel, "http://a.example", "");
        create(&yard, pb::CarrierAccount { shop_id: shop, name: name.to_owned(), ..account }).await
    };
    of(String::new(), "everybody's").await;
    of(yard.shop.to_string(), "mine").await;
    of(ShopId::new().to_string(), "theirs").await;
    let names = |page: &pb::ListCarrierAccountsResponse| {
        page.carrier_accounts.iter().map(|account| account.name.clone()).collect::<Vec<_>>()
    };

    let first = pb::ListCarrierAccountsRequest { page_size: 2, ..Default::default() };
    let page = yard.delivery().list_carrier_accounts(first.clone()).await.expect("lists").into_inner();
    assert_eq!(names(&page), ["everybody's", "mine"]);
    let second = pb::ListCarrierAccountsRequest { page_token: page.next_page_token, ..first };
    let page = yard.delivery().list_carrier_accounts(second).await.expect("lists").into_inner();
    assert_eq!((names(&page), page.next_page_token.as_str()), (vec!["theirs".to_owned()], ""));

    let all = pb::ListCarrierAccountsRequest::default();
    let page = yard.partner_of(yard.shop).list_carrier_accounts(all).await.expect("lists").into_inner();
    assert_eq!(names(&page), ["everybody's", "mine"]);
    assert!(page.carrier_accounts.iter().all(|account| account.credentials.is_empty()));
}
