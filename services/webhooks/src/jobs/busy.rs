//! Who is being sent to, so that no endpoint has two workers.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use types::WebhookEndpointId;

/// The endpoints that have a worker. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Busy(Arc<Mutex<BTreeSet<WebhookEndpointId>>>);

/// One of them; free again when this is dropped, however its worker ends.
pub(super) struct Taken {
    busy: Busy,
    endpoint: WebhookEndpointId,
}

impl Busy {
    /// Takes an endpoint, unless it is taken.
    pub(super) fn take(&self, endpoint: WebhookEndpointId) -> Option<Taken> {
        self.lock().insert(endpoint).then(|| Taken { busy: self.clone(), endpoint })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<WebhookEndpointId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.busy.lock().remove(&self.endpoint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_free_again_when_its_worker_panics() {
        let (busy, endpoint) = (Busy::default(), WebhookEndpointId::new());
        let taken = busy.take(endpoint).expect("it is free");
        assert!(busy.take(endpoint).is_none(), "it has a worker");

        let worker = std::thread::spawn(move || {
            let _taken = taken;
            panic!("a bug");
        });

        assert!(worker.join().is_err());
        assert!(busy.take(endpoint).is_some());
    }
}
