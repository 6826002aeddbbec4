//! Reading one parcel.

use proto::delivery::v1::{GetShipmentRequest, ListShipmentsRequest, TrackingStatus};
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

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_is_read_as_it_was_at_one_moment() {
    for alone in [true, false] {
        let yard = Yard::open().await;
        let parcel = yard.booked().await;
        yard.track(&parcel, TrackingStatus::PickedUp, 0).await.expect("tracks");
        let database = yard.world.database("delivery").client().await;
        let change = "UPDATE shipments SET tracking_number = 'changed'; DELETE FROM tracking_events";
        let (mut client, shipment_id) = (yard.delivery(), parcel.shipment_id);
        // It has read the parcel, and not its events.
        let read = testing::during(&database, "tracking_events", change, async move {
            if alone {
                return client
                    .get_shipment(GetShipmentRequest { shipment_id })
                    .await
                    .expect("reads")
                    .into_inner();
            }
            let listed = client.list_shipments(ListShipmentsRequest::default()).await.expect("lists");
            listed.into_inner().shipments.remove(0)
        });
        let read = read.await;
        let moment = (read.tracking_number == "changed", read.events.len());
        assert!([(false, 1), (true, 0)].contains(&moment), "either is a moment, no mixture is: {moment:?}");
    }
}
