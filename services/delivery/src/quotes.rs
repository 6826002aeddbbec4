//! The prices of carriers: asked within a budget, kept for whoever plans, and asked for in the background when they come too late.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use diesel_async::AsyncPgConnection;
use sha2::{Digest, Sha256};
use store::{Store, Tx};
use tokio::sync::Semaphore;
use types::{CarrierAccountId, Money};

use crate::carriers::{Carrier, CarrierError, ServicePrice};
use crate::error::Result;
use crate::jobs::call;
use crate::model::address::Address;
use crate::model::price_rows::{self, Asked};
use crate::model::tariff::Cart;

/// How long a buyer waits for a carrier's price.
pub const BUDGET: Duration = Duration::from_millis(300);
/// How long a price is good: as long as a quote of the shop.
const LIFE: TimeDelta = TimeDelta::minutes(30);
/// Carriers asked for prices at once.
const ASKED_MAX: usize = 64;

/// The prices of carriers.
pub struct Quotes {
    store: Store,
    asked: Arc<Semaphore>,
}

impl Quotes {
    /// Prices that are kept in `store`.
    pub fn new(store: Store) -> Self {
        Self { store, asked: Arc::new(Semaphore::new(ASKED_MAX)) }
    }

    /// The prices of accounts that a buyer was told before.
    pub async fn known(
        &self,
        conn: &mut AsyncPgConnection,
        accounts: impl Iterator<Item = CarrierAccountId>,
        cart: &Cart<'_>,
    ) -> Result<HashMap<CarrierAccountId, Arc<Vec<ServicePrice>>>> {
        let asked: Vec<Asked> = accounts.map(|account| question(account, cart)).collect();
        let known = price_rows::find_all(conn, &asked, self.store.clock().now()).await?;
        Ok(known.into_iter().map(|((account, _), prices)| (account, Arc::new(prices))).collect())
    }

    /// The prices of an account; `None` when the carrier does not say within the budget. What comes later is kept.
    pub async fn ask(
        &self,
        account: CarrierAccountId,
        carrier: Arc<dyn Carrier>,
        cart: &Cart<'_>,
    ) -> Option<Arc<Vec<ServicePrice>>> {
        let asked = question(account, cart);
        let permit = self.asked.clone().try_acquire_owned().ok()?;
        let store = self.store.clone();
        let address = cart.address.cloned();
        let (goods_total, weight_grams, cash_on_delivery) =
            (cart.goods_total, cart.weight_grams, cart.cash_on_delivery);
        // A task of its own: a buyer who waits no longer leaves the price to the next one.
        let asking = tokio::spawn(async move {
            let _permit = permit;
            let cart = Cart { address: address.as_ref(), goods_total, weight_grams, cash_on_delivery };
            let prices = match carrier.quote(&cart).await {
                Ok(prices) => prices,
                // It does not go there: an answer like any other.
                Err(CarrierError::Refused(_)) => Vec::new(),
                Err(error) => {
                    tracing::info!(%error, carrier = carrier.name(), "a carrier gave no price");
                    return None;
                }
            };
            // Before the buyer is told, so that whoever plans finds what he was told.
            if let Err(error) = keep(&store, &asked, &prices).await {
                tracing::warn!(%error, carrier = carrier.name(), "a carrier's price could not be kept");
                return None;
            }
            Some(Arc::new(prices))
        });
        tokio::time::timeout(BUDGET, asking).await.ok()?.ok()?
    }
}

/// The prices that buyers were told; no carrier is asked. One statement for all carts, none for no cart.
pub async fn told(tx: &mut Tx, carts: &[(CarrierAccountId, &str, Cart<'_>)]) -> Result<Vec<Option<Money>>> {
    let asked: Vec<Asked> = carts.iter().map(|(account, _, cart)| question(*account, cart)).collect();
    let now = tx.now();
    let known = price_rows::find_all(tx.conn(), &asked, now).await?;
    let told = asked.iter().zip(carts).map(|(asked, (_, service, _))| {
        let prices = known.get(asked)?;
        prices.iter().find(|price| price.service == *service).map(|price| price.price)
    });
    Ok(told.collect())
}

async fn keep(store: &Store, asked: &Asked, prices: &[ServicePrice]) -> Result<()> {
    let call = call();
    let kept = store.transaction(&call, async |tx: &mut Tx| {
        let until = tx.now() + LIFE;
        price_rows::keep(tx, asked, prices, until).await
    });
    kept.await
}

/// Everything a price depends on, so that nothing of the address is kept.
fn question(account: CarrierAccountId, cart: &Cart<'_>) -> Asked {
    let nowhere = Address::default();
    let address = cart.address.unwrap_or(&nowhere);
    let parts = [
        address.country_code.clone(),
        address.city.trim().to_lowercase(),
        address.postal_code.clone(),
        address.pickup_point_code.clone(),
        cart.goods_total.to_string(),
        cart.weight_grams.to_string(),
        cart.cash_on_delivery.to_string(),
    ];
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    (account, digest.finalize().to_vec())
}
