//! A phone or an e-mail: what leads to a card.

use crate::model::{Email, Phone};

/// One identity; it leads to at most one card.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Identity {
    Phone(Phone),
    Email(Email),
}

impl Identity {
    /// The kind as it is stored.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Phone(_) => "phone",
            Self::Email(_) => "email",
        }
    }

    /// The list of a card that shows it.
    pub(crate) fn field(&self) -> &'static str {
        match self {
            Self::Phone(_) => "phones",
            Self::Email(_) => "emails",
        }
    }

    pub(crate) fn value(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.as_str(),
            Self::Email(email) => email.as_str(),
        }
    }
}
