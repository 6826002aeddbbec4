//! Why goods come back.

use std::fmt;
use std::str::FromStr;

/// Why goods come back: a closed list, so that reports can count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReturnReason(&'static str);

impl ReturnReason {
    /// Nobody took the parcel.
    pub const NOT_COLLECTED: Self = Self("not_collected");
    /// The list.
    pub const ALL: [&'static str; 9] = [
        "defective",
        "damaged_in_transit",
        "wrong_item",
        "not_as_described",
        "does_not_fit",
        "changed_mind",
        "late_delivery",
        Self::NOT_COLLECTED.0,
        "other",
    ];

    /// The text.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl FromStr for ReturnReason {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|known| *known == text).map(Self);
        found.ok_or_else(|| format!("one of: {}", Self::ALL.join(", ")))
    }
}

impl fmt::Display for ReturnReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
