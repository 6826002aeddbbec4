//! Codes of carriers that nobody has given a meaning.

use proto::delivery::v1::{ListUnmappedCodesRequest, TrackingStatus};

use crate::outside::Outside;
use crate::receive_carrier_webhook::{tell, told};

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_code_is_counted_and_moves_nothing() {
    let outside = Outside::parcel().await;
    let parcel = outside.booked().await;
    tell(&outside, &told(&parcel, "e-1", "200", 1)).await;
    for (event, code) in [("e-2", "777"), ("e-3", "777"), ("e-4", "778")] {
        tell(&outside, &told(&parcel, event, code, 2)).await;
    }
    let noted = outside.until(&parcel.shipment_id, "all are noted", |parcel| parcel.events.len() == 4).await;
    assert_eq!(noted.status(), TrackingStatus::PickedUp);
    assert_eq!(noted.events.iter().filter(|event| event.status() == TrackingStatus::Unknown).count(), 3);

    let first = ListUnmappedCodesRequest { page_size: 1, ..Default::default() };
    let page = outside.yard.delivery().list_unmapped_codes(first.clone()).await.expect("lists").into_inner();
    let code = &page.unmapped_codes[0];
    assert_eq!((code.carrier.as_str(), code.code.as_str(), code.count), ("parcel", "777", 2));
    assert_eq!(code.shipment_id, parcel.shipment_id);
    let mut partner = outside.yard.partner_of(types::ShopId::new());
    let told =
        partner.list_unmapped_codes(ListUnmappedCodesRequest::default()).await.expect("lists").into_inner();
    assert!(told.unmapped_codes.iter().all(|code| code.shipment_id.is_empty()));
    let second = ListUnmappedCodesRequest { page_token: page.next_page_token, ..first };
    let page = outside.yard.delivery().list_unmapped_codes(second).await.expect("lists").into_inner();
    assert_eq!((page.unmapped_codes[0].code.as_str(), page.next_page_token.as_str()), ("778", ""));
}
