//! Looks now and then at what cannot be counted while work is done: pools, backlogs, what waits in tables, how the database is.
//!
//! Every process of a service looks; what it sees belongs to the database they share, so queries over several processes take
//! the largest and not the sum.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use events::{Backlog, Subscription};
use rpc::Channel;
use store::{Figure, Store};
use tokio_util::sync::CancellationToken;

/// How often is looked.
const PERIOD: Duration = Duration::from_secs(15);

/// What is looked at besides the database itself.
pub(crate) struct Measured {
    pub(crate) store: Store,
    pub(crate) figures: Vec<Figure>,
    /// With the way to the producer of each.
    pub(crate) subscriptions: Vec<(Subscription, Channel)>,
}

/// Looks at once and then every [`PERIOD`], until `stop`. The second look comes sooner, at any moment: databases of one server
/// are not all looked at together. What cannot be read keeps its last value.
pub(crate) async fn run(measured: Measured, stop: CancellationToken) {
    // Whatever it waits for: nothing is lost when it is dropped.
    let _ = stop.run_until_cancelled(look_again_and_again(measured)).await;
}

async fn look_again_and_again(measured: Measured) {
    let database = measured.store.service().to_owned();
    let mut seen = BTreeMap::new();
    let mut told = Told::new(&database);
    let mut pause = PERIOD.mul_f64(rand::random());
    loop {
        note_pool(&measured.store, &database);
        for figure in measured.figures.iter().chain(&store::DATABASE) {
            match measured.store.read_figure(figure).await {
                Ok(rows) => note(figure, &database, rows, seen.entry(figure.names[0]).or_default()),
                Err(error) => tracing::debug!(figure = figure.names[0], %error, "a figure could not be read"),
            }
        }
        for (subscription, channel) in &measured.subscriptions {
            match events::backlog(&measured.store, channel, subscription).await {
                Ok(backlog) => note_backlog(subscription, backlog),
                Err(error) => {
                    let consumer = subscription.consumer();
                    tracing::debug!(consumer, error = format!("{error:#}"), "a backlog could not be read");
                }
            }
        }
        if let Err(error) = told.look(&measured.store, &database).await {
            tracing::debug!(%error, "what was told could not be counted");
        }
        tokio::time::sleep(std::mem::replace(&mut pause, PERIOD)).await;
    }
}

fn note_pool(store: &Store, database: &str) {
    let usage = store.usage();
    let busy = usage.open - usage.idle;
    let gauge = |name: &'static str, value: usize| {
        metrics::gauge!(name, "database" => database.to_owned()).set(value as f64);
    };
    gauge("korob_pool_connections_max", usage.max);
    gauge("korob_pool_connections_busy", busy);
    gauge("korob_pool_connections_idle", usage.idle);
    gauge("korob_pool_waiting", usage.waiting);
}

/// What has gone is nought, not silent: a value that stays would be believed.
fn note(figure: &Figure, database: &str, rows: Vec<(String, Vec<f64>)>, seen: &mut BTreeSet<String>) {
    seen.extend(figure.values.iter().map(|value| (*value).to_owned()));
    seen.extend(rows.iter().map(|(value, _)| value.clone()));
    let rows: BTreeMap<_, _> = rows.into_iter().collect();
    for value in seen.iter() {
        for (at, name) in figure.names.iter().enumerate() {
            let number = rows.get(value).and_then(|numbers| numbers.get(at)).copied().unwrap_or_default();
            let mut labels = vec![metrics::Label::new("database", database.to_owned())];
            labels.extend(figure.label.map(|label| metrics::Label::new(label, value.clone())));
            match name.ends_with("_total") {
                true => metrics::counter!(*name, labels).absolute(number as u64),
                false => metrics::gauge!(*name, labels).set(number),
            }
        }
    }
}

fn note_backlog(subscription: &Subscription, backlog: Backlog) {
    let gauge = |name: &'static str, value: f64| {
        let labels = [("consumer", subscription.consumer()), ("producer", subscription.producer())];
        metrics::gauge!(name, &labels).set(value);
    };
    gauge("korob_events_waiting", backlog.waiting as f64);
    gauge("korob_events_oldest_waiting_seconds", backlog.oldest_age.as_secs_f64());
    gauge("korob_events_parked", backlog.parked as f64);
    gauge("korob_events_given_up", backlog.given_up as f64);
}

/// Counts the events that the service tells, from now on.
struct Told {
    position: Option<i64>,
}

impl Told {
    /// All types of the service are there from the beginning.
    fn new(database: &str) -> Self {
        types_of(database).into_iter().for_each(|name| count(database, name, 0));
        Self { position: None }
    }

    async fn look(&mut self, store: &Store, database: &str) -> store::Result<()> {
        let last = match self.position {
            None => events::last_position(store).await?,
            Some(position) => {
                let told = events::told_since(store, position).await?;
                told.types.into_iter().for_each(|(name, times)| count(database, name, times));
                told.position
            }
        };
        self.position = Some(last);
        metrics::gauge!("korob_events_log_position", "database" => database.to_owned()).set(last as f64);
        Ok(())
    }
}

/// `name` is that of the message, such as `OrderPlaced`: a service tells events of its own package only.
fn count(database: &str, name: String, times: u64) {
    let name = name.rsplit('.').next().unwrap_or_default().to_owned();
    metrics::counter!("korob_events_told_total", "database" => database.to_owned(), "type" => name)
        .increment(times);
}

/// The events in the contract of a service.
fn types_of(service: &str) -> Vec<String> {
    let file = format!("korob/{service}/v1/events.proto");
    let contract = proto::pool().get_file_by_name(&file);
    let messages = contract.iter().flat_map(|contract| contract.messages());
    messages.map(|message| message.name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    const FIGURE: Figure = Figure {
        names: &["korob_waiting", "korob_done_total"],
        label: Some("what"),
        values: &["parcels"],
        sql: "",
    };

    #[test]
    fn what_has_gone_is_nought_and_what_is_expected_is_there() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let mut seen = BTreeSet::new();
        let mut look = |rows: &[(&str, [f64; 2])]| {
            let rows = rows.iter().map(|(what, numbers)| ((*what).to_owned(), numbers.to_vec())).collect();
            metrics::with_local_recorder(&recorder, || note(&FIGURE, "delivery", rows, &mut seen));
            recorder.handle().render()
        };
        let has = |text: &str, line: &str| assert!(text.lines().any(|one| one == line), "{line}: {text}");

        let text = look(&[("webhooks", [3.0, 7.0])]);
        has(&text, "korob_waiting{database=\"delivery\",what=\"parcels\"} 0");
        has(&text, "korob_waiting{database=\"delivery\",what=\"webhooks\"} 3");
        has(&text, "korob_done_total{database=\"delivery\",what=\"webhooks\"} 7");
        has(&text, "# TYPE korob_done_total counter");

        let text = look(&[("parcels", [1.0, 1.0])]);
        has(&text, "korob_waiting{database=\"delivery\",what=\"webhooks\"} 0");
        has(&text, "korob_waiting{database=\"delivery\",what=\"parcels\"} 1");
    }

    #[test]
    fn every_event_of_a_contract_is_counted_from_nought() {
        let types = types_of("orders");
        assert!(types.contains(&"OrderPlaced".to_owned()), "{types:?}");
        assert!(types_of("nobody").is_empty());
    }
}
