//! Takes a feed's rows in, lot by lot; every lot is a transaction of its own, so that an import that ends half-way is
//! simply repeated.
//!
//! The rules, which keep a repeated import still:
//! - An offer is found again by (source, offer id), a group of offers by (source, `group:` and its id).
//! - The SKU of a new variant is the vendor's code, unless an earlier offer of the source has it: then the offer's id. A
//!   variant keeps its SKU and its product for life.
//! - What an offer does not say stays as it is. The first offer of a group speaks for the product, the others for their
//!   variants only.
//! - With the organisation's own ids an offer is found again by its SKU; its categories are added to those there are, and
//!   nothing is taken away.
//! - Only what differs from the catalog is written, and only that is told.

mod batch;
mod categories;
mod draft;
mod ledger;
mod lookup;
mod progress;
mod pump;
mod run;

use std::time::Duration;

pub(crate) use ledger::Ledger;
pub(crate) use progress::{MESSAGES_WAITING_MAX, Progress, Rehearsed, Report};
pub(crate) use run::{Identity, Import, NewBrands, run};

/// The operation, for history.
pub(crate) const METHOD: &str = "catalog.import_feed";
/// Imports that may run at once in one process.
pub(crate) const IMPORTS_MAX: usize = 2;
/// The largest chunk of a file, in bytes.
pub(crate) const CHUNK_BYTES_MAX: usize = 1 << 20;
/// How long an import waits for the next chunk.
pub(crate) const CHUNK_PATIENCE: Duration = Duration::from_secs(60);
/// How long a stopping service waits for its imports.
pub(crate) const DRAIN_PATIENCE: Duration = Duration::from_secs(10);
