//! The country of each shop, asked of access and trusted for a minute: how its buyers write phones.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ::rpc::{Call, Channel, Shops};
use proto::access::v1::GetShopRequest;
use proto::access::v1::access_service_client::AccessServiceClient;
use tokio::time::Instant;
use types::ShopId;

use crate::model::Country;

const TRUST: Duration = Duration::from_secs(60);
/// A failure is not asked about again for so long.
const TRUST_IN_FAILURE: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(1);
/// More shops than any organisation has.
const SHOPS_MAX: usize = 10_000;

/// Countries of shops.
pub(crate) struct ShopCountries {
    access: Channel,
    known: Mutex<HashMap<ShopId, Known>>,
}

#[derive(Clone, Copy)]
struct Known {
    country: Option<Country>,
    until: Instant,
}

impl ShopCountries {
    pub(crate) fn new(access: Channel) -> Self {
        Self { access, known: Mutex::default() }
    }

    /// How phones are read that `shop` passes on; the home country's habits when nobody can say.
    pub(crate) async fn of(&self, call: &Call, shop: ShopId) -> Option<Country> {
        if let Some(known) = self.lock().get(&shop).filter(|known| Instant::now() < known.until) {
            return known.country;
        }
        let known = self.ask(call, shop).await;
        let mut shops = self.lock();
        if shops.len() >= SHOPS_MAX {
            shops.clear();
        }
        shops.insert(shop, known);
        known.country
    }

    /// How the caller writes phones himself.
    pub(crate) async fn of_caller(&self, call: &Call) -> Option<Country> {
        match &call.caller.shops {
            Shops::Only(shops) if !shops.is_empty() => self.of(call, shops[0]).await,
            _ => Country::home(),
        }
    }

    async fn ask(&self, call: &Call, shop: ShopId) -> Known {
        let call = call.continued_by("customers", PATIENCE);
        let request = GetShopRequest { shop_id: shop.into() };
        match AccessServiceClient::new(self.access.bind(&call)).get_shop(request).await {
            Ok(shop) => {
                let country = Country::of_code(&shop.into_inner().country_code).or_else(Country::home);
                Known { country, until: Instant::now() + TRUST }
            }
            Err(status) => {
                tracing::info!(shop_id = %shop, code = ?status.code(), "a shop's country is not known");
                Known { country: Country::home(), until: Instant::now() + TRUST_IN_FAILURE }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ShopId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
