//! How an order is to be delivered, fixed when it was placed.

use chrono::{DateTime, Utc};
use types::{CarrierAccountId, DeliveryMethodId, DeliveryPlanId, Money, OrderId, ShopId};

use crate::error::{Error, Result};
use crate::model::address::{Address, Recipient};
use crate::model::consignment::Item;
use crate::model::delivery_method::{DeliveryMethod, Kind};
use crate::model::piece_size::PieceSize;
use crate::model::schedule::{Slot, SlotTime};
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
    /// What the parcel holds.
    pub items: Vec<Item>,
    /// What the carrier takes from the buyer; `None` with cash on delivery is the goods and the delivery.
    pub cash_amount: Option<Money>,
    /// The number people know the order by.
    pub order_number: String,
    /// The start of the slot that was chosen with it.
    pub slot_start: Option<DateTime<Utc>>,
}

/// A wish with its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPlan {
    pub wish: Wish,
    pub method_name: String,
    pub kind: Kind,
    /// The account that books its parcels; `None` for the shop's own.
    pub account_id: Option<CarrierAccountId>,
    pub service: String,
    pub price: Money,
    /// The slot it has now.
    pub slot: Option<SlotTime>,
    pub cancelled: bool,
    /// Grows by one with every change.
    pub version: i64,
}

impl DeliveryPlan {
    /// Prices a wish: fixed, as the buyer was told by the carrier, or by the first tariff of the method that fits. The slot, if
    /// one was chosen, is to be taken.
    pub fn price(
        wish: Wish,
        method: Option<&DeliveryMethod>,
        told: Option<Money>,
        now: DateTime<Utc>,
    ) -> Result<(Self, Option<Slot>)> {
        let offered = method.filter(|method| method.is_offered_by(wish.shop_id));
        let method = offered.ok_or(Error::DeliveryMethodNotFound)?;
        if wish.cash_on_delivery && !method.cash_on_delivery {
            return Err(Error::CashOnDeliveryNotPossible);
        }
        if method.size_max.is_some() && !method.takes_the_pieces(&wish.piece_sizes()) {
            return Err(Error::PieceTooLarge);
        }
        let slot = method.chosen_slot(wish.slot_start, now)?;
        let told = told.filter(|told| told.currency() == wish.goods_total.currency());
        let price = match wish.fixed_price.or(told) {
            Some(price) => price,
            None => method.tariff(&wish.cart()).ok_or(Error::NoTariffFits)?.price,
        };
        let plan = Self {
            wish,
            method_name: method.name.clone(),
            kind: method.kind,
            account_id: method.account_id,
            service: method.service.clone(),
            price,
            slot: slot.map(|slot| slot.time),
            cancelled: false,
            version: 1,
        };
        Ok((plan, slot))
    }

    /// What the carrier takes from the buyer.
    pub fn cash(&self) -> Option<Money> {
        if !self.wish.cash_on_delivery {
            return None;
        }
        // A sum that cannot be written down is refused when it is planned; the goods are the least.
        let goods_and_delivery =
            || self.wish.goods_total.checked_add(self.price).unwrap_or(self.wish.goods_total);
        Some(self.wish.cash_amount.unwrap_or_else(goods_and_delivery)).filter(|cash| !cash.is_zero())
    }

    /// Cancels it.
    pub fn cancel(&mut self) {
        self.cancelled = true;
        self.version += 1;
    }
}

impl Wish {
    /// The sizes that are known.
    fn piece_sizes(&self) -> Vec<PieceSize> {
        self.items.iter().filter_map(|item| item.piece_size).collect()
    }

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
