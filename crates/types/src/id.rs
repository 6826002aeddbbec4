//! Typed ids: `ord_0192f0…`, a prefix that names the kind and a UUID.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use uuid::fmt::Simple;
use uuid::{Builder, Uuid};

const PREFIX_LENGTH: usize = 3;

/// What an id identifies.
pub trait Kind {
    /// The three letters before the underscore, such as `ord`.
    const PREFIX: &'static str;
}

/// The kinds of things that have ids.
pub mod kind {
    use super::Kind;

    macro_rules! kinds {
        ($($name:ident = $prefix:literal),* $(,)?) => {$(
            #[doc = concat!("Ids beginning with `", $prefix, "_`.")]
            #[derive(Debug)]
            pub enum $name {}

            impl Kind for $name {
                const PREFIX: &'static str = $prefix;
            }
        )*};
    }

    kinds! {
        ApiKey = "key", Attempt = "att", Brand = "brd", CarrierAccount = "cac", Cart = "crt", Category = "cat", ChannelAccount = "src", CostLayer = "lay", Customer = "cus", Event = "evt",
        DeliveryMethod = "dlm", DeliveryPlan = "dlp", Fulfilment = "ful", ImportMapping = "imp", Incident = "inc", LegalEntity = "ent", Order = "ord", OrderLine = "lin",
        Organization = "org", Payment = "pay", PaymentAccount = "pac", PriceList = "prl", Product = "prd", PromoCode = "prm", ProviderNotification = "ntf", Quote = "quo", Receipt = "rcp", Refund = "rfd",
        Return = "ret", ReturnPosting = "rpo",
        Reservation = "res", Shipment = "shm", Shop = "shp", Shortage = "sht",
        StockDocument = "std", Transfer = "trf", Variant = "var", Warehouse = "whs",
        WebhookDelivery = "whd", WebhookEndpoint = "whe", WebhookReplay = "whr",
    }
}

/// The id of one thing of kind `K`; its text is the prefix, `_` and 32 hexadecimal digits.
pub struct Id<K> {
    uuid: Uuid,
    kind: PhantomData<fn() -> K>,
}

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id like {prefix}_0192f0a1b2c3d4e5f60718293a4b5c6d")]
pub struct IdError {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

impl<K: Kind> Id<K> {
    /// A new id; ids made later sort later (UUIDv7).
    pub fn new() -> Self {
        Self::from_uuid(Uuid::now_v7())
    }

    /// The id stored as `uuid`.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self { uuid, kind: PhantomData }
    }

    /// The id of the `ordinal`-th part of kind `K` of a parent: the same input always gives the same id, so a step that
    /// is repeated names the same part. It keeps the parent's time: parts that are made together stand together in an index,
    /// at its end, where a new entry is cheapest.
    pub fn derived(parent: Uuid, ordinal: u32) -> Self {
        let hash = Uuid::new_v5(&parent, format!("{}/{ordinal}", K::PREFIX).as_bytes());
        if !begins_with_time(parent) {
            return Self::from_uuid(hash);
        }
        let mut bytes = hash.into_bytes();
        bytes[..TIME_BYTES].copy_from_slice(&parent.as_bytes()[..TIME_BYTES]);
        Self::from_uuid(Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The UUID inside.
    pub const fn uuid(&self) -> Uuid {
        self.uuid
    }
}

/// Milliseconds since 1970 in a UUID of version 7.
const TIME_BYTES: usize = 6;

/// A new id is of version 7, and what is derived from it of version 8.
fn begins_with_time(uuid: Uuid) -> bool {
    matches!(uuid.get_version_num(), 7 | 8)
}

impl<K: Kind> Default for Id<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = IdError { prefix: K::PREFIX };
        let digits =
            text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('_')).ok_or(error.clone())?;
        let canonical = digits.len() == 32 && !digits.bytes().any(|byte| byte.is_ascii_uppercase());
        if !canonical {
            return Err(error);
        }
        Uuid::try_parse(digits).map(Self::from_uuid).map_err(|_| error)
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In one piece: a text made of it is allocated once.
        let mut text = [b'_'; PREFIX_LENGTH + 1 + Simple::LENGTH];
        text[..PREFIX_LENGTH].copy_from_slice(K::PREFIX.as_bytes());
        self.uuid.simple().encode_lower(&mut text[PREFIX_LENGTH + 1..]);
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}

impl<K> Eq for Id<K> {}

impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.uuid.cmp(&other.uuid)
    }
}

impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

impl<K: Kind> From<Id<K>> for Uuid {
    fn from(id: Id<K>) -> Uuid {
        id.uuid
    }
}

impl<K: Kind> From<Id<K>> for String {
    fn from(id: Id<K>) -> String {
        id.to_string()
    }
}
