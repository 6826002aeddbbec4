//! The RPCs, one verb per file.

mod address_fields;
mod book_shipment;
mod cancel_delivery;
mod create_delivery_method;
mod get_shipment;
mod list_delivery_methods;
mod list_shipments;
pub(crate) mod plan_delivery;
mod quote_delivery;
mod record_tracking_event;
mod tariff_fields;
mod update_delivery_method;

use proto::delivery::v1 as pb;
use proto::delivery::v1::delivery_service_server::DeliveryService;
use rpc::open;
use tonic::{Request, Response, Status};

use crate::Delivery;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl DeliveryService for Delivery {
    async fn create_delivery_method(
        &self,
        request: Request<pb::CreateDeliveryMethodRequest>,
    ) -> Answer<pb::DeliveryMethod> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_delivery_method::handle(self, &call, request).await?))
    }

    async fn list_delivery_methods(
        &self,
        request: Request<pb::ListDeliveryMethodsRequest>,
    ) -> Answer<pb::ListDeliveryMethodsResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_delivery_methods::handle(self, &call, request).await?))
    }

    async fn update_delivery_method(
        &self,
        request: Request<pb::UpdateDeliveryMethodRequest>,
    ) -> Answer<pb::DeliveryMethod> {
        let (call, request) = open(request)?;
        Ok(Response::new(update_delivery_method::handle(self, &call, request).await?))
    }

    async fn quote_delivery(
        &self,
        request: Request<pb::QuoteDeliveryRequest>,
    ) -> Answer<pb::QuoteDeliveryResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(quote_delivery::handle(self, &call, request).await?))
    }

    async fn plan_delivery(&self, request: Request<pb::PlanDeliveryRequest>) -> Answer<pb::DeliveryPlan> {
        let (call, request) = open(request)?;
        Ok(Response::new(plan_delivery::handle(self, &call, request).await?))
    }

    async fn cancel_delivery(&self, request: Request<pb::CancelDeliveryRequest>) -> Answer<pb::DeliveryPlan> {
        let (call, request) = open(request)?;
        Ok(Response::new(cancel_delivery::handle(self, &call, request).await?))
    }

    async fn book_shipment(&self, request: Request<pb::BookShipmentRequest>) -> Answer<pb::Shipment> {
        let (call, request) = open(request)?;
        Ok(Response::new(book_shipment::handle(self, &call, request).await?))
    }

    async fn get_shipment(&self, request: Request<pb::GetShipmentRequest>) -> Answer<pb::Shipment> {
        let (call, request) = open(request)?;
        Ok(Response::new(get_shipment::handle(self, &call, request).await?))
    }

    async fn list_shipments(
        &self,
        request: Request<pb::ListShipmentsRequest>,
    ) -> Answer<pb::ListShipmentsResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_shipments::handle(self, &call, request).await?))
    }

    async fn record_tracking_event(
        &self,
        request: Request<pb::RecordTrackingEventRequest>,
    ) -> Answer<pb::Shipment> {
        let (call, request) = open(request)?;
        Ok(Response::new(record_tracking_event::handle(self, &call, request).await?))
    }
}
