//! The roles of the suite: its services and the gateway.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rpc::{Callers, Directory, identity};
use service::{Configured, Running, Service};
use store::Settings;
use types::Clock;

use korob_access::Access;
use korob_catalog::Catalog;
use korob_customers::Customers;
use korob_delivery::Delivery;
use korob_inventory::Inventory;
use korob_orders::Orders;
use korob_payments::Payments;
use korob_webhooks::Webhooks;

/// The services, in the order in which the log names them.
pub const SERVICES: [&str; 8] = [
    Access::NAME,
    Catalog::NAME,
    Customers::NAME,
    Delivery::NAME,
    Inventory::NAME,
    Orders::NAME,
    Payments::NAME,
    Webhooks::NAME,
];

/// The name of the gateway's role.
pub const GATEWAY: &str = "gateway";

/// What one process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    Access,
    Catalog,
    Customers,
    Delivery,
    Inventory,
    Orders,
    Payments,
    Webhooks,
    Gateway,
}

impl Role {
    /// Every role; the gateway last, so that it opens when the others are there.
    pub const ALL: [Self; 9] = [
        Self::Access,
        Self::Catalog,
        Self::Customers,
        Self::Delivery,
        Self::Inventory,
        Self::Orders,
        Self::Payments,
        Self::Webhooks,
        Self::Gateway,
    ];

    /// The name, as in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => Access::NAME,
            Self::Catalog => Catalog::NAME,
            Self::Customers => Customers::NAME,
            Self::Delivery => Delivery::NAME,
            Self::Inventory => Inventory::NAME,
            Self::Orders => Orders::NAME,
            Self::Payments => Payments::NAME,
            Self::Webhooks => Webhooks::NAME,
            Self::Gateway => GATEWAY,
        }
    }

    /// The methods it calls, by service; the gateway has routes to whatever is open to partners.
    fn callees(self) -> Callees {
        let declared = match self {
            Self::Access => Access::CALLS,
            Self::Catalog => Catalog::CALLS,
            Self::Customers => Customers::CALLS,
            Self::Delivery => Delivery::CALLS,
            Self::Inventory => Inventory::CALLS,
            Self::Orders => Orders::CALLS,
            Self::Payments => Payments::CALLS,
            Self::Webhooks => Webhooks::CALLS,
            Self::Gateway => gateway::callees(),
        };
        declared.iter().map(|callee| (callee.service, callee.methods.iter().copied().collect())).collect()
    }
}

type Callees = BTreeMap<&'static str, BTreeSet<&'static str>>;

/// By the name of each role what it calls; an operator calls everything.
pub fn call_graph() -> BTreeMap<&'static str, Callees> {
    let roles = Role::ALL.into_iter().map(|role| (role.name(), role.callees()));
    let everything = SERVICES.map(|service| (service, BTreeSet::from(["*"])));
    roles.chain([(identity::OPERATOR, everything.into())]).collect()
}

/// Which roles call which methods of the service `name`.
pub fn callers_of(name: &str) -> Callers {
    let callers = Role::ALL.into_iter().flat_map(|role| {
        let methods = role.callees().remove(name).unwrap_or_default();
        methods.into_iter().map(move |method| (method, role.name()))
    });
    Callers::new(callers)
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Starts the service `name` with what the configuration says to it.
pub async fn launch(
    name: &str,
    database: &Settings,
    directory: &Directory,
    secret: &[u8],
    configured: Configured,
) -> anyhow::Result<Running> {
    let clock = Clock::system();
    match name {
        Access::NAME => service::launch_with::<Access>(database, directory, clock, secret, configured).await,
        Catalog::NAME => {
            service::launch_with::<Catalog>(database, directory, clock, secret, configured).await
        }
        Customers::NAME => {
            service::launch_with::<Customers>(database, directory, clock, secret, configured).await
        }
        Delivery::NAME => {
            service::launch_with::<Delivery>(database, directory, clock, secret, configured).await
        }
        Inventory::NAME => {
            service::launch_with::<Inventory>(database, directory, clock, secret, configured).await
        }
        Orders::NAME => service::launch_with::<Orders>(database, directory, clock, secret, configured).await,
        Payments::NAME => {
            service::launch_with::<Payments>(database, directory, clock, secret, configured).await
        }
        Webhooks::NAME => {
            service::launch_with::<Webhooks>(database, directory, clock, secret, configured).await
        }
        other => anyhow::bail!("{other} is not a service; there are {}", SERVICES.join(", ")),
    }
}

/// Migrates the database of the service `name`; answers how many migrations were applied.
pub async fn migrate(name: &str, url: &str) -> anyhow::Result<usize> {
    let own = match name {
        Access::NAME => Access::migrations(),
        Catalog::NAME => Catalog::migrations(),
        Customers::NAME => Customers::migrations(),
        Delivery::NAME => Delivery::migrations(),
        Inventory::NAME => Inventory::migrations(),
        Orders::NAME => Orders::migrations(),
        Payments::NAME => Payments::migrations(),
        Webhooks::NAME => Webhooks::migrations(),
        other => anyhow::bail!("{other} is not a service; there are {}", SERVICES.join(", ")),
    };
    Ok(store::migrate(url, own).await?)
}
