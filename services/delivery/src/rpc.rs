//! The RPCs, one verb per file.

mod account_fields;
mod add_incident_note;
mod address_fields;
mod book_return_pickup;
mod book_shipment;
mod cancel_delivery;
mod cancel_return_pickup;
mod cancel_shipment;
mod choose_delivery_slot;
mod create_carrier_account;
mod create_delivery_method;
mod get_delivery_proof;
mod get_pickup_code;
mod get_shipment;
mod get_shipment_label;
mod get_tracker;
mod list_carrier_accounts;
mod list_delivery_methods;
mod list_delivery_slots;
mod list_incidents;
mod list_late_shipments;
pub(crate) mod list_pickup_points;
mod list_return_pickups;
mod list_shipments;
mod list_unmapped_codes;
pub(crate) mod plan_delivery;
mod print_labels;
mod proof_fields;
mod quote_delivery;
mod receive_carrier_webhook;
mod record_cod_transfer;
mod record_tracking_event;
mod retry_booking;
mod schedule_fields;
mod tariff_fields;
mod update_carrier_account;
mod update_delivery_method;
mod update_incident;

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

    async fn create_carrier_account(
        &self,
        request: Request<pb::CreateCarrierAccountRequest>,
    ) -> Answer<pb::CarrierAccount> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_carrier_account::handle(self, &call, request).await?))
    }

    async fn list_carrier_accounts(
        &self,
        request: Request<pb::ListCarrierAccountsRequest>,
    ) -> Answer<pb::ListCarrierAccountsResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_carrier_accounts::handle(self, &call, request).await?))
    }

    async fn update_carrier_account(
        &self,
        request: Request<pb::UpdateCarrierAccountRequest>,
    ) -> Answer<pb::CarrierAccount> {
        let (call, request) = open(request)?;
        Ok(Response::new(update_carrier_account::handle(self, &call, request).await?))
    }

    async fn list_pickup_points(
        &self,
        request: Request<pb::ListPickupPointsRequest>,
    ) -> Answer<pb::ListPickupPointsResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_pickup_points::handle(self, &call, request).await?))
    }

    async fn retry_booking(&self, request: Request<pb::RetryBookingRequest>) -> Answer<pb::Shipment> {
        let (call, request) = open(request)?;
        Ok(Response::new(retry_booking::handle(self, &call, request).await?))
    }

    async fn cancel_shipment(&self, request: Request<pb::CancelShipmentRequest>) -> Answer<pb::Shipment> {
        let (call, request) = open(request)?;
        Ok(Response::new(cancel_shipment::handle(self, &call, request).await?))
    }

    async fn list_late_shipments(
        &self,
        request: Request<pb::ListLateShipmentsRequest>,
    ) -> Answer<pb::ListLateShipmentsResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_late_shipments::handle(self, &call, request).await?))
    }

    async fn record_cod_transfer(
        &self,
        request: Request<pb::RecordCodTransferRequest>,
    ) -> Answer<pb::Shipment> {
        let (call, request) = open(request)?;
        Ok(Response::new(record_cod_transfer::handle(self, &call, request).await?))
    }

    async fn get_shipment_label(
        &self,
        request: Request<pb::GetShipmentLabelRequest>,
    ) -> Answer<pb::GetShipmentLabelResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(get_shipment_label::handle(self, &call, request).await?))
    }

    async fn print_labels(
        &self,
        request: Request<pb::PrintLabelsRequest>,
    ) -> Answer<pb::PrintLabelsResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(print_labels::handle(self, &call, request).await?))
    }

    async fn receive_carrier_webhook(
        &self,
        request: Request<pb::ReceiveCarrierWebhookRequest>,
    ) -> Answer<pb::ReceiveCarrierWebhookResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(receive_carrier_webhook::handle(self, &call, request).await?))
    }

    async fn list_unmapped_codes(
        &self,
        request: Request<pb::ListUnmappedCodesRequest>,
    ) -> Answer<pb::ListUnmappedCodesResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_unmapped_codes::handle(self, &call, request).await?))
    }

    async fn list_incidents(
        &self,
        request: Request<pb::ListIncidentsRequest>,
    ) -> Answer<pb::ListIncidentsResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_incidents::handle(self, &call, request).await?))
    }

    async fn update_incident(&self, request: Request<pb::UpdateIncidentRequest>) -> Answer<pb::Incident> {
        let (call, request) = open(request)?;
        Ok(Response::new(update_incident::handle(self, &call, request).await?))
    }

    async fn add_incident_note(
        &self,
        request: Request<pb::AddIncidentNoteRequest>,
    ) -> Answer<pb::IncidentCase> {
        let (call, request) = open(request)?;
        Ok(Response::new(add_incident_note::handle(self, &call, request).await?))
    }

    async fn get_tracker(&self, request: Request<pb::GetTrackerRequest>) -> Answer<pb::Tracker> {
        let (call, request) = open(request)?;
        Ok(Response::new(get_tracker::handle(self, &call, request).await?))
    }

    async fn list_delivery_slots(
        &self,
        request: Request<pb::ListDeliverySlotsRequest>,
    ) -> Answer<pb::ListDeliverySlotsResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_delivery_slots::handle(self, &call, request).await?))
    }

    async fn choose_delivery_slot(
        &self,
        request: Request<pb::ChooseDeliverySlotRequest>,
    ) -> Answer<pb::ChooseDeliverySlotResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(choose_delivery_slot::handle(self, &call, request).await?))
    }

    async fn book_return_pickup(
        &self,
        request: Request<pb::BookReturnPickupRequest>,
    ) -> Answer<pb::ReturnPickup> {
        let (call, request) = open(request)?;
        Ok(Response::new(book_return_pickup::handle(self, &call, request).await?))
    }

    async fn cancel_return_pickup(
        &self,
        request: Request<pb::CancelReturnPickupRequest>,
    ) -> Answer<pb::ReturnPickup> {
        let (call, request) = open(request)?;
        Ok(Response::new(cancel_return_pickup::handle(self, &call, request).await?))
    }

    async fn list_return_pickups(
        &self,
        request: Request<pb::ListReturnPickupsRequest>,
    ) -> Answer<pb::ListReturnPickupsResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(list_return_pickups::handle(self, &call, request).await?))
    }

    async fn get_delivery_proof(
        &self,
        request: Request<pb::GetDeliveryProofRequest>,
    ) -> Answer<pb::DeliveryProof> {
        let (call, request) = open(request)?;
        Ok(Response::new(get_delivery_proof::handle(self, &call, request).await?))
    }

    async fn get_pickup_code(&self, request: Request<pb::GetPickupCodeRequest>) -> Answer<pb::PickupCode> {
        let (call, request) = open(request)?;
        Ok(Response::new(get_pickup_code::handle(self, &call, request).await?))
    }
}
