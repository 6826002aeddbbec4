//! Where a parcel goes and to whom. Personal: neither is ever printed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A postal address or a pick-up point.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Two capital letters, or empty.
    pub country_code: String,
    pub region: String,
    pub city: String,
    pub postal_code: String,
    /// Street, house, flat.
    pub line: String,
    pub pickup_point_code: String,
    pub comment: String,
}

/// Who receives it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Recipient {
    pub name: String,
    pub phone: String,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient(…)")
    }
}
