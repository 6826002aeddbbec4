//! The country whose habits a phone is read with.

use phonenumber::Metadata;
use phonenumber::country::Id;
use phonenumber::metadata::DATABASE;

/// A country that has a telephone plan.
#[derive(Clone, Copy)]
pub(crate) struct Country {
    pub(crate) id: Id,
    pub(crate) plan: &'static Metadata,
}

impl Country {
    /// The country of an ISO 3166-1 alpha-2 code.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        let id: Id = code.parse().ok()?;
        DATABASE.by_id(id.as_ref()).map(|plan| Self { id, plan })
    }

    /// Where a buyer is when nothing says otherwise.
    pub(crate) fn home() -> Option<Self> {
        Self::of_code("UA")
    }
}
