//! Stock keeping units: what a shop calls a variant.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

/// A SKU: 1 to 64 characters, no white space at the ends, no control characters. Compared byte by byte.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sku(String);

/// Why a text is not a SKU.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a SKU has 1 to {max} characters, none of them a control character, and no space at either end", max = Sku::LENGTH_MAX)]
pub struct SkuError;

impl Sku {
    /// The longest SKU, in characters.
    pub const LENGTH_MAX: usize = 64;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Sku {
    type Err = SkuError;

    fn from_str(text: &str) -> Result<Self, SkuError> {
        let length = text.chars().count();
        let valid = (1..=Self::LENGTH_MAX).contains(&length)
            && text.trim() == text
            && !text.chars().any(char::is_control);
        if valid { Ok(Self(text.to_owned())) } else { Err(SkuError) }
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for Sku {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<Sku> for String {
    fn from(sku: Sku) -> String {
        sku.0
    }
}
