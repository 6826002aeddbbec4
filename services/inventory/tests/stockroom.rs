//! A stock service with one shop, and the words its tests are written in.

mod books;
pub mod documents;

use std::sync::atomic::{AtomicU32, Ordering};

use korob_inventory::Inventory;
use proto::inventory::v1::inventory_service_client::InventoryServiceClient;
use proto::inventory::v1::*;
use rpc::{BoundChannel, Caller};
use testing::World;
use tonic::{Response, Status};
use types::{OrderId, ReservationId, ShopId};

pub type Client = InventoryServiceClient<BoundChannel>;
pub type Answer<T> = Result<Response<T>, Status>;

pub struct Stockroom {
    pub world: World,
    pub shop: ShopId,
    keys: AtomicU32,
}

impl Stockroom {
    /// An empty one.
    pub async fn new() -> Self {
        Self::of(World::new().await).await
    }

    /// One beside the stand-ins of `world`.
    pub async fn of(world: World) -> Self {
        let world = world.start::<Inventory>().await;
        Self { world, shop: ShopId::new(), keys: AtomicU32::new(0) }
    }

    /// One with a warehouse that has `stock`.
    pub async fn with(stock: &[(&str, i64)]) -> (Self, String) {
        let room = Self::new().await;
        let main = room.warehouse("Main").await;
        if !stock.is_empty() {
            room.receive(&main, stock).await;
        }
        (room, main)
    }

    /// The service for an operator, who may do everything.
    pub fn client(&self) -> Client {
        InventoryServiceClient::new(self.world.channel("inventory"))
    }

    /// The service for a partner of `shop`.
    pub fn partner(&self, shop: ShopId) -> Client {
        let caller = World::partner(&[shop], &["inventory.read", "inventory.write", "inventory.hold"]);
        self.client_as(caller)
    }

    pub fn client_as(&self, caller: Caller) -> Client {
        InventoryServiceClient::new(self.world.channel_as("inventory", caller))
    }

    /// An idempotency key that was not used before.
    pub fn key(&self) -> String {
        format!("key-{}", self.keys.fetch_add(1, Ordering::Relaxed))
    }

    pub async fn warehouse(&self, name: &str) -> String {
        self.add_warehouse(name, false).await
    }

    pub async fn archived_warehouse(&self, name: &str) -> String {
        self.add_warehouse(name, true).await
    }

    async fn add_warehouse(&self, name: &str, archived: bool) -> String {
        let warehouse = Warehouse { name: name.to_owned(), archived, ..Warehouse::default() };
        let request = CreateWarehouseRequest { warehouse: Some(warehouse), idempotency_key: self.key() };
        self.client().create_warehouse(request).await.unwrap().into_inner().warehouse_id
    }

    /// What an order of this shop asks for.
    pub fn order(&self, lines: &[(&str, i64)]) -> ReserveStockRequest {
        let order_id = OrderId::new();
        ReserveStockRequest {
            reservation_id: ReservationId::derived(order_id.uuid(), 0).to_string(),
            owner: order_id.to_string(),
            shop_id: self.shop.to_string(),
            lines: quantities(lines),
            ..ReserveStockRequest::default()
        }
    }

    pub async fn try_reserve(&self, request: ReserveStockRequest) -> Answer<Reservation> {
        self.client().reserve_stock(request).await
    }

    pub async fn reserve(&self, request: &ReserveStockRequest) -> Reservation {
        self.try_reserve(request.clone()).await.unwrap().into_inner()
    }

    /// An order that is accepted whatever there is.
    pub async fn accept(&self, lines: &[(&str, i64)]) -> Reservation {
        self.reserve(&ReserveStockRequest { accept_shortage: true, ..self.order(lines) }).await
    }

    /// What `reservation` is changed into.
    pub fn rewrite(&self, reservation: &Reservation, lines: &[(&str, i64)]) -> ChangeReservationRequest {
        ChangeReservationRequest {
            reservation_id: reservation.reservation_id.clone(),
            revision: reservation.revision + 1,
            lines: quantities(lines),
            ..ChangeReservationRequest::default()
        }
    }

    pub async fn change(&self, request: &ChangeReservationRequest) -> Reservation {
        self.client().change_reservation(request.clone()).await.unwrap().into_inner()
    }

    /// A part of a reservation that leaves.
    pub fn parcel(
        &self,
        reservation: &Reservation,
        name: &str,
        lines: &[(&str, i64)],
    ) -> ShipReservationRequest {
        ShipReservationRequest {
            reservation_id: reservation.reservation_id.clone(),
            reference: name.to_owned(),
            lines: quantities(lines),
            ..ShipReservationRequest::default()
        }
    }

