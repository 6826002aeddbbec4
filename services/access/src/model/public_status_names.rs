//! What buyers read where the desk reads a state: a name for each language.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Names by language, such as `uk`.
pub(crate) type Names = BTreeMap<String, String>;

/// Names by state, as the contract of orders calls it. Sorted, so that equal ones look equal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PublicStatusNames(pub(crate) BTreeMap<String, Names>);

impl PublicStatusNames {
    /// As it is stored and told in history.
    pub(crate) fn to_json(&self) -> Value {
        json!(self.0)
    }

    pub(crate) fn of_json(stored: Value) -> Option<Self> {
        serde_json::from_value(stored).ok().map(Self)
    }
}
