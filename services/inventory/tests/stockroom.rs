//! A stock service with one shop, and the words its tests are written in.

use std::sync::atomic::{AtomicU32, Ordering};

use korob_inventory::Inventory;
use proto::inventory::v1::inventory_service_client::InventoryServiceClient;
use proto::inventory::v1::stock_adjustment::Change;
use proto::inventory::v1::*;
use rpc::{BoundChannel, Caller};
use testing::World;
use tonic::{Response, Status};
use types::{OrderId, ReservationId, ReturnId, ReturnPostingId, ShopId};

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

    pub fn receipt(&self, warehouse: &str, lines: &[(&str, i64)]) -> ReceiveStockRequest {
        ReceiveStockRequest {
            warehouse_id: warehouse.to_owned(),
            lines: quantities(lines),
            idempotency_key: self.key(),
            ..ReceiveStockRequest::default()
        }
    }

    pub async fn receive(&self, warehouse: &str, lines: &[(&str, i64)]) -> Vec<StockLevel> {
        self.client().receive_stock(self.receipt(warehouse, lines)).await.unwrap().into_inner().levels
    }

    pub fn correction(&self, warehouse: &str, lines: &[(&str, Change)]) -> AdjustStockRequest {
        let line = |(sku, change): &(&str, Change)| StockAdjustment {
            sku: (*sku).to_owned(),
            change: Some(*change),
        };
        AdjustStockRequest {
            warehouse_id: warehouse.to_owned(),
            lines: lines.iter().map(line).collect(),
            note: "counted".to_owned(),
            idempotency_key: self.key(),
            ..AdjustStockRequest::default()
        }
    }

    pub async fn adjust(&self, warehouse: &str, lines: &[(&str, Change)]) -> AdjustStockResponse {
        self.client().adjust_stock(self.correction(warehouse, lines)).await.unwrap().into_inner()
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

    pub fn write_off(&self, warehouse: &str, lines: &[(&str, i64)]) -> WriteOffStockRequest {
        WriteOffStockRequest {
            warehouse_id: warehouse.to_owned(),
            lines: quantities(lines),
            reason: WriteOffReason::Damaged.into(),
            idempotency_key: self.key(),
            ..WriteOffStockRequest::default()
        }
    }

    /// Units that change their condition.
    pub fn verdict(
        &self,
        warehouse: &str,
        lines: &[(&str, i64)],
        from: Condition,
        to: Condition,
    ) -> ChangeConditionRequest {
        ChangeConditionRequest {
            warehouse_id: warehouse.to_owned(),
            lines: quantities(lines),
            from: from.into(),
            to: to.into(),
            note: "looked at".to_owned(),
            idempotency_key: self.key(),
            ..ChangeConditionRequest::default()
        }
    }

    pub fn load_of(&self, from: &str, to: &str, lines: &[(&str, i64)]) -> DispatchTransferRequest {
        DispatchTransferRequest {
            from_warehouse_id: from.to_owned(),
            to_warehouse_id: to.to_owned(),
            lines: quantities(lines),
            idempotency_key: self.key(),
            ..DispatchTransferRequest::default()
        }
    }

    pub async fn dispatch(&self, from: &str, to: &str, lines: &[(&str, i64)]) -> Transfer {
        self.client().dispatch_transfer(self.load_of(from, to, lines)).await.unwrap().into_inner()
    }

    pub fn arrival(&self, transfer: &Transfer, lines: &[(&str, i64, Condition)]) -> ReceiveTransferRequest {
        let line = |(sku, quantity, condition): &(&str, i64, Condition)| TransferReceipt {
            sku: (*sku).to_owned(),
            quantity: *quantity,
            condition: (*condition).into(),
        };
        ReceiveTransferRequest {
            transfer_id: transfer.transfer_id.clone(),
            lines: lines.iter().map(line).collect(),
            note: String::new(),
            idempotency_key: self.key(),
        }
    }

    pub async fn arrive(&self, transfer: &Transfer, lines: &[(&str, i64, Condition)]) -> Transfer {
        self.client().receive_transfer(self.arrival(transfer, lines)).await.unwrap().into_inner()
    }

    pub async fn transfer(&self, transfer: &Transfer) -> Transfer {
        let request = GetTransferRequest { transfer_id: transfer.transfer_id.clone() };
        self.client().get_transfer(request).await.unwrap().into_inner()
    }

    /// Goods that came back to `warehouse`.
    pub fn returned(&self, warehouse: &str, lines: &[(&str, i64, ReturnDisposition)]) -> PostReturnRequest {
        let line = |(sku, quantity, disposition): &(&str, i64, ReturnDisposition)| ReturnedQuantity {
            sku: (*sku).to_owned(),
            quantity: *quantity,
            disposition: (*disposition).into(),
            note: "scratched".to_owned(),
        };
        PostReturnRequest {
            posting_id: ReturnPostingId::new().to_string(),
            return_id: ReturnId::new().to_string(),
            order_id: OrderId::new().to_string(),
            shop_id: self.shop.to_string(),
            warehouse_id: warehouse.to_owned(),
            lines: lines.iter().map(line).collect(),
        }
    }

    pub fn reversal(&self, document_id: &str) -> ReverseDocumentRequest {
        ReverseDocumentRequest {
            document_id: document_id.to_owned(),
            note: "a mistake".to_owned(),
            idempotency_key: self.key(),
        }
    }

    pub async fn document(&self, document_id: &str) -> StockDocument {
        let request = GetStockDocumentRequest { document_id: document_id.to_owned() };
        self.client().get_stock_document(request).await.unwrap().into_inner()
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

    /// One number from the database, past the service.
    pub async fn number(&self, sql: &str) -> i64 {
        let client = self.world.database("inventory").client().await;
        client.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// How many events of a type were told.
    pub async fn events(&self, name: &str) -> i64 {
        self.number(&format!("SELECT count(*) FROM event_log WHERE type = 'korob.inventory.v1.{name}'")).await
    }

    /// How many rows of history an operation wrote.
    pub async fn history(&self, action: &str) -> i64 {
        self.number(&format!("SELECT count(*) FROM audit_log WHERE action = 'inventory.{action}'")).await
    }

    /// Shortages whose units are free.
    pub async fn overlooked(&self) -> i64 {
        self.number(
            "SELECT count(*) FROM shortages s JOIN reservations r USING (reservation_id)
             JOIN stock_levels l ON l.sku = s.sku AND l.condition = 'sellable' AND l.on_hand > l.reserved
             WHERE s.state = 'open' AND cardinality(r.warehouse_ids) = 0 AND r.split = 'allowed'",
        )
        .await
    }

    /// Every level is the sum of its ledger and covers what is held.
    pub async fn assert_books_balance(&self) {
        let wrong = self.number(
            "SELECT count(*) FROM stock_levels l
             FULL JOIN (SELECT sku, warehouse_id, condition, sum(on_hand_delta) AS on_hand, sum(reserved_delta) AS reserved
                        FROM stock_ledger GROUP BY 1, 2, 3) g USING (sku, warehouse_id, condition)
             LEFT JOIN (SELECT sku, warehouse_id, 'sellable' AS condition, sum(quantity) AS held
                        FROM reservation_lines JOIN reservations USING (reservation_id)
                        WHERE state = 'held' GROUP BY 1, 2) h USING (sku, warehouse_id, condition)
             WHERE l.on_hand IS DISTINCT FROM coalesce(g.on_hand, 0) OR l.reserved IS DISTINCT FROM coalesce(g.reserved, 0)
                OR l.reserved <> coalesce(h.held, 0) OR l.reserved < 0 OR l.reserved > l.on_hand",
        );
        assert_eq!(wrong.await, 0, "levels that differ from their ledger or from what is held");
        let unexplained = self.number(
            "SELECT count(*) FROM stock_ledger LEFT JOIN stock_documents USING (document_id)
             WHERE on_hand_delta <> 0 AND number IS NULL",
        );
        assert_eq!(unexplained.await, 0, "movements without a document");
        let lost_on_the_way = self.number(
            "SELECT count(*) FROM (
                 SELECT sku, to_warehouse_id AS warehouse_id, sum(dispatched - received - lost - returned) AS moving
                 FROM transfer_lines JOIN transfers USING (transfer_id) GROUP BY 1, 2) t
             FULL JOIN (SELECT sku, warehouse_id, on_hand FROM stock_levels WHERE condition = 'in_transit') l
                 USING (sku, warehouse_id)
             WHERE coalesce(moving, 0) <> coalesce(on_hand, 0)",
        );
        assert_eq!(lost_on_the_way.await, 0, "units in transit that no transfer brings");
        assert_eq!(self.overlooked().await, 0, "units that are free while somebody waits for them");
        let orphaned = self.number(
            "SELECT count(*) FROM shortages JOIN reservations USING (reservation_id)
             WHERE shortages.state = 'open' AND reservations.state <> 'held'",
        );
        assert_eq!(orphaned.await, 0, "open shortages of reservations that ended");
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
