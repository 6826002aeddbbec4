//! What the codes of the parcel contract mean.

use super::code_map::{CodeMap, Meaning};
use crate::model::tracking_status::TrackingStatus as Is;

/// The table of `parcel.md`.
pub const PARCEL_CODES: CodeMap = CodeMap {
    version: 1,
    entries: &[
        ("100", Meaning::Status(Is::Pending)),
        ("200", Meaning::Status(Is::PickedUp)),
        ("300", Meaning::Status(Is::InTransit)),
        ("310", Meaning::Status(Is::InTransit)),
        ("400", Meaning::Status(Is::ReadyForPickup)),
        ("410", Meaning::Status(Is::ReadyForPickup)),
        ("500", Meaning::Status(Is::OutForDelivery)),
        ("510", Meaning::Trouble(Is::DeliveryFailed, "consignee_not_available")),
        ("520", Meaning::Trouble(Is::DeliveryDelayed, "carrier_not_enough_time")),
        ("530", Meaning::Trouble(Is::OnHold, "delivery_exception_hold")),
        ("600", Meaning::Status(Is::Delivered)),
        ("610", Meaning::Status(Is::Delivered)),
        ("620", Meaning::NoMovement),
        ("700", Meaning::Trouble(Is::ReturnToSender, "consignee_refused")),
        ("710", Meaning::Trouble(Is::ReturnToSender, "consignee_not_available")),
        ("800", Meaning::Status(Is::Cancelled)),
        ("900", Meaning::Trouble(Is::DeliveryFailed, "carrier_parcel_lost")),
    ],
};

/// The canonical reason of a reason of the contract; an unknown one says no more than its code.
pub fn incident_reason(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "refused" => "consignee_refused",
        "not_home" => "consignee_not_home",
        "not_available" => "consignee_not_available",
        "wrong_address" => "consignee_incorrect_address",
        "address_not_found" => "carrier_address_not_found",
        "closed" => "consignee_business_closed",
        "no_access" => "consignee_access_restricted",
        "damaged" => "carrier_damaged_parcel",
        "missorted" => "carrier_sorting_error",
        "lost" => "carrier_parcel_lost",
        "no_time" => "carrier_not_enough_time",
        "vehicle" => "carrier_vehicle_issue",
        "weather" => "weather_delay",
        "customs" => "customs_delay",
        "unpaid" => "payment_failed",
        _ => return None,
    })
}
