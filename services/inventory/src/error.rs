//! Why stock is not changed, and what a caller is told about it.

use rpc::{Fault, Invalid};
use tonic::{Code, Status};
use types::{ReservationId, ShopId, Sku, WarehouseId};

use crate::model::Shortage;

/// The result of everything in this service.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Refusals, with the facts behind them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request itself is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// No such warehouse.
    #[error("there is no warehouse {id}")]
    WarehouseNotFound { id: WarehouseId },
    /// No such shop, as far as the caller can see.
    #[error("there is no shop {id}")]
    ShopNotFound { id: ShopId },
    /// A correction would leave less than nothing.
    #[error("{sku}: {on_hand} on hand, so {delta:+} is not possible")]
    StockBelowZero { sku: Sku, on_hand: i64, delta: i64 },
    /// More than a level can hold.
    #[error("{sku}: more units than one warehouse can have")]
    StockTooLarge { sku: Sku },
    /// Not everything that is wanted is there.
    #[error("{}", summary(shortages))]
    OutOfStock { shortages: Vec<Shortage> },
    /// No such reservation, as far as the caller can see.
    #[error("there is no reservation {id}")]
    ReservationNotFound { id: ReservationId },
    /// It was released, or its time ran out.
    #[error("the reservation {id} was released")]
    ReservationReleased { id: ReservationId },
    /// The same id for another owner or other units.
    #[error("the reservation {id} is for something else; use a new id")]
    ReservationMismatch { id: ReservationId },
    /// Its goods have left.
    #[error("the reservation {id} was shipped")]
    ReservationShipped { id: ReservationId },
    /// What was read before the locks were taken is no longer so; the next try sees it.
    #[error("others change the same stock; repeat it shortly")]
    Overtaken,
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Bytes of SKUs that an OUT_OF_STOCK names: facts travel in headers, and the first ones are enough to refuse an order.
const SHORTAGES_BYTES_MAX: usize = 4096;
/// Shortages that its sentence names.
const SHORTAGES_NAMED: usize = 3;

impl Error {
    /// Stored data breaks an invariant.
    pub fn corrupt(what: &str, value: impl std::fmt::Display) -> Self {
        store::Error::Corrupt(format!("{what}: {value}")).into()
    }

    /// Whether others came in between: the next try sees what they did.
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Overtaken => true,
            Self::Store(error @ store::Error::Statement(cause)) => {
                is_unique_violation(cause) || error.is_transient()
            }
            _ => false,
        }
    }

    /// Whether each request of a batch would meet the same.
    pub fn is_about_all(&self) -> bool {
        self.is_conflict() || matches!(self, Self::Store(error) if error.is_transient())
    }

    /// The same for another request of the batch.
    pub fn for_another(&self) -> Self {
        match self {
            Self::Store(error) if !self.is_conflict() => {
                store::Error::Unreachable(error.to_string().into()).into()
            }
            _ => Self::Overtaken,
        }
    }

    fn fault(&self) -> Fault {
        let refuse = |code, reason| Fault::new(code, reason, self.to_string());
        match self {
            Self::Invalid(invalid) => Fault::invalid(invalid),
            Self::WarehouseNotFound { id } => {
                refuse(Code::NotFound, "WAREHOUSE_NOT_FOUND").with("warehouse_id", id)
            }
            Self::ShopNotFound { id } => refuse(Code::NotFound, "SHOP_NOT_FOUND").with("shop_id", id),
            Self::StockBelowZero { sku, on_hand, delta } => {
                refuse(Code::FailedPrecondition, "STOCK_BELOW_ZERO")
                    .with("sku", sku)
                    .with("on_hand", on_hand)
                    .with("delta", delta)
            }
            Self::StockTooLarge { sku } => {
                refuse(Code::FailedPrecondition, "STOCK_TOO_LARGE").with("sku", sku)
            }
            Self::OutOfStock { shortages } => {
                told(shortages).fold(refuse(Code::FailedPrecondition, "OUT_OF_STOCK"), |fault, shortage| {
                    fault.with(shortage.sku.as_str(), format!("{}/{}", shortage.wanted, shortage.available))
                })
            }
            Self::ReservationNotFound { id } => {
                refuse(Code::NotFound, "RESERVATION_NOT_FOUND").with("reservation_id", id)
            }
            Self::ReservationReleased { id } => {
                refuse(Code::FailedPrecondition, "RESERVATION_RELEASED").with("reservation_id", id)
            }
            Self::ReservationMismatch { id } => {
                refuse(Code::AlreadyExists, "RESERVATION_MISMATCH").with("reservation_id", id)
            }
            Self::ReservationShipped { id } => {
                refuse(Code::FailedPrecondition, "RESERVATION_SHIPPED").with("reservation_id", id)
            }
            Self::Overtaken => {
                refuse(Code::Aborted, "CONTENTION").retry_after(std::time::Duration::from_secs(1))
            }
            Self::Store(error) => error.fault(),
        }
    }
}

impl From<diesel::result::Error> for Error {
    fn from(error: diesel::result::Error) -> Self {
        store::Error::from(error).into()
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Status {
        error.fault().into()
    }
}

/// Tells apart what is one request's own answer from what ends the whole batch.
pub fn answer<T>(decided: Result<T>) -> Result<Result<T>> {
    match decided {
        Err(error @ (Error::Overtaken | Error::Store(_))) => Err(error),
        decided => Ok(decided),
    }
}

/// The shortages whose SKUs fit into an answer.
fn told(shortages: &[Shortage]) -> impl Iterator<Item = &Shortage> {
    let within = |bytes: &mut usize, shortage: &&Shortage| {
        *bytes += shortage.sku.as_str().len();
        *bytes <= SHORTAGES_BYTES_MAX
    };
    shortages.iter().scan(0, move |bytes, shortage| within(bytes, &shortage).then_some(shortage))
}

fn summary(shortages: &[Shortage]) -> String {
    let named: Vec<String> = shortages.iter().take(SHORTAGES_NAMED).map(Shortage::to_string).collect();
    match shortages.len() - named.len() {
        0 => named.join("; "),
        more => format!("{}; and {more} more", named.join("; ")),
    }
}

fn is_unique_violation(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind::UniqueViolation, Error::DatabaseError};
    matches!(error, DatabaseError(UniqueViolation, _))
}
