//! Units that somebody wants to have held.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use types::{OrderId, ReservationId, ShopId, Sku, WarehouseId};

use crate::model::Split;

/// A cart's id in its shop: 1 to 128 characters, no control characters, no space at the ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartId(String);

/// Why a text is not a cart's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("1 to {max} characters, none of them a control character, and no space at either end", max = CartId::LENGTH_MAX)]
pub struct CartIdError;

/// What units are held for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// An order: until it ships or is cancelled.
    Order(OrderId),
    /// A cart: until it is ordered, given up, or its time runs out.
    Cart(CartId),
}

/// Why a text does not name an owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an order like ord_0192f0a1b2c3d4e5f60718293a4b5c6d or a cart like cart:A-1")]
pub struct OwnerError;

/// Whom units are held for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The order or the cart.
    pub owner: Owner,
    /// Its shop.
    pub shop_id: ShopId,
}

/// What happens when there is less than is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnShortage {
    /// Nothing is held.
    Refuse,
    /// What there is is held, and the rest is a visible shortage.
    Accept,
}

/// Where units may come from, now and when they arrive later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// From where, in this order; none named means from anywhere.
    pub warehouse_ids: Vec<WarehouseId>,
    /// Whether from several.
    pub split: Split,
}

/// Units to be held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Chosen by who wants them, so that a repeat names the same.
    pub reservation_id: ReservationId,
    /// For whom.
    pub holder: Holder,
    /// How many, summed over all lines that name the SKU.
    pub units: BTreeMap<Sku, i64>,
    /// From where.
    pub terms: Terms,
    /// What if there is less.
    pub on_shortage: OnShortage,
    /// When the hold ends by itself; orders' reservations never do.
    pub expire_time: Option<DateTime<Utc>>,
}

/// What a held reservation wants from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which reservation.
    pub reservation_id: ReservationId,
    /// Counts the owner's changes.
    pub revision: i32,
    /// How many units of each SKU, without what was shipped.
    pub units: BTreeMap<Sku, i64>,
    /// From where.
    pub terms: Terms,
    /// What if there is less.
    pub on_shortage: OnShortage,
}

/// Held units that are to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipment {
    /// What takes them; the same one again takes nothing.
    pub reference: String,
    /// Which.
    pub goods: Goods,
    /// Where they leave from; `None` means wherever they are held.
    pub warehouse_id: Option<WarehouseId>,
}

/// Which held units leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goods {
    /// All that are held.
    All,
    /// So many of each SKU.
    Units(BTreeMap<Sku, i64>),
}

impl Terms {
    /// From anywhere, from several warehouses if need be.
    pub const ANY: Self = Self { warehouse_ids: Vec::new(), split: Split::Allowed };
}

impl CartId {
    /// The longest id, in characters.
    pub const LENGTH_MAX: usize = 128;
}

impl FromStr for CartId {
    type Err = CartIdError;

    fn from_str(text: &str) -> Result<Self, CartIdError> {
        let in_range = (1..=Self::LENGTH_MAX).contains(&text.chars().count());
        let clean = text.trim() == text && !text.chars().any(char::is_control);
        if in_range && clean { Ok(Self(text.to_owned())) } else { Err(CartIdError) }
    }
}

impl FromStr for Owner {
    type Err = OwnerError;

    fn from_str(text: &str) -> Result<Self, OwnerError> {
        match text.strip_prefix("cart:") {
            Some(cart) => cart.parse().map(Self::Cart).map_err(|_| OwnerError),
            None => text.parse().map(Self::Order).map_err(|_| OwnerError),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(id) => fmt::Display::fmt(id, f),
            Self::Cart(CartId(id)) => write!(f, "cart:{id}"),
        }
    }
}
