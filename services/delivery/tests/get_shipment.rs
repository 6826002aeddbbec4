//! Reading one parcel.

use proto::delivery::v1::GetShipmentRequest;
use testing::refusal;
use tonic::Code;
use types::{ShipmentId, ShopId};

use crate::Yard;

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_parcel_answers_like_an_absent_one() {
    let yard = Yard::open().await;
    let parcel = yard.booked().await;
    let request = GetShipmentRequest { shipment_id: parcel.shipment_id.clone() };
    assert_eq!(
        yard.partner_of(yard.shop).get_shipment(request.clone()).await.expect("reads").into_inner(),
        parcel
    );

    let foreign = yard.partner_of(ShopId::new()).get_shipment(request).await.expect_err("foreign");
    let absent = GetShipmentRequest { shipment_id: ShipmentId::new().to_string() };
    let absent = yard.delivery().get_shipment(absent).await.expect_err("absent");
    assert_eq!((foreign.code(), foreign.message()), (absent.code(), absent.message()));
    assert_eq!(
        (foreign.code(), rpc::reason(&foreign).as_deref()),
        (Code::NotFound, Some("SHIPMENT_NOT_FOUND"))
    );
    let malformed = GetShipmentRequest { shipment_id: "shm_".to_owned() };
    assert_eq!(refusal(yard.delivery().get_shipment(malformed).await).fields, ["shipment_id"]);
}
