//! A buyer whose card customers has lost is identified again.

use rpc::Call;

use crate::Orders;
use crate::error::{Error, Result};
use crate::model::order::{Identified, Order};

pub(super) async fn reconcile(orders: &Orders, call: &Call, order: &Order) -> Result<()> {
    let shop = orders.ask.access.shop(call, order.shop_id).await?;
    // The card that the phone or the e-mail leads to now; made if there is none, and seen by the shop of the order.
    let customer_id = match orders
        .ask
        .customers
        .identify(call, order, &shop.country_code)
        .await
        .map_err(Error::Answered)?
    {
        Identified::Customer(customer_id) => Some(customer_id),
        Identified::Nobody | Identified::Later => None,
    };
    super::write(orders, call, order, |order| order.attach_customer(customer_id)).await
}
