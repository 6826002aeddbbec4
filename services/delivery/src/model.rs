//! The nouns: ways to deliver and what they cost, how an order is delivered, and where its parcel is.

pub mod address;
pub mod delivery_method;
pub mod delivery_method_rows;
pub mod delivery_plan;
pub mod delivery_plan_rows;
pub mod incident_reason;
pub mod shipment;
pub mod shipment_rows;
pub mod tariff;
pub mod tracking_status;
