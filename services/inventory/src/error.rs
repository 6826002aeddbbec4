//! Why stock is not changed, and what a caller is told about it.

use rpc::{Fault, Invalid};
use tonic::{Code, Status};
use types::{
    ReservationId, ReturnPostingId, ShopId, ShortageId, Sku, StockDocumentId, TransferId, WarehouseId,
};

use crate::model::{DocumentKind, Lack};

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
    /// What the ledger and the reservations say cannot both be.
    #[error(
        "{sku}: the ledger has {on_hand} on hand and reservations hold {held}; count the goods and adjust the stock first"
    )]
    StockImpossible { sku: Sku, on_hand: i64, held: i64 },
    /// More than a level can hold.
    #[error("{sku}: more units than one warehouse can have")]
    StockTooLarge { sku: Sku },
    /// Not everything that is wanted is there.
    #[error("{}", summary(lacks))]
    OutOfStock { lacks: Vec<Lack> },
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
    /// More is to leave than is held.
    #[error("{sku}: {held} held by the reservation {id}, so {wanted} cannot leave")]
    OverShipment { id: ReservationId, sku: Sku, wanted: i64, held: i64 },
    /// A later change was applied already.
    #[error("the reservation {id} is at revision {revision} already")]
    StaleRevision { id: ReservationId, revision: i32 },
    /// The caller's carts hold as much as they may.
    #[error("{holder} has {limit} holds already; release one first")]
    TooManyHolds { holder: String, limit: i64 },
    /// The warehouse gives nothing new.
    #[error("the warehouse {id} is archived")]
    WarehouseArchived { id: WarehouseId },
    /// The same posting of other goods.
    #[error("the posting {id} is of something else; use a new id")]
    PostingMismatch { id: ReturnPostingId },
    /// No such document, as far as the caller can see.
    #[error("there is no stock document {id}")]
    DocumentNotFound { id: StockDocumentId },
    /// It was reversed.
    #[error("the stock document {id} was reversed by {by}")]
    DocumentReversed { id: StockDocumentId, by: StockDocumentId },
    /// Something else undoes it.
    #[error("a document of kind {} is not reversed by itself", kind.text())]
    NotReversible { id: StockDocumentId, kind: DocumentKind },
    /// No such transfer.
    #[error("there is no transfer {id}")]
    TransferNotFound { id: TransferId },
    /// Nothing is on its way any more.
    #[error("nothing of the transfer {id} is on its way any more")]
    TransferEnded { id: TransferId },
    /// More came than is on its way.
    #[error(
        "{sku}: {in_transit} on their way with the transfer {id}, so {units} cannot arrive; post the rest as a correction"
    )]
    OverReceipt { id: TransferId, sku: Sku, units: i64, in_transit: i64 },
    /// No such shortage, as far as the caller can see.
    #[error("there is no shortage {id}")]
    ShortageNotFound { id: ShortageId },
    /// Nothing is missing any more.
    #[error("the shortage {id} is not open any more")]
    ShortageEnded { id: ShortageId },
    /// More is to be taken than is missing.
    #[error("{missing} missing, so {wanted} cannot be taken")]
    MoreThanMissing { id: ShortageId, wanted: i64, missing: i64 },
    /// A key of some shops asks what the stock of all of them cost.
    #[error("what goods cost is told to keys of the whole organisation only")]
    OrganizationWide,
    /// What was read before the locks were taken is no longer so; the next try sees it.
    #[error("others change the same stock; repeat it shortly")]
    Overtaken,
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Bytes of SKUs that an OUT_OF_STOCK names: facts travel in headers, and the first ones are enough to refuse an order.
const LACKS_BYTES_MAX: usize = 4096;
/// Lacks that its sentence names.
const LACKS_NAMED: usize = 3;

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
            Self::StockImpossible { sku, on_hand, held } => {
                refuse(Code::FailedPrecondition, "STOCK_IMPOSSIBLE")
                    .with("sku", sku)
                    .with("on_hand", on_hand)
                    .with("held", held)
            }
            Self::StockTooLarge { sku } => {
                refuse(Code::FailedPrecondition, "STOCK_TOO_LARGE").with("sku", sku)
            }
            Self::OutOfStock { lacks } => told(lacks)
                .fold(refuse(Code::FailedPrecondition, "OUT_OF_STOCK"), |fault, lack| {
                    fault.with(lack.sku.as_str(), format!("{}/{}", lack.wanted, lack.available))
                }),
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
            Self::OverShipment { id, sku, wanted, held } => refuse(Code::FailedPrecondition, "OVER_SHIPMENT")
                .with("reservation_id", id)
                .with("sku", sku)
                .with("wanted", wanted)
                .with("held", held),
            Self::StaleRevision { id, revision } => {
                refuse(Code::Aborted, "STALE_REVISION").with("reservation_id", id).with("revision", revision)
            }
            Self::TooManyHolds { limit, .. } => {
                refuse(Code::ResourceExhausted, "TOO_MANY_HOLDS").with("limit", limit)
            }
            Self::WarehouseArchived { id } => {
                refuse(Code::FailedPrecondition, "WAREHOUSE_ARCHIVED").with("warehouse_id", id)
            }
            Self::PostingMismatch { id } => {
                refuse(Code::AlreadyExists, "POSTING_MISMATCH").with("posting_id", id)
            }
            Self::DocumentNotFound { id } => {
                refuse(Code::NotFound, "STOCK_DOCUMENT_NOT_FOUND").with("document_id", id)
            }
            Self::DocumentReversed { id, by } => refuse(Code::FailedPrecondition, "STOCK_DOCUMENT_REVERSED")
                .with("document_id", id)
                .with("reversed_by", by),
            Self::NotReversible { id, kind } => {
                refuse(Code::FailedPrecondition, "STOCK_DOCUMENT_NOT_REVERSIBLE")
                    .with("document_id", id)
                    .with("kind", kind.text())
            }
            Self::TransferNotFound { id } => {
                refuse(Code::NotFound, "TRANSFER_NOT_FOUND").with("transfer_id", id)
            }
            Self::TransferEnded { id } => {
                refuse(Code::FailedPrecondition, "TRANSFER_ENDED").with("transfer_id", id)
            }
            Self::OverReceipt { id, sku, units, in_transit } => {
                refuse(Code::FailedPrecondition, "OVER_RECEIPT")
                    .with("transfer_id", id)
                    .with("sku", sku)
                    .with("quantity", units)
                    .with("in_transit", in_transit)
            }
            Self::ShortageNotFound { id } => {
                refuse(Code::NotFound, "SHORTAGE_NOT_FOUND").with("shortage_id", id)
            }
            Self::ShortageEnded { id } => {
                refuse(Code::FailedPrecondition, "SHORTAGE_ENDED").with("shortage_id", id)
            }
            Self::MoreThanMissing { id, wanted, missing } => {
                refuse(Code::FailedPrecondition, "MORE_THAN_MISSING")
                    .with("shortage_id", id)
                    .with("wanted", wanted)
                    .with("missing", missing)
            }
            Self::OrganizationWide => refuse(Code::PermissionDenied, "ORGANIZATION_WIDE"),
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

/// The lacks whose SKUs fit into an answer.
fn told(lacks: &[Lack]) -> impl Iterator<Item = &Lack> {
    let within = |bytes: &mut usize, lack: &&Lack| {
        *bytes += lack.sku.as_str().len();
        *bytes <= LACKS_BYTES_MAX
    };
    lacks.iter().scan(0, move |bytes, lack| within(bytes, &lack).then_some(lack))
}

fn summary(lacks: &[Lack]) -> String {
    let named: Vec<String> = lacks.iter().take(LACKS_NAMED).map(Lack::to_string).collect();
    match lacks.len() - named.len() {
        0 => named.join("; "),
        more => format!("{}; and {more} more", named.join("; ")),
    }
}

fn is_unique_violation(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind::UniqueViolation, Error::DatabaseError};
    matches!(error, DatabaseError(UniqueViolation, _))
}
