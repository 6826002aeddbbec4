//! Why an order could not be placed.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::model::missing_item::MissingItem;

/// The reason of a refusal that stock caused.
pub const OUT_OF_STOCK: &str = "OUT_OF_STOCK";
/// The reason of a refusal that gave none.
const REFUSED: &str = "REFUSED";

/// What is kept with a rejected order and told to whoever placed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// UPPER_SNAKE, such as `OUT_OF_STOCK`.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
    /// What is short.
    pub missing_items: Vec<MissingItem>,
    /// Other facts, such as `expected` and `actual`.
    pub facts: Vec<(String, String)>,
}

impl Rejection {
    /// The rejection that a refused step leads to.
    pub fn of(reason: Option<String>, message: &str, facts: HashMap<String, String>) -> Self {
        let reason = reason.unwrap_or_else(|| REFUSED.to_owned());
        let mut facts: Vec<_> = facts.into_iter().collect();
        facts.sort();
        let short = |(sku, fact): &(String, String)| MissingItem::parse(sku, fact);
        let missing_items =
            if reason == OUT_OF_STOCK { facts.iter().filter_map(short).collect() } else { Vec::new() };
        facts.retain(|fact| reason != OUT_OF_STOCK || short(fact).is_none());
        Self { reason, message: message.to_owned(), missing_items, facts }
    }
}
