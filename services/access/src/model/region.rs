//! Where a shop sells: its locale and its country.

use std::fmt;
use std::str::FromStr;

/// A BCP 47 tag by its shape, such as `uk-UA`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Locale(String);

/// An ISO 3166-1 alpha-2 code by its shape, such as `UA`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Country(String);

/// Not a locale.
#[derive(Debug, thiserror::Error)]
#[error("a BCP 47 tag such as \"uk-UA\"")]
pub(crate) struct LocaleError;

/// Not a country.
#[derive(Debug, thiserror::Error)]
#[error("two capital letters of ISO 3166-1, such as \"UA\"")]
pub(crate) struct CountryError;

const LOCALE_LENGTH_MAX: usize = 35;

impl Locale {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The country the tag names, `UA` for `uk-UA`.
    pub(crate) fn country(&self) -> Option<Country> {
        self.0.split('-').skip(1).find_map(|part| part.parse().ok())
    }
}

impl FromStr for Locale {
    type Err = LocaleError;

    fn from_str(text: &str) -> Result<Self, LocaleError> {
        let mut parts = text.split('-');
        let language = parts.next().unwrap_or_default();
        let shaped =
            (2..=3).contains(&language.len()) && language.bytes().all(|letter| letter.is_ascii_lowercase());
        let subtag = |part: &str| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let valid = text.len() <= LOCALE_LENGTH_MAX && shaped && parts.all(subtag);
        if valid { Ok(Self(text.to_owned())) } else { Err(LocaleError) }
    }
}

impl Country {
    /// Where a shop is when nothing says otherwise.
    pub(crate) fn home() -> Self {
        Self("UA".to_owned())
    }
}

impl FromStr for Country {
    type Err = CountryError;

    fn from_str(text: &str) -> Result<Self, CountryError> {
        let valid = text.len() == 2 && text.bytes().all(|letter| letter.is_ascii_uppercase());
        if valid { Ok(Self(text.to_owned())) } else { Err(CountryError) }
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
