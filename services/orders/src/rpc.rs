//! The RPCs of orders: this page lists, the chapters tell.

mod approve_return;
mod bulk;
mod buyer_view;
mod cancel_fulfilment;
pub(crate) mod cancel_order;
mod cancel_orders;
mod cancel_return;
mod cart_fields;
mod change_order_state;
mod change_order_states;
mod clear_cart;
mod create_buyer_token;
mod create_fulfilment;
mod create_promo_code;
mod create_quote;
mod create_return;
mod get_buyer_order;
mod get_cart;
mod get_order;
mod get_promo_code;
mod get_quote;
mod get_return;
mod keyed;
mod list_buyer_orders;
mod list_carts;
mod list_late_orders;
mod list_order_history;
mod list_orders;
mod list_promo_codes;
mod list_return_history;
mod list_returns;
mod offer_fields;
mod order_fields;
pub(crate) mod place_order;
mod promo_code_fields;
mod put_cart;
mod receive_return;
mod reconcile_order;
mod redirect_fulfilment;
mod refuse_return;
mod resolve_return;
mod resume_process;
mod return_desk;
mod send_return;
mod ship_fulfilment;
mod update_order;
mod update_promo_code;

use proto::orders::v1 as pb;
use proto::orders::v1::bulk_order_service_server::BulkOrderService;
use proto::orders::v1::buyer_service_server::BuyerService;
use proto::orders::v1::cart_service_server::CartService;
use proto::orders::v1::order_repair_service_server::OrderRepairService;
use proto::orders::v1::order_service_server::OrderService;
use proto::orders::v1::promo_code_service_server::PromoCodeService;
use proto::orders::v1::quote_service_server::QuoteService;
use rpc::{Call, open};
use tonic::{Request, Response, Status};
use types::OrderId;

use crate::Orders;
use crate::error::{Error, Result};
use crate::model::order::Order;

pub use create_quote::METHOD as CREATE_QUOTE;

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

    async fn redirect_fulfilment(
        &self,
        request: Request<pb::RedirectFulfilmentRequest>,
    ) -> Answer<pb::Order> {
        let (call, request) = open(request)?;
        Ok(Response::new(redirect_fulfilment::handle(self, &call, request).await?))
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

#[tonic::async_trait]
impl QuoteService for Orders {
    async fn create_quote(&self, request: Request<pb::CreateQuoteRequest>) -> Answer<pb::Quote> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_quote::handle(self, &call, request).await?))
    }

    async fn get_quote(&self, request: Request<pb::GetQuoteRequest>) -> Answer<pb::Quote> {
        let (call, request) = open(request)?;
        Ok(Response::new(get_quote::handle(self, &call, request).await?))
    }
}

#[tonic::async_trait]
impl PromoCodeService for Orders {
    async fn create_promo_code(&self, request: Request<pb::CreatePromoCodeRequest>) -> Answer<pb::PromoCode> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_promo_code::handle(self, &call, request).await?))
    }

    async fn get_promo_code(&self, request: Request<pb::GetPromoCodeRequest>) -> Answer<pb::PromoCode> {
        let (call, request) = open(request)?;
        Ok(Response::new(get_promo_code::handle(self, &call, request).await?))
    }

    async fn list_promo_codes(
        &self,
        request: Request<pb::ListPromoCodesRequest>,
    ) -> Answer<pb::ListPromoCodesResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_promo_codes::handle(self, &call, request).await?))
    }

    async fn update_promo_code(&self, request: Request<pb::UpdatePromoCodeRequest>) -> Answer<pb::PromoCode> {
        let (call, request) = open(request)?;
        Ok(Response::new(update_promo_code::handle(self, &call, request).await?))
    }
}

#[tonic::async_trait]
impl CartService for Orders {
    async fn put_cart(&self, request: Request<pb::PutCartRequest>) -> Answer<pb::Cart> {
        let (call, request) = open(request)?;
        Ok(Response::new(put_cart::handle(self, &call, request).await?))
    }

    async fn get_cart(&self, request: Request<pb::GetCartRequest>) -> Answer<pb::Cart> {
        let (call, request) = open(request)?;
        Ok(Response::new(get_cart::handle(self, &call, request).await?))
    }

    async fn list_carts(&self, request: Request<pb::ListCartsRequest>) -> Answer<pb::ListCartsResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_carts::handle(self, &call, request).await?))
    }

    async fn clear_cart(&self, request: Request<pb::ClearCartRequest>) -> Answer<pb::Cart> {
        let (call, request) = open(request)?;
        Ok(Response::new(clear_cart::handle(self, &call, request).await?))
    }
}

#[tonic::async_trait]
impl BulkOrderService for Orders {
    async fn change_order_states(
        &self,
        request: Request<pb::ChangeOrderStatesRequest>,
    ) -> Answer<pb::ChangeOrderStatesResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(change_order_states::handle(self, &call, request).await?))
    }

    async fn cancel_orders(
        &self,
        request: Request<pb::CancelOrdersRequest>,
    ) -> Answer<pb::CancelOrdersResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(cancel_orders::handle(self, &call, request).await?))
    }
}

#[tonic::async_trait]
impl OrderRepairService for Orders {
    async fn reconcile_order(&self, request: Request<pb::ReconcileOrderRequest>) -> Answer<pb::Order> {
        let (call, request) = open(request)?;
        Ok(Response::new(reconcile_order::handle(self, &call, request).await?))
    }

    async fn resume_process(
        &self,
        request: Request<pb::ResumeProcessRequest>,
    ) -> Answer<pb::ResumeProcessResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(resume_process::handle(self, &call, request).await?))
    }
}

#[tonic::async_trait]
impl BuyerService for Orders {
    async fn create_buyer_token(
        &self,
        request: Request<pb::CreateBuyerTokenRequest>,
    ) -> Answer<pb::CreateBuyerTokenResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_buyer_token::handle(self, &call, request).await?))
    }

    async fn list_buyer_orders(
        &self,
        request: Request<pb::ListBuyerOrdersRequest>,
    ) -> Answer<pb::ListBuyerOrdersResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_buyer_orders::handle(self, &call, request).await?))
    }

    async fn get_buyer_order(&self, request: Request<pb::GetBuyerOrderRequest>) -> Answer<pb::BuyerOrder> {
        let (call, request) = open(request)?;
        Ok(Response::new(get_buyer_order::handle(self, &call, request).await?))
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
    let found = Order::snapshot(&mut connection, order_id).await?;
    match found {
        Some(order) if failpoint::planted!("orders.shop_not_checked") => Ok(order),
        found => visible(call, found),
    }
}
