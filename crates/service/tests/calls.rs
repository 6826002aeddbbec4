//! Whom a service does not say that it calls, it cannot call.

use std::time::Duration;

use events::Subscription;
use rpc::{Callee, CallerKeys, Directory};
use service::{Parts, Platform, Service};
use store::{EmbeddedMigrations, Settings};
use testing::TestDatabase;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use types::Clock;

use crate::bench::Bench;

/// Asks the bench how it is before it starts, as it said it would.
struct Neighbour;
/// The same without a word.
struct Stranger;
/// Reads the events of the bench without a word.
struct Eavesdropper;

impl Service for Neighbour {
    const NAME: &'static str = "neighbour";
    const CALLS: &'static [Callee] = &[Callee::new("bench", &["ResetCursor"])];

    fn migrations() -> EmbeddedMigrations {
        store::platform_migrations()
    }

    async fn start(platform: Platform) -> anyhow::Result<Parts> {
        ask(&platform).await
    }
}

impl Service for Stranger {
    const NAME: &'static str = "stranger";

    fn migrations() -> EmbeddedMigrations {
        store::platform_migrations()
    }

    async fn start(platform: Platform) -> anyhow::Result<Parts> {
        ask(&platform).await
    }
}

impl Service for Eavesdropper {
    const NAME: &'static str = "eavesdropper";

    fn migrations() -> EmbeddedMigrations {
        store::platform_migrations()
    }

    async fn start(_: Platform) -> anyhow::Result<Parts> {
        let ears = Subscription::new("eavesdropper.listen", "bench", |_, _| Box::pin(async { Ok(()) }));
        Ok(Parts::new().consume(ears))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_declared_services_are_called() {
    let directory = Directory::in_process(["bench"], CallerKeys::random());
    let (bench, _) = launched::<Bench>(&directory).await;
    let _bench = bench.expect("it calls nobody");

    let (neighbour, _database) = launched::<Neighbour>(&directory).await;
    assert!(neighbour.is_ok(), "it says that it calls the bench: {:?}", neighbour.err());

    let (stranger, _database) = launched::<Stranger>(&directory).await;
    let told = format!("{:#}", stranger.err().expect("it must not reach the bench"));
    assert_eq!(told, "stranger does not say that it calls bench");

    let (eavesdropper, _database) = launched::<Eavesdropper>(&directory).await;
    let told = format!("{:#}", eavesdropper.err().expect("a subscription is a call"));
    assert_eq!(told, "eavesdropper does not say that it reads the events of bench");
}

async fn launched<S: Service>(directory: &Directory) -> (anyhow::Result<service::Running>, TestDatabase) {
    let database = TestDatabase::of::<S>().await;
    let settings = Settings::at(database.url());
    (service::launch::<S>(&settings, directory, Clock::system(), b"secret").await, database)
}

async fn ask(platform: &Platform) -> anyhow::Result<Parts> {
    let channel = platform.directory.channel("bench").anonymous(Duration::from_secs(5));
    match HealthClient::new(channel).check(HealthCheckRequest::default()).await {
        Ok(_) => Ok(Parts::new()),
        Err(status) => anyhow::bail!(status.message().to_owned()),
    }
}
