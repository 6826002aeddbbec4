//! What an update changed, field by field: for history and for those who are told.

use serde_json::Value;
use store::Audit;

/// A field and its value.
pub(crate) type Fact = (&'static str, Value);

/// The fields that differ.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Changes(Vec<(&'static str, Value, Value)>);

impl Changes {
    /// From `old` to `new`, which list the same fields in the same order.
    pub(crate) fn between<const N: usize>(old: [Fact; N], new: [Fact; N]) -> Self {
        let pairs = old.into_iter().zip(new);
        Self(
            pairs.filter(|(old, new)| old != new).map(|((field, old), (_, new))| (field, old, new)).collect(),
        )
    }

    /// All fields of something new.
    pub(crate) fn of_new<const N: usize>(new: [Fact; N]) -> Self {
        Self(new.into_iter().map(|(field, new)| (field, Value::Null, new)).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the fields.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.iter().map(|(field, ..)| (*field).to_owned()).collect()
    }

    /// Writes the changes into a row of history.
    pub(crate) fn into_audit(self, audit: Audit) -> Audit {
        self.0.into_iter().fold(audit, |audit, (field, old, new)| audit.change(field, old, new))
    }
}
