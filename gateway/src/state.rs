//! What all requests share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use rpc::{Admission, BuyerTokens, Channel, Directory};
use tokio::sync::Semaphore;
use types::Clock;

use crate::docs::Page;
use crate::handlers::EventStreams;
use crate::keys::Keys;
use crate::rates::Rates;
use crate::readiness::Readiness;
use crate::repeats::RepeatBudget;
use crate::settings::Settings;
use crate::wrong_keys::WrongKeys;

/// The gateway's state. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Gateway(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) directory: Directory,
    pub(crate) keys: Keys,
    pub(crate) buyer_tokens: BuyerTokens,
    pub(crate) wrong_keys: WrongKeys,
    pub(crate) rates: Rates,
    pub(crate) webhooks: Semaphore,
    /// By the account that a webhook is for, and who sends it.
    pub(crate) webhook_rates: Rates,
    pub(crate) trackers: Semaphore,
    /// By who looks.
    pub(crate) tracker_rates: Rates,
    pub(crate) admission: Admission,
    pub(crate) feeds: Arc<Semaphore>,
    pub(crate) event_streams: EventStreams,
    pub(crate) repeats: RepeatBudget,
    pub(crate) readiness: Readiness,
    pub(crate) openapi: Bytes,
    /// Made when first asked for.
    docs: OnceLock<Page>,
    /// Set when the gateway is about to stop.
    pub(crate) draining: AtomicBool,
}

impl std::ops::Deref for Gateway {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Gateway {
    pub(crate) fn new(settings: Settings, directory: &Directory) -> anyhow::Result<Self> {
        let limits = settings.limits;
        for service in directory.names() {
            metrics::counter!("korob_repeats_total", "to" => service.to_owned()).increment(0);
        }
        Ok(Self(Arc::new(Shared {
            directory: directory.for_issuer(crate::NAME),
            keys: Keys::new(limits.key_trust(), limits.keys_max),
            buyer_tokens: BuyerTokens::new(directory.keys(), Clock::system()),
            wrong_keys: WrongKeys::new(limits.wrong_keys_per_minute_max, limits.keys_max),
            rates: Rates::new(limits.keys_max),
            webhooks: Semaphore::new(limits.webhooks_max),
            webhook_rates: Rates::new(limits.keys_max),
            trackers: Semaphore::new(limits.trackers_max),
            tracker_rates: Rates::new(limits.keys_max),
            admission: Admission::new(crate::NAME, limits.admission()),
            feeds: Arc::new(Semaphore::new(limits.feeds_max)),
            event_streams: EventStreams::default(),
            repeats: RepeatBudget::new(limits.repeats_percent_max),
            readiness: Readiness::default(),
            openapi: Bytes::from(crate::openapi_text()?),
            docs: OnceLock::new(),
            draining: AtomicBool::new(false),
            settings,
        })))
    }

    /// The documentation for people.
    pub(crate) fn docs(&self) -> &Page {
        self.docs.get_or_init(|| Page::of(&crate::openapi::document()))
    }

    pub(crate) fn channel(&self, service: &str) -> Channel {
        self.directory.channel(service)
    }
}
