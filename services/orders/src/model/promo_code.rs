//! A promo code: what it takes off, and when it does.

use chrono::{DateTime, Utc};
use types::{Money, PromoCodeId, ShopId};

use crate::model::discount::{Discount, Discounts, Reduction};

/// Letters of a code.
pub const CODE_LENGTH_MAX: usize = 40;
/// A shorter one would be guessed.
pub const CODE_LENGTH_MIN: usize = 3;

/// A code that buyers type in. What it takes off never changes, so that nobody is told another sum than he gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromoCode {
    /// Its id.
    pub promo_code_id: PromoCodeId,
    /// As the shop spells it.
    pub code: String,
    /// What lines show as the reason.
    pub title: String,
    /// What it takes off the goods.
    pub reduction: Reduction,
    /// Goods of at least this.
    pub goods_total_min: Option<Money>,
    /// From then on.
    pub start_time: Option<DateTime<Utc>>,
    /// Until before then.
    pub end_time: Option<DateTime<Utc>>,
    /// Orders in all; `None` for any number.
    pub uses_max: Option<i32>,
    /// Orders of one customer; `None` for any number.
    pub uses_per_customer_max: Option<i32>,
    /// Empty for every shop.
    pub shop_ids: Vec<ShopId>,
    /// Takes nothing off any more.
    pub archived: bool,
    /// Orders that have it, and open quotes that hold it.
    pub use_count: i32,
    /// Counts changes by people.
    pub version: i64,
    /// When it was made.
    pub create_time: DateTime<Utc>,
    /// When people changed it last.
    pub update_time: DateTime<Utc>,
}

/// Why a code takes nothing off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromoRefusal {
    /// There is none, it is archived, or it is another shop's.
    #[error("there is no such promo code")]
    Unknown,
    /// Its time has not come.
    #[error("the promo code is not valid yet")]
    NotStarted,
    /// Its time is over.
    #[error("the promo code has expired")]
    Expired,
    /// All its uses are taken.
    #[error("the promo code is used up")]
    Exhausted,
    /// This customer has used it as often as he may.
    #[error("the promo code was used by this customer already")]
    UsedByCustomer,
    /// The goods are worth too little.
    #[error("the promo code takes effect from {0} on")]
    Minimum(Money),
    /// It speaks of another currency.
    #[error("the promo code is not for orders in this currency")]
    Currency,
    /// The order that it was taken for was given up meanwhile.
    #[error("the promo code was given back")]
    GivenBack,
}

/// What codes are compared by: without case.
pub fn key_of(code: &str) -> String {
    code.trim().to_uppercase()
}

impl PromoCode {
    /// Whether `shop_id` takes it.
    pub fn is_of(&self, shop_id: ShopId) -> bool {
        self.shop_ids.is_empty() || self.shop_ids.contains(&shop_id)
    }

    /// Whether it takes something off goods of `goods_total` in this shop now; how often it was used is not asked here.
    pub fn check(&self, shop_id: ShopId, now: DateTime<Utc>, goods_total: Money) -> Result<(), PromoRefusal> {
        if self.archived || !self.is_of(shop_id) {
            return Err(PromoRefusal::Unknown);
        }
        if self.start_time.is_some_and(|start| now < start) {
            return Err(PromoRefusal::NotStarted);
        }
        if self.end_time.is_some_and(|end| end <= now) {
            return Err(PromoRefusal::Expired);
        }
        let foreign = |money: Money| money.currency() != goods_total.currency();
        let amount = match self.reduction {
            Reduction::Percent(_) => None,
            Reduction::Amount(amount) => Some(amount),
        };
        if amount.is_some_and(foreign) || self.goods_total_min.is_some_and(foreign) {
            return Err(PromoRefusal::Currency);
        }
        match self.goods_total_min {
            Some(minimum) if goods_total.minor() < minimum.minor() => Err(PromoRefusal::Minimum(minimum)),
            _ => Ok(()),
        }
    }

    /// Whether one more order may have it, of a customer who has it `by_customer` times.
    pub fn has_uses_left(&self, by_customer: i64) -> Result<(), PromoRefusal> {
        if self.uses_max.is_some_and(|max| self.use_count >= max) {
            return Err(PromoRefusal::Exhausted);
        }
        if self.uses_per_customer_max.is_some_and(|max| by_customer >= i64::from(max)) {
            return Err(PromoRefusal::UsedByCustomer);
        }
        Ok(())
    }

    /// What it takes off, and why.
    pub fn discounts(&self) -> Discounts {
        let discount =
            Discount { reduction: self.reduction, reason: self.title.clone(), code: self.code.clone() };
        Discounts { of_lines: Vec::new(), of_goods: vec![discount] }
    }
}
