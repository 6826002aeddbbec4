//! What the buyer said about himself: everything personal of an order.

use serde::{Deserialize, Serialize};

/// Digits of a phone that a search compares: numbers with and without a country differ before them.
const PHONE_KEY_LENGTH: usize = 10;

/// A person, as he gave himself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Buyer {
    /// His name.
    pub name: String,
    /// His phone, in any spelling.
    pub phone: String,
    /// His e-mail.
    pub email: String,
    /// What he asks for.
    pub comment: String,
}

impl Buyer {
    /// Whether he can be recognised.
    pub fn is_identifiable(&self) -> bool {
        !self.phone.is_empty() || !self.email.is_empty()
    }
}

/// Where a parcel goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// ISO 3166-1 alpha-2, or empty.
    pub country_code: String,
    /// State, oblast, county.
    pub region: String,
    /// City.
    pub city: String,
    /// Postal code.
    pub postal_code: String,
    /// Street, house, flat.
    pub line: String,
    /// The carrier's code of a pick-up point.
    pub pickup_point_code: String,
    /// What the courier should know.
    pub comment: String,
}

/// The words of a text in lower case.
pub fn words(text: &str) -> Vec<String> {
    let parts = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    parts.map(str::to_lowercase).collect()
}

/// The last digits of a phone, backwards, as a search by the end of the number needs them.
pub fn phone_key(phone: &str) -> String {
    phone.chars().rev().filter(char::is_ascii_digit).take(PHONE_KEY_LENGTH).collect()
}
