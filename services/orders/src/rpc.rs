//! The RPCs of orders: this page lists, the chapters tell.

mod approve_return;
mod cancel_fulfilment;
pub(crate) mod cancel_order;
mod cancel_return;
mod change_order_state;
mod create_fulfilment;
mod create_return;
mod get_order;
mod get_return;
mod keyed;
mod list_late_orders;
mod list_order_history;
mod list_orders;
mod list_return_history;
mod list_returns;
mod place_order;
mod receive_return;
mod refuse_return;
mod resolve_return;
mod return_desk;
mod send_return;
mod ship_fulfilment;
mod update_order;

use proto::orders::v1 as pb;
use proto::orders::v1::order_service_server::OrderService;
use rpc::{Call, open};
use tonic::{Request, Response, Status};
use types::OrderId;

use crate::Orders;
use crate::error::{Error, Result};
use crate::model::order::Order;

#[tonic::async_trait]
impl OrderService for Orders {
    async fn place_order(&self, request: Request<pb::PlaceOrderRequest>) -> Answer<pb::PlaceOrderResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(place_order::handle(self, &call, request).await?))
    }

    async fn get_order(&self, request: Request<pb::GetOrderRequest>) -> Answer<pb::Order> {
        let (call, request) = open(request)?;
        Ok(Response::new(get_order::handle(self, &call, request).await?))
    }

    async fn list_orders(&self, request: Request<pb::ListOrdersRequest>) -> Answer<pb::ListOrdersResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_orders::handle(self, &call, request).await?))
    }

    async fn cancel_order(&self, request: Request<pb::CancelOrderRequest>) -> Answer<pb::Order> {
        let (call, request) = open(request)?;
        Ok(Response::new(cancel_order::handle(self, &call, request).await?))
    }

    async fn change_order_state(&self, request: Request<pb::ChangeOrderStateRequest>) -> Answer<pb::Order> {
        let (call, request) = open(request)?;
        Ok(Response::new(change_order_state::handle(self, &call, request).await?))
    }

    async fn list_order_history(
        &self,
        request: Request<pb::ListOrderHistoryRequest>,
    ) -> Answer<pb::ListOrderHistoryResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_order_history::handle(self, &call, request).await?))
    }

    async fn update_order(&self, request: Request<pb::UpdateOrderRequest>) -> Answer<pb::Order> {
        let (call, request) = open(request)?;
        Ok(Response::new(update_order::handle(self, &call, request).await?))
    }

    async fn create_fulfilment(&self, request: Request<pb::CreateFulfilmentRequest>) -> Answer<pb::Order> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_fulfilment::handle(self, &call, request).await?))
    }

    async fn ship_fulfilment(&self, request: Request<pb::ShipFulfilmentRequest>) -> Answer<pb::Order> {
        let (call, request) = open(request)?;
        Ok(Response::new(ship_fulfilment::handle(self, &call, request).await?))
    }

    async fn cancel_fulfilment(&self, request: Request<pb::CancelFulfilmentRequest>) -> Answer<pb::Order> {
        let (call, request) = open(request)?;
        Ok(Response::new(cancel_fulfilment::handle(self, &call, request).await?))
    }

    async fn list_late_orders(
        &self,
        request: Request<pb::ListLateOrdersRequest>,
    ) -> Answer<pb::ListLateOrdersResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_late_orders::handle(self, &call, request).await?))
    }

    async fn create_return(&self, request: Request<pb::CreateReturnRequest>) -> Answer<pb::Return> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_return::handle(self, &call, request).await?))
    }

    async fn get_return(&self, request: Request<pb::GetReturnRequest>) -> Answer<pb::Return> {
        let (call, request) = open(request)?;
        Ok(Response::new(get_return::handle(self, &call, request).await?))
    }

    async fn list_returns(
        &self,
        request: Request<pb::ListReturnsRequest>,
    ) -> Answer<pb::ListReturnsResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_returns::handle(self, &call, request).await?))
    }

    async fn approve_return(&self, request: Request<pb::ApproveReturnRequest>) -> Answer<pb::Return> {
        let (call, request) = open(request)?;
        Ok(Response::new(approve_return::handle(self, &call, request).await?))
    }

    async fn refuse_return(&self, request: Request<pb::RefuseReturnRequest>) -> Answer<pb::Return> {
        let (call, request) = open(request)?;
        Ok(Response::new(refuse_return::handle(self, &call, request).await?))
    }

    async fn send_return(&self, request: Request<pb::SendReturnRequest>) -> Answer<pb::Return> {
        let (call, request) = open(request)?;
        Ok(Response::new(send_return::handle(self, &call, request).await?))
    }

    async fn receive_return(&self, request: Request<pb::ReceiveReturnRequest>) -> Answer<pb::Return> {
        let (call, request) = open(request)?;
        Ok(Response::new(receive_return::handle(self, &call, request).await?))
    }

    async fn resolve_return(&self, request: Request<pb::ResolveReturnRequest>) -> Answer<pb::Return> {
        let (call, request) = open(request)?;
        Ok(Response::new(resolve_return::handle(self, &call, request).await?))
    }

    async fn cancel_return(&self, request: Request<pb::CancelReturnRequest>) -> Answer<pb::Return> {
        let (call, request) = open(request)?;
        Ok(Response::new(cancel_return::handle(self, &call, request).await?))
    }

    async fn list_return_history(
        &self,
        request: Request<pb::ListReturnHistoryRequest>,
    ) -> Answer<pb::ListReturnHistoryResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_return_history::handle(self, &call, request).await?))
    }
}

type Answer<T> = Result<Response<T>, Status>;

/// The order, when the caller may see it; a foreign one is as absent as one that never was.
fn visible(call: &Call, order: Option<Order>) -> Result<Order> {
    order.filter(|order| call.caller.shops.allow(order.shop_id)).ok_or(Error::OrderNotFound)
}

/// Refuses an order that something else is changing.
fn free(order: &Order) -> Result<()> {
    match (order.cancelling, order.progress.editing) {
        (Some(_), _) => Err(Error::BeingCancelled),
        (None, Some(_)) => Err(Error::BeingEdited),
        (None, None) => Ok(()),
    }
}

/// Reads an order that the caller may see.
async fn load(orders: &Orders, call: &Call, order_id: OrderId) -> Result<Order> {
    let mut connection = orders.store.connection().await?;
    visible(call, Order::load(&mut connection, order_id).await?)
}
