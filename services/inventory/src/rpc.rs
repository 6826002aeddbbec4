//! What this service can be asked.

mod adjust_stock;
mod create_warehouse;
mod explain_stock;
mod get_reservation;
mod get_stock_level;
mod hold_cart;
mod list_reservations;
mod list_stock_levels;
mod list_warehouses;
mod parse;
mod posted;
mod receive_stock;
mod release_hold;
mod release_reservation;
mod reserve_stock;
mod ship_reservation;

use proto::inventory::v1 as pb;
use proto::inventory::v1::inventory_service_server::InventoryService;
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
}
