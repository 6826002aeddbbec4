//! A delivery plan that delivery has lost is made again, at the price that was agreed.

use rpc::Call;

use crate::Orders;
use crate::error::{Error, Result};
use crate::model::order::Order;
use crate::upstreams::Load;

/// A plan that is there is answered and stays as it is. A slot that was chosen is forgotten.
pub(super) async fn reconcile(orders: &Orders, call: &Call, order: &Order) -> Result<()> {
    let (Some(delivery), Some(delivery_plan_id)) = (&order.delivery, order.delivery_plan_id) else {
        return Ok(());
    };
    let load = Load {
        delivery_plan_id,
        delivery,
        lines: order
            .lines
            .iter()
            .map(|line| (line, line.ordered - line.cancelled))
            .filter(|one| one.1 > 0)
            .collect(),
        goods_total: order.goods_total,
        fixed_price: Some(order.delivery_total),
        cash_on_delivery: None,
    };
    orders.ask.delivery.plan(call, order, &load).await.map_err(Error::Answered)?;
    Ok(())
}
