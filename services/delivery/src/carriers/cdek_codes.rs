//! What the statuses of CDEK mean.

use super::code_map::{CodeMap, Meaning};
use crate::model::tracking_status::TrackingStatus as Is;

/// The codes of `entity.statuses`.
pub const CDEK_CODES: CodeMap = CodeMap {
    version: 1,
    entries: &[
        ("ACCEPTED", Meaning::Status(Is::Pending)),
        ("CREATED", Meaning::Status(Is::Pending)),
        ("REMOVED", Meaning::Status(Is::Cancelled)),
        ("RECEIVED_AT_SENDER_WAREHOUSE", Meaning::Status(Is::PickedUp)),
        ("READY_FOR_SHIPMENT_IN_SENDER_CITY", Meaning::Status(Is::InTransit)),
        // Not handed to the transporter; it does not go back to the sender.
        ("RETURNED_TO_SENDER_CITY_WAREHOUSE", Meaning::Trouble(Is::DeliveryDelayed, "carrier_sorting_error")),
        ("TAKEN_BY_TRANSPORTER_FROM_SENDER_CITY", Meaning::Status(Is::InTransit)),
        ("SENT_TO_TRANSIT_CITY", Meaning::Status(Is::InTransit)),
        ("ACCEPTED_IN_TRANSIT_CITY", Meaning::Status(Is::InTransit)),
        ("ACCEPTED_AT_TRANSIT_WAREHOUSE", Meaning::Status(Is::InTransit)),
        ("SENT_TO_RECIPIENT_CITY", Meaning::Status(Is::InTransit)),
        ("ACCEPTED_IN_RECIPIENT_CITY", Meaning::Status(Is::InTransit)),
        ("ACCEPTED_AT_RECIPIENT_CITY_WAREHOUSE", Meaning::Status(Is::InTransit)),
        ("ACCEPTED_AT_PICK_UP_POINT", Meaning::Status(Is::ReadyForPickup)),
        ("TAKEN_BY_COURIER", Meaning::Status(Is::OutForDelivery)),
        // The courier brought it back to the warehouse: an attempt failed.
        (
            "RETURNED_TO_RECIPIENT_CITY_WAREHOUSE",
            Meaning::Trouble(Is::DeliveryFailed, "consignee_not_available"),
        ),
        ("DELIVERED", Meaning::Status(Is::Delivered)),
        ("NOT_DELIVERED", Meaning::Trouble(Is::ReturnToSender, "consignee_refused")),
    ],
};
