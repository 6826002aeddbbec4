//! What orders were lately short of.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;
use tonic::Status;
use types::Sku;

use crate::model::rejection::Rejection;

/// What was missing is taken to be missing for so long, unless it is missed again.
const REMEMBERED: Duration = Duration::from_secs(60);
/// SKUs that are remembered.
const SKUS_MAX: usize = 10_000;

/// SKUs that were missing a moment ago: whoever wants one of them is probably refused, too. A guess, and this process's
/// alone: steps may be put in another order for it, nothing else.
#[derive(Debug, Default)]
pub struct RecentShortages(Mutex<HashMap<String, Instant>>);

impl RecentShortages {
    /// Remembers what is missing by `refusal`: nothing if it has another reason.
    pub fn note(&self, refusal: &Status) {
        let rejection = Rejection::of(rpc::reason(refusal), refusal.message(), rpc::metadata(refusal));
        let (now, mut known) = (Instant::now(), self.lock());
        for missing in rejection.missing_items {
            if known.len() >= SKUS_MAX {
                known.clear();
            }
            known.insert(missing.sku, now);
        }
    }

    /// Whether one of `skus` was missing lately.
    pub fn concern<'a>(&self, skus: impl IntoIterator<Item = &'a Sku>) -> bool {
        let known = self.lock();
        let lately = |sku: &Sku| known.get(sku.as_str()).is_some_and(|at| at.elapsed() < REMEMBERED);
        !known.is_empty() && skus.into_iter().any(lately)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::missing_item::MissingItem;
    use crate::model::rejection::OUT_OF_STOCK;

    fn refusal(reason: &'static str, sku: &str) -> Status {
        let missing = MissingItem { sku: sku.to_owned(), wanted: 2, available: 1 };
        let refused = rpc::Fault::new(tonic::Code::FailedPrecondition, reason, "not enough");
        refused.with(sku, missing.fact()).into()
    }

    fn sku(text: &str) -> Sku {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_missing_concerns_its_orders_for_a_while() {
        let shortages = RecentShortages::default();
        shortages.note(&refusal(OUT_OF_STOCK, "A-1"));
        shortages.note(&refusal("PRICE_CHANGED", "A-3"));
        assert!(shortages.concern([&sku("A-2"), &sku("A-1")]));
        assert!(!shortages.concern([&sku("A-2"), &sku("A-3")]));
        tokio::time::advance(REMEMBERED).await;
        assert!(!shortages.concern([&sku("A-1")]));
    }

    #[test]
    fn there_is_a_most_of_what_is_remembered() {
        let shortages = RecentShortages::default();
        for number in 0..=SKUS_MAX {
            shortages.note(&refusal(OUT_OF_STOCK, &format!("A-{number}")));
        }
        assert!(shortages.lock().len() <= SKUS_MAX);
        assert!(shortages.concern([&sku(&format!("A-{SKUS_MAX}"))]), "the last one is among them");
    }
}
