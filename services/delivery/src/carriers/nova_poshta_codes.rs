//! What the status codes of Nova Poshta mean. Others read some of them differently; every line here has a test.

use super::code_map::{CodeMap, Meaning};
use crate::model::tracking_status::TrackingStatus as Is;

/// The codes of `TrackingDocument.getStatusDocuments`.
pub const NOVA_POSHTA_CODES: CodeMap = CodeMap {
    version: 1,
    entries: &[
        // Created by the sender, not handed over.
        ("1", Meaning::Status(Is::Pending)),
        // Deleted.
        ("2", Meaning::Status(Is::Cancelled)),
        // Not found: so it is for a while after it was made.
        ("3", Meaning::NoMovement),
        ("4", Meaning::Status(Is::InTransit)),
        ("41", Meaning::Status(Is::InTransit)),
        ("5", Meaning::Status(Is::InTransit)),
        ("6", Meaning::Status(Is::InTransit)),
        // At the branch, at the locker.
        ("7", Meaning::Status(Is::ReadyForPickup)),
        ("8", Meaning::Status(Is::ReadyForPickup)),
        // Received; its cash is being sent; its cash was collected.
        ("9", Meaning::Status(Is::Delivered)),
        ("10", Meaning::Status(Is::Delivered)),
        ("11", Meaning::Status(Is::Delivered)),
        // The carrier has it and puts it together.
        ("12", Meaning::Status(Is::PickedUp)),
        // With the courier to the recipient, not back.
        ("101", Meaning::Status(Is::OutForDelivery)),
        // Refused, and the sender has ordered it back.
        ("102", Meaning::Trouble(Is::ReturnToSender, "consignee_refused")),
        // Refused; it still lies there, and may be sent elsewhere.
        ("103", Meaning::Trouble(Is::DeliveryFailed, "consignee_refused")),
        // On its way to another address.
        ("104", Meaning::Status(Is::InTransit)),
        ("105", Meaning::Trouble(Is::OnHold, "delivery_exception_undeliverable")),
        // Received; what goes back is another parcel.
        ("106", Meaning::Status(Is::Delivered)),
        ("111", Meaning::Trouble(Is::DeliveryFailed, "consignee_not_available")),
        ("112", Meaning::Trouble(Is::DeliveryDelayed, "consignee_not_available")),
        ("124", Meaning::Trouble(Is::DeliveryFailed, "carrier_parcel_lost")),
    ],
};
