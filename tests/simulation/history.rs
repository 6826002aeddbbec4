//! What buyers were told.

use std::collections::BTreeMap;

use types::OrderId;

use crate::order_tables::Wanted;

/// What each buyer wanted under his key, and what he was told.
#[derive(Default)]
pub struct History {
    pub heard: BTreeMap<String, Heard>,
    /// Answers that must never be given.
    pub wrong: Vec<String>,
    /// Buyers who have not come to their end.
    pub busy: usize,
}

/// One buyer's story.
pub struct Heard {
    pub wanted: Wanted,
    /// The orders that were acknowledged under his key; one, or there is a bug.
    pub acknowledged: Vec<OrderId>,
    /// Whether he was told that it is cancelled.
    pub cancelled: bool,
}
