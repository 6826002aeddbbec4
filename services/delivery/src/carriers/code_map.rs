//! What a carrier's codes mean: data with a version, which every event keeps, so that a corrected table is told apart.

use crate::model::tracking_status::TrackingStatus;

/// What a code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The parcel has this status.
    Status(TrackingStatus),
    /// The parcel has this status, and unless the carrier says more, this is why.
    Trouble(TrackingStatus, &'static str),
    /// It says nothing of where the parcel is.
    NoMovement,
}

/// The codes of one carrier.
#[derive(Debug)]
pub struct CodeMap {
    /// Grows with every change of the entries.
    pub version: i32,
    pub entries: &'static [(&'static str, Meaning)],
}

impl CodeMap {
    /// That of a carrier without codes.
    pub const NONE: Self = Self { version: 0, entries: &[] };

    /// What a code means; `None` when it is not known.
    pub fn meaning(&self, code: &str) -> Option<Meaning> {
        self.entries.iter().find(|(known, _)| *known == code).map(|(_, meaning)| *meaning)
    }
}
