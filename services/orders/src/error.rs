//! Why orders refuses a call, and what the caller is told.

use rpc::Fault;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use types::OrderId;

use crate::model::order::Forbidden;
use crate::model::order_state::OrderState;
use crate::model::placement::PriceRefusal;
use crate::model::rejection::Rejection;

/// Lines that a refusal names: facts travel in headers, and the first ones are enough to refuse an order.
const LINES_NAMED_MAX: usize = 16;

/// The result of a verb.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refused call.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Fields are wrong.
    #[error(transparent)]
    Invalid(#[from] rpc::Invalid),
    /// There is no such shop for this caller.
    #[error("there is no such shop")]
    ShopNotFound,
    /// There is no such source in this shop.
    #[error("no such source is registered for the shop")]
    SourceNotFound,
    /// There is no such order for this caller.
    #[error("there is no such order")]
    OrderNotFound,
    /// The external id names an order with other content.
    #[error("the external id was used for another order: {order_id}")]
    ExternalIdTaken {
        /// That order.
        order_id: OrderId,
    },
    /// The order was recorded and could not be placed.
    #[error("the order cannot be placed: {}", rejection.message)]
    Rejected {
        /// The order.
        order_id: OrderId,
        /// Its number.
        number: String,
        /// Why.
        rejection: Box<Rejection>,
    },
    /// It is not decided yet whether the order is placed.
    #[error("the order is still being placed; repeat it shortly")]
    StillPlacing,
    /// The order is being cancelled.
    #[error("the order is being cancelled; repeat it shortly")]
    BeingCancelled,
    /// The order is not where it may be cancelled.
    #[error("an order in state {} cannot be cancelled", .0.from)]
    CancelForbidden(Forbidden),
    /// The state machine forbids the move.
    #[error("an order cannot go from {} to {}", .0.from, .0.to)]
    ChangeForbidden(Forbidden),
    /// The order has changed since it was read.
    #[error("the order has changed; read it again")]
    EtagMismatch {
        /// Its etag now.
        current: String,
    },
    /// Another service, or the database, refused; its answer is passed on.
    #[error("{}", .0.message())]
    Answered(Status),
}

impl From<Error> for Status {
    fn from(error: Error) -> Status {
        let message = error.to_string();
        let shortly = std::time::Duration::from_secs(1);
        let fault = match error {
            Error::Invalid(invalid) => Fault::invalid(&invalid),
            Error::ShopNotFound => Fault::new(Code::NotFound, "SHOP_NOT_FOUND", message),
            Error::SourceNotFound => Fault::new(Code::NotFound, "SOURCE_NOT_FOUND", message),
            Error::OrderNotFound => Fault::new(Code::NotFound, "ORDER_NOT_FOUND", message),
            Error::ExternalIdTaken { order_id } => {
                Fault::new(Code::AlreadyExists, "EXTERNAL_ID_TAKEN", message).with("order_id", order_id)
            }
            Error::Rejected { order_id, number, rejection } => {
                return rejected(message, order_id, &number, &rejection);
            }
            Error::StillPlacing => {
                Fault::new(Code::FailedPrecondition, "ORDER_STILL_PLACING", message).retry_after(shortly)
            }
            Error::BeingCancelled => Fault::new(Code::Aborted, "ORDER_BUSY", message).retry_after(shortly),
            Error::CancelForbidden(forbidden) => {
                let fault = Fault::new(Code::FailedPrecondition, "ORDER_STATE", message);
                fault.with("state", forbidden.from).with("allowed", names(&forbidden.allowed))
            }
            Error::ChangeForbidden(forbidden) => {
                let fault = Fault::new(Code::FailedPrecondition, "STATE_CHANGE_NOT_ALLOWED", message);
                fault.with("state", forbidden.from).with("allowed", names(&forbidden.allowed))
            }
            Error::EtagMismatch { current } => {
                Fault::new(Code::Aborted, "ETAG_MISMATCH", message).with("current_etag", current)
            }
            Error::Answered(status) => return status,
        };
        fault.into()
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::Answered(error.fault().into())
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        store::Error::from(error).into()
    }
}

impl From<PriceRefusal> for Status {
    fn from(refusal: PriceRefusal) -> Status {
        let message = refusal.to_string();
        let of_lines = |reason, lines: Vec<(i32, String)>| {
            let fault = Fault::new(Code::FailedPrecondition, reason, message.clone());
            let named = lines.into_iter().take(LINES_NAMED_MAX);
            named.fold(fault, |fault, (position, sku)| fault.with(&format!("lines[{position}]"), sku))
        };
        let fault = match refusal {
            PriceRefusal::UnknownSku(lines) => of_lines("UNKNOWN_SKU", lines),
            PriceRefusal::NoPrice(lines) => of_lines("NO_PRICE", lines),
            PriceRefusal::PriceChanged { expected, actual } => {
                let fault = Fault::new(Code::FailedPrecondition, "PRICE_CHANGED", message);
                fault.with("expected", expected).with("actual", actual)
            }
            PriceRefusal::Sum(_) => Fault::new(Code::FailedPrecondition, "TOTAL_TOO_LARGE", message),
        };
        fault.into()
    }
}

/// The reason is that of the service that refused, so it is not one of ours to name in the code.
fn rejected(message: String, order_id: OrderId, number: &str, rejection: &Rejection) -> Status {
    let mut facts: std::collections::HashMap<_, _> = rejection.facts.iter().cloned().collect();
    facts.extend(rejection.missing_items.iter().map(|item| (item.sku.clone(), item.fact())));
    facts.insert("order_id".to_owned(), order_id.to_string());
    facts.insert("number".to_owned(), number.to_owned());
    let details = ErrorDetails::with_error_info(&rejection.reason, "korob", facts);
    Status::with_error_details(Code::Aborted, message, details)
}

fn names(states: &[OrderState]) -> String {
    states.iter().map(|state| state.name()).collect::<Vec<_>>().join(",")
}
