//! Why orders refuses a call, and what the caller is told.

use rpc::Fault;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use types::{MoneyError, OrderId};

use crate::model::cart::AlreadyOrdered;
use crate::model::edit::EditRefusal;
use crate::model::fulfilment::FulfilmentState;
use crate::model::order::Forbidden;
use crate::model::order_state::OrderState;
use crate::model::parts::PartRefusal;
use crate::model::placement::PriceRefusal;
use crate::model::promo_code::PromoRefusal;
use crate::model::quote::Mismatch;
use crate::model::rejection::Rejection;
use crate::model::return_state::ReturnForbidden;
use crate::model::returns::ReturnRefusal;

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
    /// The order is being edited.
    #[error("the order is being changed; repeat it shortly")]
    BeingEdited,
    /// The order is not where it may be edited.
    #[error("an order in state {} cannot be changed", .0.from)]
    EditForbidden(Forbidden),
    /// Some of the order has left.
    #[error("some of the order has left; take out of it what has not")]
    PartlyShipped,
    /// The edit cannot be done.
    #[error(transparent)]
    EditRefused(#[from] EditRefusal),
    /// The part cannot be made.
    #[error(transparent)]
    PartRefused(#[from] PartRefusal),
    /// The order has no such line.
    #[error("the order has no such line")]
    LineNotFound,
    /// The order has no such part.
    #[error("the order has no such part")]
    FulfilmentNotFound,
    /// The part is not where this can be done with it.
    #[error("a part in state {0} cannot be changed so")]
    FulfilmentState(FulfilmentState),
    /// The part has left.
    #[error("the part has left: it is {0}")]
    PartLeft(FulfilmentState),
    /// There is no such return for this caller.
    #[error("there is no such return")]
    ReturnNotFound,
    /// Something else is done with the return.
    #[error("something else is done with the return; repeat it shortly")]
    ReturnBusy,
    /// The state machine of returns forbids the move.
    #[error("a return cannot go from {} to {}", .0.from, .0.to)]
    ReturnForbidden(ReturnForbidden),
    /// The goods cannot be given back.
    #[error(transparent)]
    ReturnRefused(#[from] ReturnRefusal),
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
    /// There is no such quote for this caller.
    #[error("there is no such quote")]
    QuoteNotFound,
    /// The quote's time ran out.
    #[error("the quote has expired; ask for a new one")]
    QuoteExpired,
    /// A quote becomes one order.
    #[error("the quote was placed already: {order_id}")]
    QuoteUsed {
        /// That order.
        order_id: OrderId,
    },
    /// The order is not what was quoted.
    #[error("the order differs from the quote in {}", .0.field)]
    QuoteMismatch(Mismatch),
    /// None of the shop's ways to deliver fits.
    #[error("nothing that was asked for is delivered there")]
    DeliveryUnavailable,
    /// The time of a call of many was over before this one's turn.
    #[error("there was no time left for it; repeat the call with the same key")]
    NotBegun,
    /// Nobody calls whose own orders there could be.
    #[error("a buyer's token is needed")]
    NotABuyer,
    /// The shop has no such customer.
    #[error("the shop has no such customer")]
    CustomerNotFound,
    /// The order's buyer is not identified, or cannot be.
    #[error("the order's buyer is not known yet")]
    CustomerUnknown,
    /// There is no such cart for this caller.
    #[error("there is no such cart")]
    CartNotFound,
    /// Somebody writes the same new cart.
    #[error("the cart is being written; repeat it shortly")]
    CartBusy,
    /// An order was placed from the cart.
    #[error("the cart was ordered: {}; begin a new one", .0.order_id)]
    CartOrdered(AlreadyOrdered),
    /// There is no such promo code for this caller.
    #[error("there is no such promo code")]
    PromoCodeNotFound,
    /// A code that is not archived is spelled so.
    #[error("there is a promo code {code} already")]
    PromoCodeTaken {
        /// The code.
        code: String,
    },
    /// It has ended, or there never was one.
    #[error("no such process is under way")]
    ProcessNotFound,
    /// A promo code takes nothing off.
    #[error(transparent)]
    PromoCode(#[from] PromoRefusal),
    /// Another service, or the database, refused; its answer is passed on.
    #[error("{}", .0.message())]
    Answered(Status),
}

impl Error {
    /// A sum of an order that cannot be counted.
    pub fn from_sum(error: MoneyError) -> Self {
        EditRefusal::Sum(error).into()
    }
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
            Error::BeingEdited => Fault::new(Code::Aborted, "ORDER_BUSY", message).retry_after(shortly),
            Error::PartlyShipped => Fault::new(Code::FailedPrecondition, "PARTLY_SHIPPED", message),
            Error::EditRefused(refusal) => refused_edit(refusal, message),
            Error::PartRefused(refusal) => match refusal {
                PartRefusal::NotFree { position, wanted, free } => {
                    let fault = Fault::new(Code::FailedPrecondition, "UNITS_NOT_FREE", message);
                    fault.with(&format!("lines[{position}]"), format!("{wanted}/{free}"))
                }
                PartRefusal::NothingLeft => Fault::new(Code::FailedPrecondition, "NOTHING_LEFT", message),
                PartRefusal::TooMany => Fault::new(Code::FailedPrecondition, "TOO_MANY_FULFILMENTS", message),
                PartRefusal::Sum(_) => Fault::new(Code::FailedPrecondition, "TOTAL_TOO_LARGE", message),
            },
            Error::LineNotFound => Fault::new(Code::FailedPrecondition, "LINE_NOT_FOUND", message),
            Error::FulfilmentNotFound => Fault::new(Code::NotFound, "FULFILMENT_NOT_FOUND", message),
            Error::FulfilmentState(state) => {
                Fault::new(Code::FailedPrecondition, "FULFILMENT_STATE", message).with("state", state)
            }
            Error::PartLeft(state) => {
                Fault::new(Code::FailedPrecondition, "SHIPMENT_LEFT", message).with("state", state)
            }
            Error::ReturnNotFound => Fault::new(Code::NotFound, "RETURN_NOT_FOUND", message),
            Error::ReturnBusy => Fault::new(Code::Aborted, "RETURN_BUSY", message).retry_after(shortly),
            Error::ReturnForbidden(forbidden) => {
                let allowed: Vec<_> = forbidden.allowed.iter().map(|state| state.name()).collect();
                let fault = Fault::new(Code::FailedPrecondition, "RETURN_STATE", message);
                fault.with("state", forbidden.from).with("allowed", allowed.join(","))
            }
            Error::ReturnRefused(refusal) => refused_return(refusal, message),
            Error::EditForbidden(forbidden) | Error::CancelForbidden(forbidden) => {
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
            Error::QuoteNotFound => Fault::new(Code::NotFound, "QUOTE_NOT_FOUND", message),
            Error::QuoteExpired => Fault::new(Code::FailedPrecondition, "QUOTE_EXPIRED", message),
            Error::QuoteUsed { order_id } => {
                Fault::new(Code::FailedPrecondition, "QUOTE_USED", message).with("order_id", order_id)
            }
            Error::QuoteMismatch(mismatch) => {
                Fault::new(Code::FailedPrecondition, "QUOTE_MISMATCH", message).with("field", mismatch.field)
            }
            Error::DeliveryUnavailable => {
                Fault::new(Code::FailedPrecondition, "DELIVERY_UNAVAILABLE", message)
            }
            Error::NotBegun => Fault::new(Code::DeadlineExceeded, "NOT_BEGUN", message),
            Error::NotABuyer => Fault::new(Code::PermissionDenied, "BUYER_REQUIRED", message),
            Error::CustomerNotFound => Fault::new(Code::NotFound, "CUSTOMER_NOT_FOUND", message),
            Error::CustomerUnknown => Fault::new(Code::FailedPrecondition, "CUSTOMER_UNKNOWN", message),
            Error::CartNotFound => Fault::new(Code::NotFound, "CART_NOT_FOUND", message),
            Error::CartBusy => Fault::new(Code::Aborted, "CART_BUSY", message).retry_after(shortly),
            Error::CartOrdered(AlreadyOrdered { order_id }) => {
                Fault::new(Code::FailedPrecondition, "CART_ORDERED", message).with("order_id", order_id)
            }
            Error::PromoCodeNotFound => Fault::new(Code::NotFound, "PROMO_CODE_NOT_FOUND", message),
            Error::PromoCodeTaken { .. } => Fault::new(Code::AlreadyExists, "PROMO_CODE_TAKEN", message),
            Error::ProcessNotFound => Fault::new(Code::NotFound, "PROCESS_NOT_FOUND", message),
            Error::PromoCode(refusal) => promo_refusal(refusal, message),
            Error::Answered(status) => return status,
        };
        fault.into()
    }
}

fn promo_refusal(refusal: PromoRefusal, message: String) -> Fault {
    let reason = match refusal {
        PromoRefusal::Unknown => "PROMO_CODE_UNKNOWN",
        PromoRefusal::NotStarted => "PROMO_CODE_NOT_STARTED",
        PromoRefusal::Expired => "PROMO_CODE_EXPIRED",
        PromoRefusal::Exhausted => "PROMO_CODE_EXHAUSTED",
        PromoRefusal::UsedByCustomer => "PROMO_CODE_USED",
        PromoRefusal::Minimum(_) => "PROMO_CODE_MINIMUM",
        PromoRefusal::Currency => "PROMO_CODE_CURRENCY",
        PromoRefusal::GivenBack => "PROMO_CODE_GIVEN_BACK",
    };
    let fault = Fault::new(Code::FailedPrecondition, reason, message);
    match refusal {
        PromoRefusal::Minimum(minimum) => fault.with("goods_total_min_amount", minimum),
        _ => fault,
    }
}

impl From<AlreadyOrdered> for Error {
    fn from(ordered: AlreadyOrdered) -> Self {
        Self::CartOrdered(ordered)
    }
}

impl From<Mismatch> for Error {
    fn from(mismatch: Mismatch) -> Self {
        Self::QuoteMismatch(mismatch)
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

fn refused_edit(refusal: EditRefusal, message: String) -> Fault {
    match refusal {
        EditRefusal::UnknownLine { position } => {
            Fault::new(Code::FailedPrecondition, "LINE_NOT_FOUND", message).with("line", position)
        }
        EditRefusal::Bound { position, wanted, bound } => {
            let fault = Fault::new(Code::FailedPrecondition, "LINE_BOUND", message);
            fault.with(&format!("lines[{position}]"), format!("{wanted}/{bound}"))
        }
        EditRefusal::Empty => Fault::new(Code::FailedPrecondition, "NO_LINES", message),
        EditRefusal::TooManyLines => Fault::new(Code::FailedPrecondition, "TOO_MANY_LINES", message),
        EditRefusal::DeliveryBound => Fault::new(Code::FailedPrecondition, "DELIVERY_BOUND", message),
        EditRefusal::DeliveryUnavailable => {
            Fault::new(Code::FailedPrecondition, "DELIVERY_UNAVAILABLE", message)
        }
        EditRefusal::BelowCredited { total, credited } => {
            let fault = Fault::new(Code::FailedPrecondition, "BELOW_CREDITED", message);
            fault.with("total", total).with("credited", credited)
        }
        EditRefusal::Sum(_) => Fault::new(Code::FailedPrecondition, "TOTAL_TOO_LARGE", message),
    }
}

fn refused_return(refusal: ReturnRefusal, message: String) -> Fault {
    match refusal {
        ReturnRefusal::NotReturnable { position, wanted, left } => {
            let fault = Fault::new(Code::FailedPrecondition, "NOT_RETURNABLE", message);
            fault.with(&format!("lines[{position}]"), format!("{wanted}/{left}"))
        }
        ReturnRefusal::MoreThanWanted { position, found, wanted } => {
            let fault = Fault::new(Code::FailedPrecondition, "MORE_THAN_RETURNED", message);
            fault.with(&format!("lines[{position}]"), format!("{found}/{wanted}"))
        }
        ReturnRefusal::AboveValue { wanted, value } => {
            let fault = Fault::new(Code::FailedPrecondition, "ABOVE_VALUE", message);
            fault.with("wanted", wanted).with("value", value)
        }
        ReturnRefusal::Sum(_) => Fault::new(Code::FailedPrecondition, "TOTAL_TOO_LARGE", message),
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
