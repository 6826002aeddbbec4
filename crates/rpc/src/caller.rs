//! Who calls: the actor, the shops he may see and what he may do there.

use std::fmt;
use std::str::FromStr;

use types::{CustomerId, KeyId, ShopId};

/// The one scope of buyers: no key can hold it.
pub const BUYER_SCOPE: &str = "buyer.read";

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A partner with an API key.
    Key(KeyId),
    /// A buyer who looks at what is theirs.
    Buyer(CustomerId),
    /// A service of the suite, on its own initiative.
    Service(String),
    /// A person at the command line.
    Operator(String),
}

impl Actor {
    /// Whether methods inside the suite are open to it.
    pub fn is_internal(&self) -> bool {
        match self {
            Self::Service(_) | Self::Operator(_) => true,
            Self::Key(_) | Self::Buyer(_) => false,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(id) => write!(f, "key:{id}"),
            Self::Buyer(id) => write!(f, "buyer:{id}"),
            Self::Service(name) => write!(f, "service:{name}"),
            Self::Operator(name) => write!(f, "operator:{name}"),
        }
    }
}

impl FromStr for Actor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once(':') {
            Some(("key", id)) => id.parse().map(Self::Key).map_err(drop),
            Some(("buyer", id)) => id.parse().map(Self::Buyer).map_err(drop),
            Some(("service", name)) => Ok(Self::Service(name.to_owned())),
            Some(("operator", name)) => Ok(Self::Operator(name.to_owned())),
            _ => Err(()),
        }
    }
}

/// The shops an actor may see. A shop outside answers exactly like one that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shops {
    /// Every shop of the organisation.
    All,
    /// Only these.
    Only(Vec<ShopId>),
}

impl Shops {
    /// Whether `shop` is among them.
    pub fn allow(&self, shop: ShopId) -> bool {
        match self {
            Self::All => true,
            Self::Only(shops) => shops.contains(&shop),
        }
    }

    /// The one shop, when there is exactly one.
    pub fn single(&self) -> Option<ShopId> {
        match self {
            Self::Only(shops) if shops.len() == 1 => shops.first().copied(),
            _ => None,
        }
    }

    /// The UUIDs to filter rows by; `None` means no filter.
    pub fn filter(&self) -> Option<Vec<uuid::Uuid>> {
        match self {
            Self::All => None,
            Self::Only(shops) => Some(shops.iter().map(ShopId::uuid).collect()),
        }
    }
}

/// An actor with its rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// For a service that goes on with what somebody else began: that somebody.
    pub on_behalf_of: Option<String>,
    /// Where.
    pub shops: Shops,
    /// What, such as `orders.write`; `*` is everything.
    pub scopes: Vec<String>,
}

impl Caller {
    /// A service on its own initiative: every shop, every scope.
    pub fn service(name: &str) -> Self {
        Self::everything(Actor::Service(name.to_owned()))
    }

    /// A buyer of one shop.
    pub fn buyer(customer: CustomerId, shop: ShopId) -> Self {
        Self {
            actor: Actor::Buyer(customer),
            on_behalf_of: None,
            shops: Shops::Only(vec![shop]),
            scopes: vec![BUYER_SCOPE.to_owned()],
        }
    }

    /// The customer and the shop, when a buyer calls.
    pub fn as_buyer(&self) -> Option<(CustomerId, ShopId)> {
        match self.actor {
            Actor::Buyer(customer) => Some((customer, self.shops.single()?)),
            Actor::Key(_) | Actor::Service(_) | Actor::Operator(_) => None,
        }
    }

    /// A person at the command line: every shop, every scope.
    pub fn operator(name: &str) -> Self {
        Self::everything(Actor::Operator(name.to_owned()))
    }

    /// A service that goes on with what `who` began.
    pub fn service_for(name: &str, who: &str) -> Self {
        Self { on_behalf_of: Some(who.to_owned()), ..Self::service(name) }
    }

    /// Whether it holds `scope`; the empty scope is held by all.
    pub fn may(&self, scope: &str) -> bool {
        scope.is_empty() || self.scopes.iter().any(|held| held == scope || held == "*")
    }

    /// The text for history and events: `service:orders on behalf of key:key_…`.
    pub fn who(&self) -> String {
        match &self.on_behalf_of {
            Some(who) => format!("{} on behalf of {who}", self.actor),
            None => self.actor.to_string(),
        }
    }

    fn everything(actor: Actor) -> Self {
        Self { actor, on_behalf_of: None, shops: Shops::All, scopes: vec!["*".to_owned()] }
    }
}
