//! The prices of carriers: asked within a budget, remembered, and asked for in the background when they come too late.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use types::{CarrierAccountId, Money};

use crate::carriers::{Carrier, CarrierError, ServicePrice};
use crate::memory::Memory;
use crate::model::address::Address;
use crate::model::tariff::Cart;

/// How long a buyer waits for a carrier's price.
pub const BUDGET: Duration = Duration::from_millis(300);
/// How long a price is good: as long as a quote of the shop.
const LIFE: Duration = Duration::from_secs(30 * 60);
const REMEMBERED_MAX: usize = 10_000;
/// Carriers asked for prices at once.
const ASKED_MAX: usize = 64;

/// What a price depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Question {
    account: CarrierAccountId,
    country_code: String,
    city: String,
    postal_code: String,
    pickup_point_code: String,
    goods_total: Money,
    weight_grams: i32,
    cash_on_delivery: bool,
}

/// The prices of carriers.
pub struct Quotes {
    known: Arc<Memory<Question, Vec<ServicePrice>>>,
    asked: Arc<Semaphore>,
}

impl Default for Quotes {
    fn default() -> Self {
        Self {
            known: Arc::new(Memory::new(LIFE, REMEMBERED_MAX)),
            asked: Arc::new(Semaphore::new(ASKED_MAX)),
        }
    }
}

impl Quotes {
    /// The prices of an account; `None` when the carrier does not say within the budget. What comes later is remembered.
    pub async fn ask(
        &self,
        account: CarrierAccountId,
        carrier: Arc<dyn Carrier>,
        cart: &Cart<'_>,
    ) -> Option<Arc<Vec<ServicePrice>>> {
        let question = Question::of(account, cart);
        if let Some(known) = self.known.recall(&question) {
            return Some(known);
        }
        let permit = self.asked.clone().try_acquire_owned().ok()?;
        let known = self.known.clone();
        let address = cart.address.cloned();
        let (goods_total, weight_grams, cash_on_delivery) =
            (cart.goods_total, cart.weight_grams, cart.cash_on_delivery);
        // A task of its own: a buyer who waits no longer leaves the price to the next one.
        let asking = tokio::spawn(async move {
            let _permit = permit;
            let cart = Cart { address: address.as_ref(), goods_total, weight_grams, cash_on_delivery };
            let prices = match carrier.quote(&cart).await {
                Ok(prices) => Arc::new(prices),
                // It does not go there: an answer like any other.
                Err(CarrierError::Refused(_)) => Arc::default(),
                Err(error) => {
                    tracing::info!(%error, carrier = carrier.name(), "a carrier gave no price");
                    return None;
                }
            };
            known.keep(question, prices.clone());
            Some(prices)
        });
        tokio::time::timeout(BUDGET, asking).await.ok()?.ok()?
    }

    /// The price a buyer was told; nobody is asked.
    pub fn told(&self, account: CarrierAccountId, service: &str, cart: &Cart<'_>) -> Option<Money> {
        let prices = self.known.recall(&Question::of(account, cart))?;
        prices.iter().find(|price| price.service == service).map(|price| price.price)
    }
}

impl Question {
    fn of(account: CarrierAccountId, cart: &Cart<'_>) -> Self {
        let nowhere = Address::default();
        let address = cart.address.unwrap_or(&nowhere);
        Self {
            account,
            country_code: address.country_code.clone(),
            city: address.city.trim().to_lowercase(),
            postal_code: address.postal_code.clone(),
            pickup_point_code: address.pickup_point_code.clone(),
            goods_total: cart.goods_total,
            weight_grams: cart.weight_grams,
            cash_on_delivery: cart.cash_on_delivery,
        }
    }
}
