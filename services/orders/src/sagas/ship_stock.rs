//! Takes out of stock what left with a part of an order, whoever says that it has left.

use std::convert::Infallible;

use proto::inventory::v1::StockQuantity;
use rpc::Call;
use saga::{Definition, Finished, Saga, Stop};
use store::{Store, Tx};
use tonic::Status;
use types::{FulfilmentId, OrderId, ReservationId, ShipmentId, Sku};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::fulfilment::Fulfilment;
use crate::model::fulfilment_rows;
use crate::model::order::Order;
use crate::sagas::follow_up::FollowUp;
use crate::upstreams::Upstreams;

/// Why inventory does not ship what it does not hold.
const OVER_SHIPMENT: &str = "OVER_SHIPMENT";

/// Which order's goods.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Handover {
    /// Of this saga.
    #[prost(string, tag = "1")]
    pub saga_id: String,
    /// The order.
    #[prost(string, tag = "2")]
    pub order_id: String,
    /// What holds them.
    #[prost(string, tag = "3")]
    pub reservation_id: String,
    /// The parcel or the part that took them; empty: the order.
    #[prost(string, tag = "4")]
    pub reference: String,
    /// What left; empty: everything that is held.
    #[prost(message, repeated, tag = "5")]
    pub units: Vec<Units>,
}

/// Units of one SKU.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Units {
    /// The SKU.
    #[prost(string, tag = "1")]
    pub sku: String,
    /// How many.
    #[prost(int64, tag = "2")]
    pub quantity: i64,
}

/// The process.
pub struct ShipStock {
    store: Store,
    ask: Upstreams,
}

impl Definition for ShipStock {
    const KIND: &'static str = "ship_stock";
    type Input = Handover;
    type Undo = Infallible;
    type Outcome = ();

    async fn run(&self, saga: &mut Saga<Infallible>, call: &Call, handover: &Handover) -> Result<(), Stop> {
        let (saga_id, reservation) = saga.step("read", async { Ok(handover.read()?) }).await?;
        saga.step("ship", self.ship(call, reservation, handover)).await?;
        saga.step("settle", async { Ok(self.finish(call, saga_id, handover, Finished::Done).await?) }).await
    }

    fn undos(&self, _: &Handover) -> Vec<Infallible> {
        Vec::new()
    }

    async fn undo(&self, _: &Call, undo: Infallible) -> Result<(), Status> {
        match undo {}
    }

    async fn undone(&self, call: &Call, handover: &Handover, refusal: &Status) -> Result<(), Status> {
        let (saga_id, _) = handover.read()?;
        let reason = rpc::reason(refusal).unwrap_or_default();
        tracing::warn!(order_id = handover.order_id, reason, "goods left that inventory does not hold");
        Ok(self.finish(call, saga_id, handover, Finished::Undone).await?)
    }
}

impl FollowUp for Handover {
    type Process = ShipStock;

    fn saga_id(&self) -> Result<Uuid> {
        Ok(self.read()?.0)
    }
}

impl Handover {
    /// One process for each part that left since `before`, and holds something of stock.
    pub fn of_departed(before: &Order, order: &Order) -> Vec<Self> {
        let Some(reservation_id) = order.reservation_id else { return Vec::new() };
        let handover = |part: &Fulfilment| {
            let unit = |(sku, quantity): (Sku, i64)| Units { sku: sku.to_string(), quantity };
            let units: Vec<_> = order.stock_of(part).into_iter().map(unit).collect();
            let shipment = part.shipment_id.map(|id| id.to_string());
            let handover = Self {
                saga_id: Uuid::now_v7().to_string(),
                order_id: order.order_id.to_string(),
                reservation_id: reservation_id.to_string(),
                reference: shipment.unwrap_or_else(|| part.fulfilment_id.to_string()),
                units,
            };
            Some(handover).filter(|handover| !handover.units.is_empty())
        };
        order.departed_since(before).into_iter().filter_map(handover).collect()
    }

    /// The order, and the part or the parcel.
    fn left(&self) -> Option<(OrderId, Uuid)> {
        let parcel = self.reference.parse::<ShipmentId>().map(|id| id.uuid());
        let left = parcel.or_else(|_| self.reference.parse::<FulfilmentId>().map(|id| id.uuid()));
        Some((self.order_id.parse().ok()?, left.ok()?))
    }

    fn reference(&self) -> &str {
        if self.reference.is_empty() { &self.order_id } else { &self.reference }
    }

    fn units(&self) -> Vec<StockQuantity> {
        let unit = |units: &Units| StockQuantity { sku: units.sku.clone(), quantity: units.quantity };
        self.units.iter().map(unit).collect()
    }

    fn read(&self) -> Result<(Uuid, ReservationId)> {
        let read = || Some((self.saga_id.parse().ok()?, self.reservation_id.parse().ok()?));
        read().ok_or_else(|| store::Error::Corrupt("the input of a handover".to_owned()).into())
    }
}

impl ShipStock {
    /// The process over `store`, asking `ask`.
    pub fn new(store: Store, ask: Upstreams) -> Self {
        Self { store, ask }
    }

    /// What inventory has lost meanwhile cannot be taken out of stock; the rest has left all the same.
    async fn ship(&self, call: &Call, id: ReservationId, handover: &Handover) -> Result<(), Status> {
        let inventory = &self.ask.inventory;
        let answer = inventory.ship(call, id, handover.reference(), handover.units()).await;
        match answer {
            Err(status) if rpc::reason(&status).as_deref() == Some(OVER_SHIPMENT) => {
                let held = inventory.held_now(call, id).await?.units;
                let there = |unit: StockQuantity| {
                    let held = held.get(&unit.sku).copied().unwrap_or_default();
                    Some(StockQuantity { quantity: unit.quantity.min(held), ..unit })
                        .filter(|unit| unit.quantity > 0)
                };
                let units: Vec<_> = handover.units().into_iter().filter_map(there).collect();
                tracing::warn!(order_id = handover.order_id, "more left than inventory holds");
                if units.is_empty() {
                    Ok(())
                } else {
                    inventory.ship(call, id, handover.reference(), units).await
                }
            }
            answer => answer,
        }
    }

    /// The order said already that its units left; from now on inventory holds nothing of them.
    async fn finish(&self, call: &Call, saga_id: Uuid, handover: &Handover, outcome: Finished) -> Result<()> {
        self.store
            .transaction(call, async |tx: &mut Tx| {
                if saga::finish(tx, &[saga_id], outcome).await?.is_empty() {
                    return Ok(());
                }
                if let Some((order_id, part_or_parcel)) = handover.left() {
                    fulfilment_rows::note_posted(tx, order_id, part_or_parcel).await?;
                }
                Ok::<_, Error>(())
            })
            .await
    }
}