    pub async fn ship_part(&self, parcel: &ShipReservationRequest) -> Reservation {
        self.client().ship_reservation(parcel.clone()).await.unwrap().into_inner()
    }

    pub async fn shortage(&self, shortage_id: &str) -> Shortage {
        let request = GetShortageRequest { shortage_id: shortage_id.to_owned() };
        self.client().get_shortage(request).await.unwrap().into_inner()
    }

    pub fn taking(&self, shortage: &Shortage, warehouse: &str, quantity: i64) -> CoverShortageRequest {
        CoverShortageRequest {
            shortage_id: shortage.shortage_id.clone(),
            warehouse_id: warehouse.to_owned(),
            quantity,
            idempotency_key: self.key(),
        }
    }

    /// On hand of a SKU in a warehouse and condition.
    pub async fn there(&self, sku: &str, warehouse: &str, condition: Condition) -> i64 {
        let levels = self.levels(sku).await.levels;
        let here = |level: &&StockLevel| level.warehouse_id == warehouse && level.condition() == condition;
        levels.iter().filter(here).map(|level| level.on_hand).sum()
    }

    pub async fn try_release(&self, reservation_id: &str) -> Answer<Reservation> {
        let note = "cancelled".to_owned();
        let request = ReleaseReservationRequest { reservation_id: reservation_id.to_owned(), note };
        self.client().release_reservation(request).await
    }

    pub async fn release(&self, reservation_id: &str) -> Reservation {
        self.try_release(reservation_id).await.unwrap().into_inner()
    }

    pub async fn try_ship(&self, reservation_id: &str) -> Answer<Reservation> {
        let request = ShipReservationRequest {
            reservation_id: reservation_id.to_owned(),
            reference: "shm_1".to_owned(),
            ..ShipReservationRequest::default()
        };
        self.client().ship_reservation(request).await
    }

    pub async fn ship(&self, reservation_id: &str) -> Reservation {
        self.try_ship(reservation_id).await.unwrap().into_inner()
    }

    pub fn cart(&self, cart_id: &str, lines: &[(&str, i64)]) -> HoldCartRequest {
        HoldCartRequest {
            cart_id: cart_id.to_owned(),
            shop_id: self.shop.to_string(),
            lines: quantities(lines),
            hold_seconds: 0,
            idempotency_key: self.key(),
        }
    }

    pub async fn hold(&self, cart_id: &str, lines: &[(&str, i64)]) -> Reservation {
        self.client().hold_cart(self.cart(cart_id, lines)).await.unwrap().into_inner()
    }

    pub async fn reservation(&self, reservation_id: &str) -> Reservation {
        let request = GetReservationRequest { reservation_id: reservation_id.to_owned() };
        self.client().get_reservation(request).await.unwrap().into_inner()
    }

    /// On hand and reserved of a SKU, over all warehouses and conditions.
    pub async fn stock(&self, sku: &str) -> (i64, i64) {
        let levels = self.levels(sku).await.levels;
        (levels.iter().map(|level| level.on_hand).sum(), levels.iter().map(|level| level.reserved).sum())
    }

    pub async fn levels(&self, sku: &str) -> GetStockLevelResponse {
        let request = GetStockLevelRequest { sku: sku.to_owned() };
        self.client().get_stock_level(request).await.unwrap().into_inner()
    }
}

/// Lines of a request.
pub fn quantities(lines: &[(&str, i64)]) -> Vec<StockQuantity> {
    lines
        .iter()
        .map(|(sku, quantity)| StockQuantity { sku: (*sku).to_owned(), quantity: *quantity })
        .collect()
}

/// SKU and quantity of what is held.
pub fn held(reservation: &Reservation) -> Vec<(&str, i64)> {
    reservation.lines.iter().map(|line| (line.sku.as_str(), line.quantity)).collect()
}

/// SKU, wanted and available of what is short.
pub fn short(reservation: &Reservation) -> Vec<(&str, i64, i64)> {
    reservation.shortages.iter().map(|one| (one.sku.as_str(), one.wanted, one.available)).collect()
}

/// Warehouse and quantity of what is held.
pub fn sources(reservation: &Reservation) -> Vec<(&str, i64)> {
    reservation.lines.iter().map(|line| (line.warehouse_id.as_str(), line.quantity)).collect()
}
