//! Asks every service for its health, at most twice a second however often probes ask.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use rpc::{Channel, Directory};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

const PATIENCE: Duration = Duration::from_millis(1500);
const TRUST: Duration = Duration::from_millis(500);

/// Whether each service serves.
pub(crate) type Services = BTreeMap<String, bool>;

/// The last answer. Probes that come at once wait for the same round.
#[derive(Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, Services)>>);

impl Readiness {
    pub(crate) async fn services(&self, directory: &Directory) -> Services {
        let mut last = self.0.lock().await;
        if let Some((at, services)) = &*last
            && at.elapsed() < TRUST
        {
            return services.clone();
        }
        let asked = directory
            .names()
            .map(|name| async move { (name.to_owned(), is_serving(&directory.channel(name)).await) });
        let services: Services = join_all(asked).await.into_iter().collect();
        *last = Some((Instant::now(), services.clone()));
        services
    }
}

async fn is_serving(channel: &Channel) -> bool {
    let mut client = HealthClient::new(channel.anonymous(PATIENCE));
    let answer = tokio::time::timeout(PATIENCE, client.check(HealthCheckRequest::default())).await;
    matches!(answer, Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving)
}
