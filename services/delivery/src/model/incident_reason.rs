//! Why a parcel did not arrive: one closed list for all carriers.

/// The reasons a failure may have.
pub const INCIDENT_REASONS: [&str; 26] = [
    "carrier_damaged_parcel",
    "carrier_sorting_error",
    "carrier_address_not_found",
    "carrier_parcel_lost",
    "carrier_not_enough_time",
    "carrier_vehicle_issue",
    "consignee_refused",
    "consignee_business_closed",
    "consignee_not_available",
    "consignee_not_home",
    "consignee_incorrect_address",
    "consignee_access_restricted",
    "customs_delay",
    "customs_documentation",
    "customs_duties_unpaid",
    "weather_delay",
    "natural_disaster",
    "delivery_exception_hold",
    "delivery_exception_undeliverable",
    "data_invalid",
    "payment_failed",
    "storage_expiring",
    "no_movement",
    "never_scanned",
    "weight_differs",
    "unknown",
];

/// Whether `reason` is on the list.
pub fn is_incident_reason(reason: &str) -> bool {
    INCIDENT_REASONS.contains(&reason)
}
