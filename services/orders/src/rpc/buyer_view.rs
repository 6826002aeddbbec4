//! What a buyer may see: his own orders of one shop, in his language.

use std::sync::Arc;

use rpc::{Call, Fields};
use types::{CustomerId, ShopId};

use crate::Orders;
use crate::error::{Error, Result};
use crate::model::order::Order;
use crate::model::order_state::OrderState;
use crate::upstreams::Shop;
use crate::wire;

const LANGUAGE_LENGTH_MAX: usize = 200;

/// States of orders that a buyer has: what could not be placed is no order to him.
pub(super) const SEEN: [OrderState; 7] = [
    OrderState::Placing,
    OrderState::New,
    OrderState::Approval,
    OrderState::Assembling,
    OrderState::Delivery,
    OrderState::Complete,
    OrderState::Cancelled,
];

/// The eyes of one buyer.
pub(super) struct BuyerView {
    pub(super) customer_id: CustomerId,
    pub(super) shop_id: ShopId,
    shop: Arc<Shop>,
    languages: String,
}

impl BuyerView {
    /// Of the calling buyer; nobody else has any.
    pub(super) async fn of(orders: &Orders, call: &Call, languages: &str) -> Result<Self> {
        let (customer_id, shop_id) = call.caller.as_buyer().ok_or(Error::NotABuyer)?;
        let mut fields = Fields::new();
        let languages = fields.text("language", languages, LANGUAGE_LENGTH_MAX);
        fields.finish()?;
        let shop = orders.ask.access.shop(call, shop_id).await?;
        Ok(Self { customer_id, shop_id, shop, languages })
    }

    /// Whether the order is one of his.
    pub(super) fn sees(&self, order: &Order) -> bool {
        order.customer_id == Some(self.customer_id)
            && order.shop_id == self.shop_id
            && SEEN.contains(&order.state)
    }

    /// The order as he sees it.
    pub(super) fn show(&self, order: &Order) -> proto::orders::v1::BuyerOrder {
        let names = &self.shop.public_status_names;
        wire::buyer_order(order, names.name(order.state, &self.languages, &self.shop.locale))
    }
}
