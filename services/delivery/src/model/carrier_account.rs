//! An account with a carrier outside: where it answers, how it knows us, who sends.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use types::{CarrierAccountId, ShopId};

/// Which dialect a carrier speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CarrierKind {
    /// The suite's own parcel contract.
    Parcel,
    NovaPoshta,
    Cdek,
}

impl CarrierKind {
    const ALL: [Self; 3] = [Self::Parcel, Self::NovaPoshta, Self::Cdek];

    /// Its name in the database, in history and on parcels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parcel => "parcel",
            Self::NovaPoshta => "nova-poshta",
            Self::Cdek => "cdek",
        }
    }

    /// Reads the name.
    pub fn stored(word: &str) -> Result<Self, store::Error> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == word);
        found.ok_or_else(|| store::Error::Corrupt(format!("carrier kind {word:?}")))
    }

    /// The credentials it needs, and those it can use.
    pub const fn credentials(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Parcel => (&["api_key"], &["webhook_secret"]),
            Self::NovaPoshta => (&["api_key"], &[]),
            Self::Cdek => (&["client_id", "client_secret"], &[]),
        }
    }

    /// The settings it needs, and those it can use.
    pub const fn settings(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Parcel => (&[], &[]),
            Self::NovaPoshta => (
                &["city_sender", "sender", "sender_address", "contact_sender", "senders_phone"],
                &["payer_type", "payment_method", "cargo_type", "print_url"],
            ),
            Self::Cdek => (
                &["sender_name", "sender_phone", "currency"],
                &["sender_company", "shipment_point", "from_city_code", "from_address", "country_code"],
            ),
        }
    }
}

/// Names and values; what they are is never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Private(pub BTreeMap<String, String>);

impl Private {
    /// The value of `name`, empty when there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }
}

impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// An account with a carrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierAccount {
    pub id: CarrierAccountId,
    /// `None` for every shop of the organisation.
    pub shop_id: Option<ShopId>,
    pub kind: CarrierKind,
    pub name: String,
    /// Without a final slash.
    pub base_url: String,
    pub credentials: Private,
    pub settings: Private,
    /// Where the carrier sends its webhooks; empty for one that is only polled.
    pub webhook_url: String,
    /// What the carrier was told last.
    pub webhook_told_url: String,
    /// When it is told again; `None` when it knows.
    pub webhook_due_time: Option<DateTime<Utc>>,
    /// A disabled account books nothing new.
    pub enabled: bool,
    /// Grows by one with every change.
    pub version: i64,
    pub create_time: DateTime<Utc>,
}

impl CarrierAccount {
    /// Whether parcels of `shop` may be booked with it.
    pub fn serves(&self, shop: Option<ShopId>) -> bool {
        self.shop_id.is_none_or(|own| Some(own) == shop)
    }
}
