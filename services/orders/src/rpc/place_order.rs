//! Places an order: recorded first, then everything is held, or nothing is.

mod quoted;
mod record;
mod wanted;
mod wanted_quote;

use proto::orders::v1 as pb;
use rpc::Call;

use crate::error::{Error, Result};
use crate::model::order_state::OrderState;
use crate::rpc::place_order::quoted::Quoted;
pub(crate) use crate::rpc::place_order::record::Recorded;
use crate::rpc::place_order::wanted::Wanted;
pub(in crate::rpc) use crate::rpc::place_order::wanted_quote::{Destination, Hold, WantedQuote};
use crate::{Orders, wire};

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::PlaceOrderRequest,
) -> Result<pb::PlaceOrderResponse> {
    let wanted = Wanted::parse(call, request)?;

    let shop = orders.ask.access.shop(call, wanted.shop_id).await?;
    let source = orders.ask.access.source(call, wanted.source_id).await?;

    let quoted = Quoted::load(orders, &wanted).await?;

    let new = wanted.into_order(call, &shop, &source)?;
    let new = match quoted {
        Some(quoted) => quoted.freeze(new)?,
        None => new,
    };

    if failpoint::planted!("orders.acknowledged_before_recorded") {
        let (orders, mut acknowledged) = (orders.clone(), new.order.clone());
        acknowledged.state = OrderState::New;
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            record::record(&orders, new).await.map(drop)
        });
        return Ok(wire::receipt(&acknowledged, false));
    }
    let recorded = record::record(orders, new).await?;

    let existing = recorded.existing;
    let order = orders.outcome(recorded, orders.patience(call)).await?;
    match (order.state, &order.rejection) {
        (OrderState::Rejected, Some(rejection)) => Err(Error::Rejected {
            order_id: order.order_id,
            number: order.number.clone(),
            rejection: Box::new(rejection.clone()),
        }),
        _ => Ok(wire::receipt(&order, existing)),
    }
}
