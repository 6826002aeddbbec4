//! What another system calls a thing.

use types::SourceId;

/// An id in the system behind a source; unique there among things of one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ExternalId {
    pub(crate) source: SourceId,
    pub(crate) id: String,
}

impl ExternalId {
    /// The longest id, in characters.
    pub(crate) const LENGTH_MAX: usize = 128;

    /// The text for history.
    pub(crate) fn text(&self) -> String {
        format!("{}/{}", self.source, self.id)
    }

    /// Sources and ids as they are stored.
    pub(crate) fn of_rows(rows: impl IntoIterator<Item = (uuid::Uuid, String)>) -> Vec<Self> {
        rows.into_iter().map(|(source, id)| Self { source: SourceId::from_uuid(source), id }).collect()
    }
}
