//! Why catalog refuses, and what a caller is told.

use std::time::Duration;

use ::rpc::{Fault, Invalid};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use tonic::Code;
use types::{BrandId, CategoryId, ImportMappingId, PriceListId, ProductId, ShopId, Sku};

use crate::model::{ExternalId, Owner};

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("there is no product {0}")]
    ProductNotFound(ProductId),
    #[error("there is no variant with the {by} {value}")]
    VariantNotFound { by: &'static str, value: String },
    #[error("there is no category {0}")]
    CategoryNotFound(CategoryId),
    #[error("category {parent} is category {id} or lies below it")]
    CategoryCycle { id: CategoryId, parent: CategoryId },
    #[error("there is no price list {0}")]
    PriceListNotFound(PriceListId),
    #[error("{sku} has no price in {currency} at that time in that channel")]
    PriceNotFound { sku: Sku, currency: String },
    #[error("the SKU {sku} belongs to product {}", owner.product)]
    SkuTaken { sku: Sku, owner: Owner },
    #[error("the barcode {barcode} belongs to {} of product {}", owner.sku, owner.product)]
    BarcodeTaken { barcode: String, owner: Owner },
    #[error("{sku} is in the kit {kit_sku}: take it out there first")]
    KitComponentInUse { sku: String, kit_sku: String, kit: ProductId },
    #[error("the id {} of source {} belongs to {owner}", id.id, id.source)]
    ExternalIdTaken { id: ExternalId, owner: String },
    #[error("it was changed meanwhile; read it again")]
    EtagMismatch { current: i64 },
    #[error("there is no brand {0}")]
    BrandNotFound(BrandId),
    #[error("the brand {0} is archived")]
    BrandArchived(BrandId),
    #[error("the name {name} is that of brand {owner}")]
    BrandNameTaken { name: String, owner: BrandId },
    #[error("there is no characteristic {0}")]
    CharacteristicNotFound(String),
    #[error("there is a characteristic {0} already")]
    CharacteristicExists(String),
    #[error("there is no import mapping {0}")]
    ImportMappingNotFound(ImportMappingId),
    #[error("the import mapping {0} is archived")]
    ImportMappingArchived(ImportMappingId),
    #[error("{0} exports are running; repeat it when one has ended")]
    TooManyExports(usize),
    #[error("the feed was not written in time")]
    ExportOverdue,
    #[error("there is no shop {0}")]
    ShopNotFound(ShopId),
    #[error("{service} did not answer: {problem}")]
    NeighbourAway { service: &'static str, problem: String },
    #[error("the first message must carry the settings of the import")]
    FeedSettingsMissing,
    #[error("line {line}: {problem}")]
    FeedUnreadable { line: u64, problem: String },
    #[error("a feed of this source is being imported; repeat it when that has ended")]
    ImportRunning,
    #[error("{0} imports are running; repeat it when one has ended")]
    TooManyImports(usize),
    #[error("the feed did not go on within {0:?}")]
    FeedStalled(Duration),
    #[error("the feed was interrupted: {0}")]
    FeedInterrupted(String),
    #[error("nobody listens any more")]
    CallerGone,
    #[error("the import was not done in time")]
    ImportOverdue,
    #[error("the service stops; repeat the import, it goes on where it was")]
    Stopping,
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    /// What a caller is told.
    pub(crate) fn fault(self) -> Fault {
        let message = self.to_string();
        let soon = Duration::from_secs(5);
        match self {
            Self::Invalid(invalid) => Fault::invalid(&invalid),
            Self::ProductNotFound(id) => {
                Fault::new(Code::NotFound, "PRODUCT_NOT_FOUND", message).with("product_id", id)
            }
            Self::VariantNotFound { by, value } => {
                Fault::new(Code::NotFound, "VARIANT_NOT_FOUND", message).with(by, value)
            }
            Self::CategoryNotFound(id) => {
                Fault::new(Code::NotFound, "CATEGORY_NOT_FOUND", message).with("category_id", id)
            }
            Self::CategoryCycle { id, parent } => {
                let fault = Fault::new(Code::FailedPrecondition, "CATEGORY_CYCLE", message);
                fault.with("category_id", id).with("parent_id", parent)
            }
            Self::PriceListNotFound(id) => {
                Fault::new(Code::NotFound, "PRICE_LIST_NOT_FOUND", message).with("price_list_id", id)
            }
            Self::PriceNotFound { sku, currency } => {
                let fault = Fault::new(Code::NotFound, "PRICE_NOT_FOUND", message);
                fault.with("sku", sku).with("currency_code", currency)
            }
            Self::SkuTaken { sku, owner } => {
                owner.name_in(Fault::new(Code::AlreadyExists, "SKU_TAKEN", message).with("sku", sku))
            }
            Self::BarcodeTaken { barcode, owner } => owner
                .name_in(Fault::new(Code::AlreadyExists, "BARCODE_TAKEN", message).with("barcode", barcode)),
            Self::KitComponentInUse { sku, kit_sku, kit } => {
                let fault = Fault::new(Code::FailedPrecondition, "KIT_COMPONENT_IN_USE", message);
                fault.with("sku", sku).with("kit_sku", kit_sku).with("kit_product_id", kit)
            }
            Self::ExternalIdTaken { id, owner } => {
                let fault = Fault::new(Code::AlreadyExists, "EXTERNAL_ID_TAKEN", message);
                fault.with("source_id", id.source).with("id", id.id).with("owner", owner)
            }
            Self::EtagMismatch { current } => {
                Fault::new(Code::Aborted, "ETAG_MISMATCH", message).with("current_etag", current)
            }
            Self::BrandNotFound(id) => {
                Fault::new(Code::NotFound, "BRAND_NOT_FOUND", message).with("brand_id", id)
            }
            Self::BrandArchived(id) => {
                Fault::new(Code::FailedPrecondition, "BRAND_ARCHIVED", message).with("brand_id", id)
            }
            Self::BrandNameTaken { name, owner } => {
                let fault = Fault::new(Code::AlreadyExists, "BRAND_NAME_TAKEN", message);
                fault.with("name", name).with("owner", owner)
            }
            Self::CharacteristicNotFound(code) => {
                Fault::new(Code::NotFound, "CHARACTERISTIC_NOT_FOUND", message).with("code", code)
            }
            Self::CharacteristicExists(code) => {
                Fault::new(Code::AlreadyExists, "CHARACTERISTIC_EXISTS", message).with("code", code)
            }
            Self::ImportMappingNotFound(id) => {
                let fault = Fault::new(Code::NotFound, "IMPORT_MAPPING_NOT_FOUND", message);
                fault.with("import_mapping_id", id)
            }
            Self::ImportMappingArchived(id) => {
                let fault = Fault::new(Code::FailedPrecondition, "IMPORT_MAPPING_ARCHIVED", message);
                fault.with("import_mapping_id", id)
            }
            Self::TooManyExports(_) => {
                Fault::new(Code::ResourceExhausted, "TOO_MANY_EXPORTS", message).retry_after(soon)
            }
            Self::ExportOverdue => Fault::new(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", message),
            Self::ShopNotFound(id) => {
                Fault::new(Code::NotFound, "SHOP_NOT_FOUND", message).with("shop_id", id)
            }
            Self::NeighbourAway { service, .. } => {
                Fault::new(Code::Unavailable, "UPSTREAM_UNAVAILABLE", message).with("service", service)
            }
            Self::FeedSettingsMissing => Fault::new(Code::InvalidArgument, "FEED_SETTINGS_MISSING", message),
            Self::FeedUnreadable { line, .. } => {
                Fault::new(Code::InvalidArgument, "FEED_UNREADABLE", message).with("line", line)
            }
            Self::ImportRunning => Fault::new(Code::Aborted, "IMPORT_RUNNING", message).retry_after(soon),
            Self::TooManyImports(_) => {
                Fault::new(Code::ResourceExhausted, "TOO_MANY_IMPORTS", message).retry_after(soon)
            }
            Self::FeedStalled(_) => Fault::new(Code::DeadlineExceeded, "FEED_STALLED", message),
            Self::FeedInterrupted(_) => Fault::new(Code::Aborted, "FEED_INTERRUPTED", message),
            Self::CallerGone => Fault::new(Code::Cancelled, "CALLER_GONE", message),
            Self::ImportOverdue => Fault::new(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", message),
            Self::Stopping => Fault::new(Code::Unavailable, "STOPPING", message).retry_after(soon),
            Self::Store(error) => error.fault(),
        }
    }

    /// Whether somebody else took, a moment before, what was free when we looked: looking again names the owner.
    pub(crate) fn is_lost_race(&self) -> bool {
        let Self::Store(store::Error::Statement(error)) = self else { return false };
        matches!(error, DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
    }

    /// Whether others change the same rows: trying again in a moment helps.
    pub(crate) fn is_contention(&self) -> bool {
        let Self::Store(store::Error::Statement(error)) = self else { return false };
        let DieselError::DatabaseError(kind, info) = error else { return false };
        let message = info.message();
        matches!(kind, DatabaseErrorKind::SerializationFailure)
            || message.contains("deadlock detected")
            || message.contains("lock timeout")
    }
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        Self::Store(error.into())
    }
}

impl From<Error> for tonic::Status {
    fn from(error: Error) -> Self {
        error.fault().into()
    }
}
