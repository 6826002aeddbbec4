//! Asks inventory to hold stock and to give it back.

use proto::inventory::v1 as pb;
use proto::inventory::v1::inventory_service_client::InventoryServiceClient;
use rpc::{Call, Channel};
use tonic::Status;
use types::ReservationId;

use crate::model::missing_item::MissingItem;
use crate::model::order::Order;
use crate::model::placement::{Held, Priced};

/// The stock.
#[derive(Clone)]
pub struct Inventory(Channel);

impl Inventory {
    pub(super) fn new(channel: Channel) -> Self {
        Self(channel)
    }

    /// Holds the goods of an order. A repeat answers what is held.
    pub async fn reserve(
        &self,
        call: &Call,
        order: &Order,
        priced: &Priced,
        warehouse_ids: &[String],
        accept_shortage: bool,
    ) -> Result<Held, Status> {
        let lines = priced.stock_lines();
        let lines =
            lines.map(|line| pb::StockQuantity { sku: line.sku.to_string(), quantity: line.ordered.into() });
        let request = pb::ReserveStockRequest {
            reservation_id: order.own_reservation_id().to_string(),
            owner: order.order_id.to_string(),
            shop_id: order.shop_id.to_string(),
            lines: lines.collect(),
            warehouse_ids: warehouse_ids.to_vec(),
            accept_shortage,
        };
        let answer = InventoryServiceClient::new(self.0.bind(call)).reserve_stock(request).await?;
        Ok(held(answer.into_inner()))
    }

    /// Takes what is held out of stock. A repeat changes nothing.
    pub async fn ship(
        &self,
        call: &Call,
        reservation_id: ReservationId,
        reference: &str,
    ) -> Result<(), Status> {
        let (reservation_id, reference) = (reservation_id.to_string(), reference.to_owned());
        let request = pb::ShipReservationRequest { reservation_id, reference };
        InventoryServiceClient::new(self.0.bind(call)).ship_reservation(request).await?;
        Ok(())
    }

    /// Gives back what is held; an unknown id is remembered there, so that it can never be held later.
    pub async fn release(
        &self,
        call: &Call,
        reservation_id: ReservationId,
        note: &str,
    ) -> Result<(), Status> {
        let request = pb::ReleaseReservationRequest {
            reservation_id: reservation_id.to_string(),
            note: note.to_owned(),
        };
        InventoryServiceClient::new(self.0.bind(call)).release_reservation(request).await?;
        Ok(())
    }
}

/// What a reservation holds, over all warehouses.
pub fn held(reservation: pb::Reservation) -> Held {
    let mut held = Held::default();
    for line in reservation.lines {
        *held.units.entry(line.sku).or_default() += line.quantity;
    }
    let missing = |short: pb::Shortage| MissingItem {
        sku: short.sku,
        wanted: short.wanted,
        available: short.available,
    };
    held.shortages = reservation.shortages.into_iter().map(missing).collect();
    held
}
