//! Ready while the database answers; busy is not away.

use std::time::Duration;

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::bench::{Started, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_pool_is_still_ready() {
    let started = start().await;
    becomes(&started, ServingStatus::Serving).await;
    let first = started.running.store().connection().await.expect("a connection");
    let second = started.running.store().connection().await.expect("a connection");
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(status(&started).await, ServingStatus::Serving);
    }
    drop((first, second));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_is_not_ready_and_one_that_is_back_is() {
    let started = start().await;
    becomes(&started, ServingStatus::Serving).await;
    let admin = tokio_postgres::connect(&testing::admin_url().await, tokio_postgres::NoTls).await;
    let (admin, connection) = admin.expect("the administrator connects");
    tokio::spawn(connection);
    let name = started.database.url().rsplit('/').next().expect("a name").to_owned();
    admin.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await.expect("closed");
    let ended = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    admin.batch_execute(&ended).await.expect("ended");
    becomes(&started, ServingStatus::NotServing).await;

    admin.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await.expect("open");
    becomes(&started, ServingStatus::Serving).await;
}

async fn becomes(started: &Started, wanted: ServingStatus) {
    testing::eventually("the status", async || (status(started).await == wanted).then_some(())).await;
}

async fn status(started: &Started) -> ServingStatus {
    let channel = started.directory.channel("bench").anonymous(Duration::from_secs(5));
    let answer =
        HealthClient::new(channel).check(HealthCheckRequest::default()).await.expect("health is open to all");
    answer.into_inner().status()
}
