//! How many units a line names.

use std::fmt;

/// 1 to 1,000,000,000 units of a SKU. Sums over lines are `i64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Units(i64);

/// Why a number is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a whole number from 1 to {max}", max = Units::MAX)]
pub struct UnitsError;

impl Units {
    /// The most units of one line.
    pub const MAX: i64 = 1_000_000_000;

    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Units {
    type Error = UnitsError;

    fn try_from(number: i64) -> Result<Self, UnitsError> {
        if (1..=Self::MAX).contains(&number) { Ok(Self(number)) } else { Err(UnitsError) }
    }
}

impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
