//! The nouns every service shares: money, quantities, SKUs, typed ids and the clock. No input or output.

mod clock;
mod id;
mod money;
mod quantity;
mod sku;

pub use clock::Clock;
pub use id::{Id, IdError, Kind, kind};
pub use money::{Currency, Money, MoneyError};
pub use quantity::{Quantity, QuantityError};
pub use sku::{Sku, SkuError};

pub type AttemptId = Id<kind::Attempt>;
pub type BrandId = Id<kind::Brand>;
pub type CarrierAccountId = Id<kind::CarrierAccount>;
pub type CategoryId = Id<kind::Category>;
pub type CustomerId = Id<kind::Customer>;
pub type DeliveryMethodId = Id<kind::DeliveryMethod>;
pub type DeliveryPlanId = Id<kind::DeliveryPlan>;
pub type FulfilmentId = Id<kind::Fulfilment>;
pub type IncidentId = Id<kind::Incident>;
pub type ImportMappingId = Id<kind::ImportMapping>;
pub type KeyId = Id<kind::ApiKey>;
pub type LegalEntityId = Id<kind::LegalEntity>;
pub type LineId = Id<kind::OrderLine>;
pub type OrderId = Id<kind::Order>;
pub type OrganizationId = Id<kind::Organization>;
pub type PaymentAccountId = Id<kind::PaymentAccount>;
pub type PaymentId = Id<kind::Payment>;
pub type PriceListId = Id<kind::PriceList>;
pub type ProductId = Id<kind::Product>;
pub type ProviderNotificationId = Id<kind::ProviderNotification>;
pub type ReceiptId = Id<kind::Receipt>;
pub type RefundId = Id<kind::Refund>;
pub type ReservationId = Id<kind::Reservation>;
pub type ReturnId = Id<kind::Return>;
pub type ReturnPostingId = Id<kind::ReturnPosting>;
pub type ShipmentId = Id<kind::Shipment>;
pub type ShopId = Id<kind::Shop>;
pub type ShortageId = Id<kind::Shortage>;
pub type SourceId = Id<kind::ChannelAccount>;
pub type StockDocumentId = Id<kind::StockDocument>;
pub type TransferId = Id<kind::Transfer>;
pub type VariantId = Id<kind::Variant>;
pub type WarehouseId = Id<kind::Warehouse>;
