//! Listing parcels.

use proto::delivery::v1::{ListShipmentsRequest, TrackingStatus};
use testing::refusal;
use types::{ShipmentId, ShopId};

use crate::Yard;

async fn list(yard: &Yard, partner: Option<ShopId>, request: ListShipmentsRequest) -> Vec<String> {
    let mut client = partner.map_or_else(|| yard.delivery(), |shop| yard.partner_of(shop));
    let listed = client.list_shipments(request).await.expect("lists").into_inner().shipments;
    listed.into_iter().map(|parcel| parcel.shipment_id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_and_shops_separate() {
    let yard = Yard::open().await;
    let method = yard.offer_courier().await;
    let other_shop = ShopId::new();
    let mut booked = Vec::new();
    for shop in [yard.shop, yard.shop, other_shop] {
        let mut wish = yard.wish(&method);
        wish.shop_id = shop.to_string();
        let plan = yard.plan(&wish).await.expect("plans").into_inner();
        booked.push(yard.book(&plan, ShipmentId::new()).await.expect("books").into_inner());
    }
    yard.track(&booked[1], TrackingStatus::Delivered, 0).await.expect("tracks");
    let [first, second, foreign] = [0, 1, 2].map(|at: usize| booked[at].shipment_id.as_str());

    let all = ListShipmentsRequest::default();
    assert_eq!(list(&yard, None, all.clone()).await, [foreign, second, first]);
    assert_eq!(list(&yard, Some(yard.shop), all.clone()).await, [second, first]);
    let by_order = ListShipmentsRequest { order_id: booked[2].order_id.clone(), ..all.clone() };
    assert_eq!(list(&yard, None, by_order.clone()).await, [foreign]);
    assert_eq!(list(&yard, Some(yard.shop), by_order).await, [""; 0]);
    let delivered = ListShipmentsRequest { status: TrackingStatus::Delivered.into(), ..all.clone() };
    assert_eq!(list(&yard, None, delivered).await, [second]);
    let of_shop = ListShipmentsRequest { shop_id: other_shop.to_string(), ..all };
    assert_eq!(list(&yard, None, of_shop.clone()).await, [foreign]);
    assert_eq!(list(&yard, Some(yard.shop), of_shop).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_from_the_newest_to_the_oldest() {
    let yard = Yard::open().await;
    let mut booked = Vec::new();
    for _ in 0..3 {
        booked.push(yard.booked().await.shipment_id);
    }
    let mut request = ListShipmentsRequest { page_size: 2, ..Default::default() };
    let page = yard.delivery().list_shipments(request.clone()).await.expect("lists").into_inner();
    request.page_token = page.next_page_token;
    let last = yard.delivery().list_shipments(request.clone()).await.expect("lists").into_inner();
    assert_eq!(last.next_page_token, "");
    let listed = page.shipments.into_iter().chain(last.shipments).map(|parcel| parcel.shipment_id);
    booked.reverse();
    assert_eq!(listed.collect::<Vec<_>>(), booked);
    request.shop_id = yard.shop.to_string();
    assert_eq!(refusal(yard.delivery().list_shipments(request).await).fields, ["page_token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_named() {
    let yard = Yard::open().await;
    let request =
        ListShipmentsRequest { order_id: "x".into(), shop_id: "x".into(), status: 99, ..Default::default() };
    assert_eq!(
        refusal(yard.delivery().list_shipments(request).await).fields,
        ["order_id", "shop_id", "status"]
    );
}
