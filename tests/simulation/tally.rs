//! What there was on a day: where nothing happens, nothing is proved.

use std::collections::BTreeMap;
use std::fmt;

use korob_orders::model::order_state::OrderState;

use crate::world::World;

/// How often things happened, by name.
#[derive(Debug, Clone, Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    /// What must happen on some of many days.
    const EXPECTED: [&'static str; 12] = [
        "orders placed",
        "orders rejected",
        "orders cancelled",
        "payments taken",
        "refunds",
        "payments released",
        "shortages",
        "processes that died",
        "processes that slept",
        "sagas taken over",
        "requests that came late",
        "prices that rose",
    ];

    pub fn count(&mut self, what: &'static str, times: usize) {
        *self.0.entry(what).or_default() += times as u64;
    }

    pub fn add(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            *self.0.entry(what).or_default() += times;
        }
    }

    /// What never happened.
    pub fn missing(&self) -> Vec<&'static str> {
        Self::EXPECTED.into_iter().filter(|what| !self.0.contains_key(what)).collect()
    }

    /// With what the tables say at the end of the day.
    pub fn of_day(world: &World) -> Self {
        let mut tally = world.tally.lock().clone();
        let orders = world.orders.lock();
        for order in orders.orders.values() {
            let what = match order.state {
                OrderState::Rejected => "orders rejected",
                OrderState::Cancelled => "orders cancelled",
                _ => "orders placed",
            };
            tally.count(what, 1);
        }
        let money = world.money.lock();
        tally.count("refunds", money.all().map(|payment| payment.refunds.len()).sum());
        let cards = world.cards.lock();
        tally.count("payments taken", cards.charges.iter().filter(|charge| charge.captured() > 0).count());
        tally.count("payments released", cards.charges.iter().filter(|charge| charge.is_released()).count());
        tally.count("shortages", world.stock.lock().log.len());
        // Nothing is no entry.
        tally.0.retain(|_, times| *times > 0);
        tally
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted: Vec<String> = self.0.iter().map(|(what, times)| format!("{times} {what}")).collect();
        f.write_str(&counted.join(", "))
    }
}
