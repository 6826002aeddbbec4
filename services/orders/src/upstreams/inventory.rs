//! Asks inventory to hold stock and to give it back.

use std::collections::HashMap;

use proto::inventory::v1 as pb;
use proto::inventory::v1::inventory_service_client::InventoryServiceClient;
use rpc::{Call, Channel};
use tonic::{Code, Status};
use types::{OrderId, ReservationId, ReturnId, ReturnPostingId, ShopId, Sku, WarehouseId};

use crate::model::missing_item::MissingItem;
use crate::model::order::Order;
use crate::model::order_line::OrderLine;
use crate::model::placement::{Held, Priced};
use crate::model::returns::{Disposition, FoundUnits};

/// SKUs of one look at the stock.
const LOOK_UP_MAX: usize = 200;

/// The stock.
#[derive(Clone)]
pub struct Inventory(Channel);

/// Where units are taken, and what happens when they are not there.
#[derive(Debug, Clone, Copy)]
pub struct Supply<'a> {
    /// In this order; empty for all.
    pub warehouse_ids: &'a [String],
    /// Holds what there is.
    pub accept_shortage: bool,
    /// Everything from one warehouse.
    pub one_warehouse: bool,
}

/// Goods of a return that were found.
#[derive(Debug, Clone)]
pub struct ReturnedGoods {
    /// Names the posting, so that a repeat finds it.
    pub posting_id: ReturnPostingId,
    /// The return.
    pub return_id: ReturnId,
    /// The order they left with.
    pub order_id: Option<OrderId>,
    /// Whose it is.
    pub shop_id: ShopId,
    /// Where they lie.
    pub warehouse_id: WarehouseId,
    /// What was found.
    pub found: Vec<FoundUnits>,
}

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
        supply: Supply<'_>,
    ) -> Result<Held, Status> {
        let lines = priced.stock_lines().flat_map(|line| units(line, line.ordered)).collect();
        self.reserve_lines(call, order, order.own_reservation_id(), lines, supply).await
    }

    /// The same under another id, for an order whose first goods were added later.
    pub async fn reserve_lines(
        &self,
        call: &Call,
        order: &Order,
        reservation_id: ReservationId,
        lines: Vec<pb::StockQuantity>,
        supply: Supply<'_>,
    ) -> Result<Held, Status> {
        let request = pb::ReserveStockRequest {
            reservation_id: reservation_id.to_string(),
            owner: order.order_id.to_string(),
            shop_id: order.shop_id.to_string(),
            lines,
            warehouse_ids: supply.warehouse_ids.to_vec(),
            accept_shortage: supply.accept_shortage,
            split: split(supply).into(),
        };
        let answer = InventoryServiceClient::new(self.0.bind(call)).reserve_stock(request).await?;
        Ok(held(answer.into_inner()))
    }

    /// Changes what a reservation wants. A repeat of the same revision answers what is held.
    pub async fn change(
        &self,
        call: &Call,
        reservation_id: ReservationId,
        revision: i32,
        lines: Vec<pb::StockQuantity>,
        supply: Supply<'_>,
    ) -> Result<Held, Status> {
        let request = pb::ChangeReservationRequest {
            reservation_id: reservation_id.to_string(),
            revision,
            lines,
            warehouse_ids: supply.warehouse_ids.to_vec(),
            accept_shortage: supply.accept_shortage,
            split: split(supply).into(),
        };
        let answer = InventoryServiceClient::new(self.0.bind(call)).change_reservation(request).await?;
        Ok(held(answer.into_inner()))
    }

    /// Takes units out of stock; without lines everything that is held. A repeat for the same reference changes nothing.
    pub async fn ship(
        &self,
        call: &Call,
        reservation_id: ReservationId,
        reference: &str,
        lines: Vec<pb::StockQuantity>,
    ) -> Result<(), Status> {
        let request = pb::ShipReservationRequest {
            reservation_id: reservation_id.to_string(),
            reference: reference.to_owned(),
            lines,
            ..Default::default()
        };
        InventoryServiceClient::new(self.0.bind(call)).ship_reservation(request).await?;
        Ok(())
    }

    /// What is held now.
    pub async fn held_now(&self, call: &Call, reservation_id: ReservationId) -> Result<Held, Status> {
        let request = pb::GetReservationRequest { reservation_id: reservation_id.to_string() };
        let answer = InventoryServiceClient::new(self.0.bind(call)).get_reservation(request).await?;
        Ok(held(answer.into_inner()))
    }

    /// A reservation, if inventory knows it.
    pub async fn find(
        &self,
        call: &Call,
        reservation_id: ReservationId,
    ) -> Result<Option<pb::Reservation>, Status> {
        let request = pb::GetReservationRequest { reservation_id: reservation_id.to_string() };
        match InventoryServiceClient::new(self.0.bind(call)).get_reservation(request).await {
            Ok(reservation) => Ok(Some(reservation.into_inner())),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status),
        }
    }

    /// Posts goods that came back. A repeat changes nothing.
    pub async fn post_return(&self, call: &Call, goods: &ReturnedGoods) -> Result<(), Status> {
        let line = |found: &FoundUnits| pb::ReturnedQuantity {
            sku: found.sku.to_string(),
            quantity: found.quantity,
            disposition: match found.disposition {
                Disposition::Sellable => pb::ReturnDisposition::Sellable,
                Disposition::Quarantine => pb::ReturnDisposition::Quarantine,
                Disposition::WriteOff => pb::ReturnDisposition::WriteOff,
            }
            .into(),
            note: found.note.clone(),
        };
        let request = pb::PostReturnRequest {
            posting_id: goods.posting_id.to_string(),
            return_id: goods.return_id.to_string(),
            order_id: goods.order_id.map(|id| id.to_string()).unwrap_or_default(),
            shop_id: goods.shop_id.to_string(),
            warehouse_id: goods.warehouse_id.to_string(),
            lines: goods.found.iter().map(line).collect(),
        };
        InventoryServiceClient::new(self.0.bind(call)).post_return(request).await?;
        Ok(())
    }

    /// Free units of each SKU, over the warehouses that are named or all of them.
    pub async fn look_up(
        &self,
        call: &Call,
        skus: &[Sku],
        warehouse_ids: &[String],
    ) -> Result<HashMap<String, i64>, Status> {
        let mut free = HashMap::new();
        for some in skus.chunks(LOOK_UP_MAX) {
            let request = pb::LookUpStockRequest { skus: some.iter().map(ToString::to_string).collect() };
            let answer = InventoryServiceClient::new(self.0.bind(call)).look_up_stock(request).await?;
            for stock in answer.into_inner().stocks {
                let named = |level: &&pb::StockLevel| warehouse_ids.contains(&level.warehouse_id);
                let units = match warehouse_ids {
                    [] => stock.available,
                    _ => stock.levels.iter().filter(named).map(|level| level.available).sum(),
                };
                free.insert(stock.sku, units);
            }
        }
        Ok(free)
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
    held.version = reservation.version;
    held
}

/// What `quantity` units of a line are in stock.
pub fn units(line: &OrderLine, quantity: i32) -> Vec<pb::StockQuantity> {
    let units = line.stock(quantity).into_iter().filter(|(_, quantity)| *quantity > 0);
    units.map(|(sku, quantity)| pb::StockQuantity { sku: sku.to_string(), quantity }).collect()
}

fn split(supply: Supply<'_>) -> pb::SplitPolicy {
    if supply.one_warehouse { pb::SplitPolicy::OneWarehouse } else { pb::SplitPolicy::Allowed }
}
