//! What operators read of a process that runs, and what they may change of its telemetry.

use std::sync::{Arc, Mutex, PoisonError};

use metrics_exporter_prometheus::PrometheusHandle;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::reload;

use super::open_metrics;
use crate::process;

/// The metrics of this process and the switches of its logs and traces. Cheap to clone.
#[derive(Clone)]
pub struct Instruments {
    metrics: PrometheusHandle,
    filter: Arc<Filter>,
}

/// Puts another filter in place of the one that works.
pub(super) type Reload = Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>;

struct Filter {
    reload: Reload,
    text: Mutex<String>,
}

/// What can be changed while a process runs. A restart goes back to the configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Switches {
    /// What is logged, such as `info,korob_orders=debug`.
    pub log_filter: String,
    /// The part of new traces that is recorded, 0 to 1.
    pub sample_ratio: f64,
}

/// A change; what is not named stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SwitchesChange {
    /// What is logged.
    #[serde(default)]
    pub log_filter: Option<String>,
    /// The part of new traces that is recorded.
    #[serde(default)]
    pub sample_ratio: Option<f64>,
}

impl Instruments {
    pub(super) fn new(metrics: PrometheusHandle, reload: Reload, log_filter: String) -> Self {
        Self { metrics, filter: Arc::new(Filter { reload, text: Mutex::new(log_filter) }) }
    }

    /// All metrics in Prometheus' text form.
    pub fn render(&self) -> String {
        process::note();
        self.metrics.render()
    }

    /// The same in the form of OpenMetrics, with traces behind the durations.
    pub fn render_open_metrics(&self) -> String {
        open_metrics::of(&self.render())
    }

    /// How the switches are.
    pub fn switches(&self) -> Switches {
        let log_filter = self.filter.text.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Switches { log_filter, sample_ratio: rpc::trace::sample_ratio() }
    }

    /// All of `change`, or nothing and why: the error begins with the field.
    pub fn change(&self, change: SwitchesChange) -> Result<Switches, String> {
        if let Some(ratio) = change.sample_ratio.filter(|ratio| !(0.0..=1.0).contains(ratio)) {
            return Err(format!("sampleRatio: {ratio} is not between 0 and 1"));
        }
        if let Some(text) = change.log_filter {
            let filter = super::log_filter(&text).map_err(|error| format!("logFilter: {error}"))?;
            (self.filter.reload)(filter).map_err(|error| format!("logFilter: {error}"))?;
            *self.filter.text.lock().unwrap_or_else(PoisonError::into_inner) = text;
        }
        if let Some(ratio) = change.sample_ratio {
            rpc::trace::set_sample_ratio(ratio);
        }
        let switches = self.switches();
        tracing::warn!(
            log_filter = switches.log_filter,
            sample_ratio = switches.sample_ratio,
            "an operator has changed what is logged and traced"
        );
        Ok(switches)
    }

    /// Puts what was measured where it takes no more room, however often it happened.
    pub(super) fn tidy(&self) {
        self.metrics.run_upkeep();
    }
}
