//! Why delivery refuses, and what the caller is told.

use rpc::Fault;
use tonic::Code;
use types::ShipmentId;

use crate::model::tracking_status::TrackingStatus;

/// The result of a verb or a decision.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal or a failure. No text names a person or a place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Invalid(#[from] rpc::Invalid),
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Absent, archived, or of another shop.
    #[error("there is no such delivery method")]
    DeliveryMethodNotFound,
    /// A partner's key would change what other shops offer.
    #[error("a method of every shop needs a caller of every shop; name one of your shops")]
    OrganizationWide,
    /// A shop the caller does not see.
    #[error("there is no such shop")]
    ShopNotFound,
    /// Somebody changed it meanwhile.
    #[error("the delivery method was changed meanwhile; read it again")]
    EtagMismatch { current: i64 },
    /// No tariff of the method holds for this address, weight and value.
    #[error("the method does not deliver there at this weight and value")]
    NoTariffFits,
    /// The method takes no cash.
    #[error("the method does not take cash on delivery")]
    CashOnDeliveryNotPossible,
    /// Only callers that sell at their own prices fix them.
    #[error("a fixed price needs the scope orders.price")]
    FixedPriceNotAllowed,
    /// The id belongs to another plan.
    #[error("this plan id was used with other content; a new plan needs a new id")]
    PlanMismatch,
    /// The plan was cancelled, perhaps before it was made.
    #[error("the delivery plan is cancelled; make another one")]
    PlanCancelled,
    /// No such plan.
    #[error("there is no such delivery plan")]
    DeliveryPlanNotFound,
    /// The parcel is on its way, or was.
    #[error("the parcel has left ({}); it can only come back", status.as_str())]
    ShipmentLeft { shipment_id: ShipmentId, status: TrackingStatus },
    /// The plan has a parcel already.
    #[error("the plan has a parcel already")]
    ShipmentExists { shipment_id: ShipmentId },
    /// The id belongs to the parcel of another plan.
    #[error("this shipment id belongs to another plan; a new shipment needs a new id")]
    ShipmentMismatch,
    /// Absent, or of a shop the caller does not see.
    #[error("there is no such shipment")]
    ShipmentNotFound,
    /// Nothing comes after this status.
    #[error("the parcel is {}; nothing comes after that", status.as_str())]
    ShipmentFinal { status: TrackingStatus },
    /// A parcel does not go from the one to the other.
    #[error("a parcel does not go from {} to {}", from.as_str(), to.as_str())]
    MoveNotAllowed { from: TrackingStatus, to: TrackingStatus },
}

impl Error {
    /// The code, the stable reason and the facts.
    fn fault(&self) -> Fault {
        let refuse = |code, reason| Fault::new(code, reason, self.to_string());
        match self {
            Self::Invalid(invalid) => Fault::invalid(invalid),
            Self::Store(error) => error.fault(),
            Self::DeliveryMethodNotFound => refuse(Code::NotFound, "DELIVERY_METHOD_NOT_FOUND"),
            Self::OrganizationWide => refuse(Code::PermissionDenied, "ORGANIZATION_WIDE"),
            Self::ShopNotFound => refuse(Code::NotFound, "SHOP_NOT_FOUND"),
            Self::EtagMismatch { current } => {
                refuse(Code::Aborted, "ETAG_MISMATCH").with("current_etag", current)
            }
            Self::NoTariffFits => refuse(Code::FailedPrecondition, "NO_TARIFF_FITS"),
            Self::CashOnDeliveryNotPossible => {
                refuse(Code::FailedPrecondition, "CASH_ON_DELIVERY_NOT_POSSIBLE")
            }
            Self::FixedPriceNotAllowed => refuse(Code::PermissionDenied, "FIXED_PRICE_NOT_ALLOWED"),
            Self::PlanMismatch => refuse(Code::AlreadyExists, "PLAN_MISMATCH"),
            Self::PlanCancelled => refuse(Code::FailedPrecondition, "PLAN_CANCELLED"),
            Self::DeliveryPlanNotFound => refuse(Code::NotFound, "DELIVERY_PLAN_NOT_FOUND"),
            Self::ShipmentLeft { shipment_id, status } => refuse(Code::FailedPrecondition, "SHIPMENT_LEFT")
                .with("shipment_id", shipment_id)
                .with("status", status.as_str()),
            Self::ShipmentExists { shipment_id } => {
                refuse(Code::FailedPrecondition, "SHIPMENT_EXISTS").with("shipment_id", shipment_id)
            }
            Self::ShipmentMismatch => refuse(Code::AlreadyExists, "SHIPMENT_MISMATCH"),
            Self::ShipmentNotFound => refuse(Code::NotFound, "SHIPMENT_NOT_FOUND"),
            Self::ShipmentFinal { status } => {
                refuse(Code::FailedPrecondition, "SHIPMENT_FINAL").with("status", status.as_str())
            }
            Self::MoveNotAllowed { from, to } => refuse(Code::FailedPrecondition, "STATUS_MOVE_NOT_ALLOWED")
                .with("from", from.as_str())
                .with("to", to.as_str()),
        }
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        error.fault().into()
    }
}
