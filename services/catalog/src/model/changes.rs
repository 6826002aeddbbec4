//! What an update changed, field by field: for history and for those who are told.

use serde_json::Value;
use store::Audit;

/// A field and its value.
pub(crate) type Fact = (&'static str, Value);

/// The fields that differ.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Changes(Vec<Change>);

#[derive(Debug, Clone, PartialEq)]
struct Change {
    field: String,
    old: Value,
    new: Value,
}

impl Changes {
    /// From `old` to `new`, which list the same fields in the same order.
    pub(crate) fn between(old: Vec<Fact>, new: Vec<Fact>) -> Self {
        let mut changes = Self::default();
        for ((field, old), (_, new)) in old.into_iter().zip(new) {
            changes.note(field.to_owned(), old, new);
        }
        changes
    }

    /// All fields of something new that say something.
    pub(crate) fn of_new(new: Vec<Fact>) -> Self {
        let mut changes = Self::default();
        for (field, new) in new {
            if !says_nothing(&new) {
                changes.note(field.to_owned(), Value::Null, new);
            }
        }
        changes
    }

    /// Notes a field unless it stayed as it was.
    pub(crate) fn note(&mut self, field: String, old: Value, new: Value) {
        if old != new {
            self.0.push(Change { field, old, new });
        }
    }

    /// Adds the changes of a part, such as `variants[A-1]`.
    pub(crate) fn note_part(&mut self, part: &str, changes: Self) {
        let within = |change: Change| Change { field: format!("{part}.{}", change.field), ..change };
        self.0.extend(changes.0.into_iter().map(within));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of the resource's own fields that changed, each once.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for change in &self.0 {
            let name = change.field.split(['[', '.']).next().unwrap_or_default();
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// Writes the changes into a row of history.
    pub(crate) fn into_audit(self, audit: Audit) -> Audit {
        self.0.into_iter().fold(audit, |audit, change| audit.change(&change.field, change.old, change.new))
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::String(text) => text.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Number(_) => false,
    }
}
