//! A cart: what a buyer has put together and not ordered yet.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use types::{CartId, OrderId, Quantity, ShopId, Sku, SourceId};
use uuid::Uuid;

/// A filled cart that nobody touched for so long is abandoned.
pub const ABANDONED_AFTER: TimeDelta = TimeDelta::minutes(60);
/// Carts are kept for so long after they were touched last.
pub const KEPT: TimeDelta = TimeDelta::days(90);

/// Where a cart stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CartState {
    /// Somebody fills it.
    Open,
    /// Filled and left alone.
    Abandoned,
    /// An order was placed from it.
    Ordered,
    /// Emptied on purpose.
    Cleared,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartLine {
    /// What.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
}

/// What the buyer left of himself; empty for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartContact {
    /// His name.
    pub name: String,
    /// His phone.
    pub phone: String,
    /// His e-mail.
    pub email: String,
}

/// What a shop's site writes as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartContent {
    /// The account it is filled through.
    pub source_id: Option<SourceId>,
    /// Who fills it.
    pub contact: CartContact,
    /// What is in it.
    pub lines: Vec<CartLine>,
}

/// A cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    /// Whose it is.
    pub shop_id: ShopId,
    /// The cart's id in the shop.
    pub cart_id: String,
    /// Where it stands.
    pub state: CartState,
    /// What is in it.
    pub content: CartContent,
    /// The order that was placed from it.
    pub order_id: Option<OrderId>,
    /// Counts changes of the content.
    pub version: i64,
    /// That of its last event.
    pub event_version: i64,
    /// When it was written first.
    pub create_time: DateTime<Utc>,
    /// When it was touched last.
    pub update_time: DateTime<Utc>,
}

/// An order was placed from the cart: it does not change any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlreadyOrdered {
    /// That order.
    pub order_id: OrderId,
}

impl Cart {
    /// What the suite calls the cart: the same shop and id lead to the same.
    pub fn key_of(shop_id: ShopId, cart_id: &str) -> CartId {
        CartId::from_uuid(Uuid::new_v5(&shop_id.uuid(), cart_id.as_bytes()))
    }

    /// What the suite calls it.
    pub fn key(&self) -> CartId {
        Self::key_of(self.shop_id, &self.cart_id)
    }

    /// A new one.
    pub fn new(shop_id: ShopId, cart_id: String, content: CartContent, now: DateTime<Utc>) -> Self {
        Self {
            shop_id,
            cart_id,
            state: CartState::Open,
            content,
            order_id: None,
            version: 1,
            event_version: 0,
            create_time: now,
            update_time: now,
        }
    }

    /// Its content is this now: it was touched, and is open again. The etag changes only with the content.
    pub fn put(&mut self, content: CartContent, now: DateTime<Utc>) -> Result<(), AlreadyOrdered> {
        self.may_change()?;
        if self.content != content || self.state == CartState::Cleared {
            self.version += 1;
        }
        self.content = content;
        self.state = CartState::Open;
        self.update_time = now;
        Ok(())
    }

    /// It is emptied, and nothing of the buyer stays.
    pub fn clear(&mut self, now: DateTime<Utc>) -> Result<(), AlreadyOrdered> {
        self.may_change()?;
        if self.state == CartState::Cleared {
            return Ok(());
        }
        self.version += 1;
        self.content = CartContent {
            source_id: self.content.source_id,
            contact: CartContact::default(),
            lines: Vec::new(),
        };
        self.state = CartState::Cleared;
        self.update_time = now;
        Ok(())
    }

    fn may_change(&self) -> Result<(), AlreadyOrdered> {
        self.order_id.map_or(Ok(()), |order_id| Err(AlreadyOrdered { order_id }))
    }
}

impl CartContact {
    /// Whether somebody can be written to or called.
    pub fn is_reachable(&self) -> bool {
        !self.phone.is_empty() || !self.email.is_empty()
    }
}

impl CartState {
    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Abandoned => "abandoned",
            Self::Ordered => "ordered",
            Self::Cleared => "cleared",
        }
    }
}

impl std::str::FromStr for CartState {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [Self::Open, Self::Abandoned, Self::Ordered, Self::Cleared];
        all.into_iter().find(|state| state.name() == name).ok_or_else(|| format!("the cart state {name}"))
    }
}
