//! How an order is to be delivered, fixed when it was placed.

use types::{DeliveryMethodId, DeliveryPlanId, Money, OrderId, ShopId};

use crate::error::{Error, Result};
use crate::model::address::{Address, Recipient};
use crate::model::delivery_method::{DeliveryMethod, Kind};
use crate::model::tariff::Cart;

/// What was asked for; never changes. The same id with another wish is another plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    pub plan_id: DeliveryPlanId,
    pub order_id: OrderId,
    pub shop_id: ShopId,
    pub method_id: DeliveryMethodId,
    pub address: Option<Address>,
    pub recipient: Recipient,
    pub weight_grams: i32,
    pub goods_total: Money,
    pub cash_on_delivery: bool,
    /// Already sold at this price, in the currency of the goods.
    pub fixed_price: Option<Money>,
}

/// A wish with its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPlan {
    pub wish: Wish,
    pub method_name: String,
    pub kind: Kind,
    pub price: Money,
    pub cancelled: bool,
    /// Grows by one with every change.
    pub version: i64,
}

impl DeliveryPlan {
    /// Prices a wish: fixed, or by the first tariff of the method that fits.
    pub fn price(wish: Wish, method: Option<&DeliveryMethod>) -> Result<Self> {
        let offered = method.filter(|method| method.is_offered_by(wish.shop_id));
        let method = offered.ok_or(Error::DeliveryMethodNotFound)?;
        if wish.cash_on_delivery && !method.cash_on_delivery {
            return Err(Error::CashOnDeliveryNotPossible);
        }
        let price = match wish.fixed_price {
            Some(price) => price,
            None => method.tariff(&wish.cart()).ok_or(Error::NoTariffFits)?.price,
        };
        let (method_name, kind) = (method.name.clone(), method.kind);
        Ok(Self { wish, method_name, kind, price, cancelled: false, version: 1 })
    }

    /// Cancels it.
    pub fn cancel(&mut self) {
        self.cancelled = true;
        self.version += 1;
    }
}

impl Wish {
    /// What prices depend on.
    pub fn cart(&self) -> Cart<'_> {
        Cart {
            address: self.address.as_ref(),
            goods_total: self.goods_total,
            weight_grams: self.weight_grams,
            cash_on_delivery: self.cash_on_delivery,
        }
    }
}
