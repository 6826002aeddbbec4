//! The buyer's page of a parcel.

use prost::Message;
use proto::delivery::v1::{GetTrackerRequest, TrackingStatus};
use testing::refusal;
use tonic::Code;

use crate::Yard;

#[tokio::test(flavor = "multi_thread")]
async fn a_tracker_shows_the_way_and_no_person() {
    let yard = Yard::open().await;
    let parcel = yard.booked().await;
    assert_eq!(parcel.tracker_code.len(), 32);
    yard.track(&parcel, TrackingStatus::PickedUp, 1).await.expect("leaves");
    yard.track(&parcel, TrackingStatus::DeliveryFailed, 2).await.expect("fails");
    let request = GetTrackerRequest { tracker_code: parcel.tracker_code.clone() };
    let tracker = yard.delivery().get_tracker(request).await.expect("shows").into_inner();
    assert_eq!(tracker.tracking_number, parcel.tracking_number);
    assert_eq!((tracker.status(), tracker.steps.len()), (TrackingStatus::DeliveryFailed, 2));
    let shown = String::from_utf8_lossy(&tracker.encode_to_vec()).into_owned();
    for hidden in ["Olena", "380501234567", "Khreshchatyk", "Ivan", "Kyiv", "1040", &parcel.order_id] {
        assert!(!shown.contains(hidden), "{hidden} is shown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_leads_nowhere() {
    let yard = Yard::open().await;
    let parcel = yard.booked().await;
    for code in [parcel.shipment_id[4..].to_owned(), "0".repeat(32), "short".to_owned(), "я".repeat(32)] {
        let refused = refusal(yard.delivery().get_tracker(GetTrackerRequest { tracker_code: code }).await);
        assert_eq!((refused.code, refused.reason.as_str()), (Code::NotFound, "SHIPMENT_NOT_FOUND"));
    }
    let refused = refusal(yard.delivery().get_tracker(GetTrackerRequest::default()).await);
    assert_eq!(refused.fields, ["tracker_code"]);
}
