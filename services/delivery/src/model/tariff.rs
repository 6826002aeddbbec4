//! A price for a zone, a weight and a value of goods.

use serde::{Deserialize, Serialize};
use types::{Currency, Money};

use crate::model::address::Address;

/// A price for a zone, a weight and a value of goods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tariff {
    /// Empty for anywhere.
    pub country_code: String,
    /// Compared without case; empty for the whole country.
    pub cities: Vec<String>,
    /// Compared without case and spaces; empty for any.
    pub postal_prefixes: Vec<String>,
    /// Inclusive; 0 for no limit.
    pub weight_grams_max: i32,
    /// The value of goods from which it holds.
    pub goods_total_min: Option<Money>,
    pub price: Money,
    pub days_min: i32,
    pub days_max: i32,
}

/// What is to be delivered, as far as prices go.
#[derive(Debug, Clone, Copy)]
pub struct Cart<'a> {
    pub address: Option<&'a Address>,
    pub goods_total: Money,
    pub weight_grams: i32,
    pub cash_on_delivery: bool,
}

impl Tariff {
    /// Whether it holds for `cart`.
    pub fn fits(&self, cart: &Cart<'_>) -> bool {
        let speaks_the_currency = self.price.currency() == cart.goods_total.currency();
        let light_enough = self.weight_grams_max == 0 || cart.weight_grams <= self.weight_grams_max;
        let worth_enough = self.goods_total_min.is_none_or(|min| cart.goods_total.minor() >= min.minor());
        speaks_the_currency && light_enough && worth_enough && self.reaches(cart.address)
    }

    /// Whether an address lies in the zone; without an address only a tariff for anywhere does.
    fn reaches(&self, address: Option<&Address>) -> bool {
        let everywhere = Address::default();
        let address = address.unwrap_or(&everywhere);
        let city = folded(&address.city);
        let postal_code = squeezed(&address.postal_code);
        (self.country_code.is_empty() || self.country_code == address.country_code)
            && (self.cities.is_empty() || self.cities.iter().any(|known| folded(known) == city))
            && (self.postal_prefixes.is_empty()
                || self.postal_prefixes.iter().any(|prefix| postal_code.starts_with(&squeezed(prefix))))
    }
}

fn folded(city: &str) -> String {
    city.trim().to_lowercase()
}

fn squeezed(postal_code: &str) -> String {
    let kept = postal_code.chars().filter(|letter| !letter.is_whitespace() && *letter != '-');
    kept.flat_map(char::to_uppercase).collect()
}

/// A tariff as the database keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoredTariff {
    country_code: String,
    cities: Vec<String>,
    postal_prefixes: Vec<String>,
    weight_grams_max: i32,
    goods_total_min: Option<i64>,
    price: i64,
    currency: String,
    days_min: i32,
    days_max: i32,
}

impl From<&Tariff> for StoredTariff {
    fn from(tariff: &Tariff) -> Self {
        Self {
            country_code: tariff.country_code.clone(),
            cities: tariff.cities.clone(),
            postal_prefixes: tariff.postal_prefixes.clone(),
            weight_grams_max: tariff.weight_grams_max,
            goods_total_min: tariff.goods_total_min.map(Money::minor),
            price: tariff.price.minor(),
            currency: tariff.price.currency().code().to_owned(),
            days_min: tariff.days_min,
            days_max: tariff.days_max,
        }
    }
}

impl TryFrom<StoredTariff> for Tariff {
    type Error = types::MoneyError;

    fn try_from(stored: StoredTariff) -> Result<Self, Self::Error> {
        let currency: Currency = stored.currency.parse()?;
        Ok(Self {
            country_code: stored.country_code,
            cities: stored.cities,
            postal_prefixes: stored.postal_prefixes,
            weight_grams_max: stored.weight_grams_max,
            goods_total_min: stored.goods_total_min.map(|minor| Money::new(currency, minor)),
            price: Money::new(currency, stored.price),
            days_min: stored.days_min,
            days_max: stored.days_max,
        })
    }
}
