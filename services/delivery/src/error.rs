//! Why delivery refuses, and what the caller is told.

use chrono::{DateTime, Utc};
use rpc::Fault;
use tonic::Code;
use types::{Money, ShipmentId};

use crate::model::shipment_state::ShipmentState;
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
    #[error("it was changed meanwhile; read it again")]
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
    /// Absent, or of a shop the caller does not see.
    #[error("there is no such carrier account")]
    CarrierAccountNotFound,
    /// The carrier does not answer, and nothing else can.
    #[error("the carrier does not answer now; try again later")]
    CarrierUnavailable,
    /// There is nothing to try again.
    #[error("the booking has not failed: the parcel is {}", state.as_str())]
    BookingNotFailed { state: ShipmentState },
    /// The label is not made yet, or the parcel has none.
    #[error("the parcel has no label; it is {}", state.as_str())]
    LabelNotReady { shipment_id: ShipmentId, state: ShipmentState },
    /// One of them is no document that can be joined.
    #[error("the labels cannot be joined; print them one by one")]
    LabelsNotJoinable,
    /// Nothing is collected with this parcel.
    #[error("the carrier collects nothing with this parcel")]
    NoCashOnDelivery,
    /// More than what was to be collected, or in another currency.
    #[error("{expected} is collected with this parcel, not more")]
    CashMismatch { expected: Money },
    /// Whoever sent it is not the carrier.
    #[error("the webhook is not signed by the carrier")]
    InvalidSignature,
    /// Absent, or of a shop the caller does not see.
    #[error("there is no such incident")]
    IncidentNotFound,
    /// The method has no such slot, or it can be chosen no more.
    #[error("the method offers no slot that starts at {start}")]
    SlotNotOffered { start: DateTime<Utc> },
    /// Everything in it is taken.
    #[error("the slot that starts at {start} is full")]
    SlotFull { start: DateTime<Utc> },
    /// Nothing is planned with this method without a slot.
    #[error("the method needs a slot: choose one of ListDeliverySlots")]
    SlotRequired,
    /// A piece is larger than what the method takes.
    #[error("a piece is larger than the method takes")]
    PieceTooLarge,
    /// The method does not fetch anything.
    #[error("only the shop's own courier fetches returns")]
    ReturnsNotFetched,
    /// No such return is fetched, or of a shop the caller does not see.
    #[error("there is no such return pickup")]
    ReturnPickupNotFound,
    /// It was cancelled.
    #[error("the return pickup is cancelled")]
    ReturnPickupCancelled,
    /// Nobody may take the parcel without the code.
    #[error("the parcel is handed over against a code: name the one the buyer says")]
    PickupCodeRequired,
    /// The buyer said another one.
    #[error("this is not the code of the parcel; {tries_left} tries are left")]
    PickupCodeWrong { tries_left: i32 },
    /// Too many wrong ones.
    #[error("too many wrong codes: none is taken until {until}")]
    PickupCodeLocked { until: DateTime<Utc> },
    /// The parcel is handed over without.
    #[error("the parcel is handed over without a code")]
    NoPickupCode,
    /// Nobody proved it, or it was forgotten.
    #[error("there is no proof of who took the parcel")]
    DeliveryProofNotFound,
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
            Self::CarrierAccountNotFound => refuse(Code::NotFound, "CARRIER_ACCOUNT_NOT_FOUND"),
            Self::CarrierUnavailable => refuse(Code::Unavailable, "CARRIER_UNAVAILABLE"),
            Self::BookingNotFailed { state } => {
                refuse(Code::FailedPrecondition, "BOOKING_NOT_FAILED").with("state", state.as_str())
            }
            Self::LabelNotReady { shipment_id, state } => refuse(Code::FailedPrecondition, "LABEL_NOT_READY")
                .with("shipment_id", shipment_id)
                .with("state", state.as_str()),
            Self::LabelsNotJoinable => refuse(Code::FailedPrecondition, "LABELS_NOT_JOINABLE"),
            Self::NoCashOnDelivery => refuse(Code::FailedPrecondition, "NO_CASH_ON_DELIVERY"),
            Self::CashMismatch { expected } => {
                refuse(Code::FailedPrecondition, "CASH_MISMATCH").with("expected", expected)
            }
            Self::InvalidSignature => refuse(Code::Unauthenticated, "INVALID_SIGNATURE"),
            Self::IncidentNotFound => refuse(Code::NotFound, "INCIDENT_NOT_FOUND"),
            Self::SlotNotOffered { start } => {
                refuse(Code::FailedPrecondition, "SLOT_NOT_OFFERED").with("slot_start_time", written(*start))
            }
            Self::SlotFull { start } => {
                refuse(Code::FailedPrecondition, "SLOT_FULL").with("slot_start_time", written(*start))
            }
            Self::SlotRequired => refuse(Code::FailedPrecondition, "SLOT_REQUIRED"),
            Self::PieceTooLarge => refuse(Code::FailedPrecondition, "PIECE_TOO_LARGE"),
            Self::ReturnsNotFetched => refuse(Code::FailedPrecondition, "RETURNS_NOT_FETCHED"),
            Self::ReturnPickupNotFound => refuse(Code::NotFound, "RETURN_PICKUP_NOT_FOUND"),
            Self::ReturnPickupCancelled => refuse(Code::FailedPrecondition, "RETURN_PICKUP_CANCELLED"),
            Self::PickupCodeRequired => refuse(Code::FailedPrecondition, "PICKUP_CODE_REQUIRED"),
            Self::PickupCodeWrong { tries_left } => {
                refuse(Code::FailedPrecondition, "PICKUP_CODE_WRONG").with("tries_left", tries_left)
            }
            Self::PickupCodeLocked { until } => {
                refuse(Code::FailedPrecondition, "PICKUP_CODE_LOCKED").with("until", written(*until))
            }
            Self::NoPickupCode => refuse(Code::FailedPrecondition, "NO_PICKUP_CODE"),
            Self::DeliveryProofNotFound => refuse(Code::NotFound, "DELIVERY_PROOF_NOT_FOUND"),
            Self::MoveNotAllowed { from, to } => refuse(Code::FailedPrecondition, "STATUS_MOVE_NOT_ALLOWED")
                .with("from", from.as_str())
                .with("to", to.as_str()),
        }
    }
}

fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
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
