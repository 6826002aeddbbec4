//! Services in one process, each on a database of its own, with stand-ins for those a test does not need.

use std::time::Duration;

use rpc::{BoundChannel, Call, Caller, CallerKeys, Directory, Server, Servers, Shops, StackLayer};
use service::{Configured, Running, Service};
use tonic::server::NamedService;
use tower::Layer;
use types::{Clock, KeyId, ShopId};

use crate::database::TestDatabase;

const NAMES: [&str; 9] =
    ["access", "catalog", "customers", "delivery", "gateway", "inventory", "orders", "payments", "webhooks"];
const PATIENCE: Duration = Duration::from_secs(20);

/// A small suite for one test.
pub struct World {
    /// Moves the time of every service.
    pub clock: Clock,
    /// Leads to the services.
    pub directory: Directory,
    outbound: outbound::Reach,
    running: Vec<Running>,
    databases: Vec<(&'static str, TestDatabase)>,
}

/// Set to run the tests of a service with another number of connections.
const POOL_SIZE_VARIABLE: &str = "KOROB_TEST_POOL_SIZE";

impl World {
    /// An empty world, where what listens on this machine may be called.
    pub async fn new() -> Self {
        let directory = Directory::in_process(NAMES, CallerKeys::random());
        let outbound = outbound::Reach::with(&["127.0.0.0/8"]);
        Self { clock: Clock::system(), directory, outbound, running: Vec::new(), databases: Vec::new() }
    }

    /// From here on services call outside no further than this.
    pub fn reaching(mut self, outbound: outbound::Reach) -> Self {
        self.outbound = outbound;
        self
    }

    /// Starts `S` on a fresh database.
    pub async fn start<S: Service>(self) -> Self {
        let database = TestDatabase::of::<S>().await;
        self.start_on::<S>(database).await
    }

    /// Starts `S` on a database that another world has left behind.
    pub async fn start_on<S: Service>(mut self, database: TestDatabase) -> Self {
        let mut settings = store::Settings::at(database.url());
        // A burst of a test waits rather than fails; what happens when the pool is exhausted has a test of its own.
        settings.pool_wait_ms = 10_000;
        // `KOROB_TEST_POOL_SIZE=1` shows who waits for a connection while holding the last one.
        if let Some(size) = std::env::var(POOL_SIZE_VARIABLE).ok().and_then(|size| size.parse().ok()) {
            settings.pool_size = size;
        }
        let clock = self.clock.clone();
        let configured = Configured { outbound: self.outbound.clone(), ..Configured::default() };
        let running = service::launch_with::<S>(
            &settings,
            &self.directory,
            clock,
            b"a secret of tests only",
            configured,
        )
        .await;
        self.running.push(running.expect("the service starts"));
        self.databases.push((S::NAME, database));
        self
    }

    /// Answers calls to the service `name` with `server`, a generated server over a stand-in.
    pub fn stand_in<S: Server + NamedService>(self, name: &str, server: S) -> Self {
        let servers = Servers::of(server);
        self.directory.serve(name, StackLayer::new(name, self.directory.keys().clone()).layer(servers));
        self
    }

    /// A channel to `service` for an operator, who may do everything.
    pub fn channel(&self, service: &str) -> BoundChannel {
        self.channel_as(service, Caller::operator("test"))
    }

    /// A channel to `service` for `caller`.
    pub fn channel_as(&self, service: &str, caller: Caller) -> BoundChannel {
        self.directory.channel(service).bind(&Call::begin(caller, PATIENCE))
    }

    /// A partner with a key for `shops` and `scopes`.
    pub fn partner(shops: &[ShopId], scopes: &[&str]) -> Caller {
        Caller {
            actor: rpc::Actor::Key(KeyId::new()),
            on_behalf_of: None,
            shops: Shops::Only(shops.to_vec()),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        }
    }

    /// The database of a started service.
    pub fn database(&self, service: &str) -> &TestDatabase {
        let found = self.databases.iter().find(|(name, _)| *name == service);
        &found.expect("the service was started in this world").1
    }

    /// Takes away the database of a started service, so that it outlives this world.
    pub fn take_database(&mut self, service: &str) -> TestDatabase {
        let at = self.databases.iter().position(|(name, _)| *name == service);
        self.databases.remove(at.expect("the service was started in this world")).1
    }

    /// Lets running work end and stops the services.
    pub async fn drain(mut self) {
        for running in std::mem::take(&mut self.running) {
            running.drain().await;
        }
    }
}
