//! What this service can be asked.

mod adjust_stock;
mod assign_shortage;
mod cancel_transfer;
mod change_condition;
mod change_reservation;
mod close_transfer;
mod costs;
mod cover_shortage;
mod create_warehouse;
mod dispatch_transfer;
mod explain_stock;
mod get_reservation;
mod get_shortage;
mod get_stock_document;
mod get_stock_level;
mod get_transfer;
mod hold_cart;
mod list_cost_layers;
mod list_reservations;
mod list_shortages;
mod list_stock_documents;
mod list_stock_levels;
mod list_stock_valuation;
mod list_transfers;
mod list_warehouses;
mod look_up_stock;
mod parse;
mod post_return;
mod receive_stock;
mod receive_transfer;
mod recount_stock;
mod release_hold;
mod release_reservation;
mod reserve_stock;
mod reverse_document;
mod ship_reservation;
mod transfer_step;
mod write_off_stock;

use proto::inventory::v1 as pb;
use proto::inventory::v1::inventory_service_server::InventoryService;
use proto::inventory::v1::stock_repair_service_server::StockRepairService;
use tonic::{Request, Response, Status};

use crate::Inventory;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl InventoryService for Inventory {
    async fn create_warehouse(&self, request: Request<pb::CreateWarehouseRequest>) -> Answer<pb::Warehouse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(create_warehouse::handle(self, &call, request).await?))
    }

    async fn list_warehouses(
        &self,
        request: Request<pb::ListWarehousesRequest>,
    ) -> Answer<pb::ListWarehousesResponse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(list_warehouses::handle(self, &call, request).await?))
    }

    async fn receive_stock(
        &self,
        request: Request<pb::ReceiveStockRequest>,
    ) -> Answer<pb::ReceiveStockResponse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(receive_stock::handle(self, &call, request).await?))
    }

    async fn adjust_stock(
        &self,
        request: Request<pb::AdjustStockRequest>,
    ) -> Answer<pb::AdjustStockResponse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(adjust_stock::handle(self, &call, request).await?))
    }

    async fn get_stock_level(
        &self,
        request: Request<pb::GetStockLevelRequest>,
    ) -> Answer<pb::GetStockLevelResponse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(get_stock_level::handle(self, &call, request).await?))
    }

    async fn list_stock_levels(
        &self,
        request: Request<pb::ListStockLevelsRequest>,
    ) -> Answer<pb::ListStockLevelsResponse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(list_stock_levels::handle(self, &call, request).await?))
    }

    async fn explain_stock(
        &self,
        request: Request<pb::ExplainStockRequest>,
    ) -> Answer<pb::ExplainStockResponse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(explain_stock::handle(self, &call, request).await?))
    }

    async fn reserve_stock(&self, request: Request<pb::ReserveStockRequest>) -> Answer<pb::Reservation> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(reserve_stock::handle(self, &call, request).await?))
    }

    async fn release_reservation(
        &self,
        request: Request<pb::ReleaseReservationRequest>,
    ) -> Answer<pb::Reservation> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(release_reservation::handle(self, &call, request).await?))
    }

    async fn ship_reservation(
        &self,
        request: Request<pb::ShipReservationRequest>,
    ) -> Answer<pb::Reservation> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(ship_reservation::handle(self, &call, request).await?))
    }

    async fn get_reservation(&self, request: Request<pb::GetReservationRequest>) -> Answer<pb::Reservation> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(get_reservation::handle(self, &call, request).await?))
    }

    async fn list_reservations(
        &self,
        request: Request<pb::ListReservationsRequest>,
    ) -> Answer<pb::ListReservationsResponse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(list_reservations::handle(self, &call, request).await?))
    }

    async fn hold_cart(&self, request: Request<pb::HoldCartRequest>) -> Answer<pb::Reservation> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(hold_cart::handle(self, &call, request).await?))
    }

    async fn release_hold(&self, request: Request<pb::ReleaseHoldRequest>) -> Answer<pb::Reservation> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(release_hold::handle(self, &call, request).await?))
    }

    async fn change_reservation(
        &self,
        request: Request<pb::ChangeReservationRequest>,
    ) -> Answer<pb::Reservation> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(change_reservation::handle(self, &call, request).await?))
    }

    async fn look_up_stock(
        &self,
        request: Request<pb::LookUpStockRequest>,
    ) -> Answer<pb::LookUpStockResponse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(look_up_stock::handle(self, &call, request).await?))
    }

    async fn post_return(&self, request: Request<pb::PostReturnRequest>) -> Answer<pb::PostReturnResponse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(post_return::handle(self, &call, request).await?))
    }

    async fn write_off_stock(
        &self,
        request: Request<pb::WriteOffStockRequest>,
    ) -> Answer<pb::WriteOffStockResponse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(write_off_stock::handle(self, &call, request).await?))
    }

    async fn change_condition(
        &self,
        request: Request<pb::ChangeConditionRequest>,
    ) -> Answer<pb::ChangeConditionResponse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(change_condition::handle(self, &call, request).await?))
    }

    async fn get_stock_document(
        &self,
        request: Request<pb::GetStockDocumentRequest>,
    ) -> Answer<pb::StockDocument> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(get_stock_document::handle(self, &call, request).await?))
    }

    async fn list_stock_documents(
        &self,
        request: Request<pb::ListStockDocumentsRequest>,
    ) -> Answer<pb::ListStockDocumentsResponse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(list_stock_documents::handle(self, &call, request).await?))
    }

    async fn reverse_document(
        &self,
        request: Request<pb::ReverseDocumentRequest>,
    ) -> Answer<pb::ReverseDocumentResponse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(reverse_document::handle(self, &call, request).await?))
    }

    async fn dispatch_transfer(&self, request: Request<pb::DispatchTransferRequest>) -> Answer<pb::Transfer> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(dispatch_transfer::handle(self, &call, request).await?))
    }

    async fn receive_transfer(&self, request: Request<pb::ReceiveTransferRequest>) -> Answer<pb::Transfer> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(receive_transfer::handle(self, &call, request).await?))
    }

    async fn close_transfer(&self, request: Request<pb::CloseTransferRequest>) -> Answer<pb::Transfer> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(close_transfer::handle(self, &call, request).await?))
    }

    async fn cancel_transfer(&self, request: Request<pb::CancelTransferRequest>) -> Answer<pb::Transfer> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(cancel_transfer::handle(self, &call, request).await?))
    }

    async fn get_transfer(&self, request: Request<pb::GetTransferRequest>) -> Answer<pb::Transfer> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(get_transfer::handle(self, &call, request).await?))
    }

    async fn list_transfers(
        &self,
        request: Request<pb::ListTransfersRequest>,
    ) -> Answer<pb::ListTransfersResponse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(list_transfers::handle(self, &call, request).await?))
    }

    async fn get_shortage(&self, request: Request<pb::GetShortageRequest>) -> Answer<pb::Shortage> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(get_shortage::handle(self, &call, request).await?))
    }

    async fn list_shortages(
        &self,
        request: Request<pb::ListShortagesRequest>,
    ) -> Answer<pb::ListShortagesResponse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(list_shortages::handle(self, &call, request).await?))
    }

    async fn assign_shortage(&self, request: Request<pb::AssignShortageRequest>) -> Answer<pb::Shortage> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(assign_shortage::handle(self, &call, request).await?))
    }

    async fn cover_shortage(&self, request: Request<pb::CoverShortageRequest>) -> Answer<pb::Shortage> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(cover_shortage::handle(self, &call, request).await?))
    }

    async fn list_stock_valuation(
        &self,
        request: Request<pb::ListStockValuationRequest>,
    ) -> Answer<pb::ListStockValuationResponse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(list_stock_valuation::handle(self, &call, request).await?))
    }

    async fn list_cost_layers(
        &self,
        request: Request<pb::ListCostLayersRequest>,
    ) -> Answer<pb::ListCostLayersResponse> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(list_cost_layers::handle(self, &call, request).await?))
    }
}

#[tonic::async_trait]
impl StockRepairService for Inventory {
    async fn recount_stock(&self, request: Request<pb::RecountStockRequest>) -> Answer<pb::StockLevel> {
        let (call, request) = rpc::open(request)?;
        Ok(Response::new(recount_stock::handle(self, &call, request).await?))
    }
}
