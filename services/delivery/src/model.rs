//! The nouns: ways to deliver and what they cost, how an order is delivered, where its parcel is, and who carries it.

pub mod address;
pub mod carrier_account;
pub mod carrier_account_rows;
pub mod consignment;
pub mod delivery_method;
pub mod delivery_method_rows;
pub mod delivery_plan;
pub mod delivery_plan_rows;
pub mod incident;
pub mod incident_reason;
pub mod incident_rows;
pub mod label_rows;
pub mod shipment;
pub mod shipment_rows;
pub mod shipment_state;
pub mod tariff;
pub mod tracking_status;
pub mod unmapped_code_rows;
pub mod watch;
pub mod webhook_rows;
