//! Inventory's verbs on its tables, decided by its real model: what `services/inventory/src/{reserve,end,post}.rs` do around it.

use std::sync::Arc;

use chrono::TimeDelta;
use korob_inventory::model::{
    Cause, Condition, Delta, Ending, Kind, Occasion, Outcome, Owner, Reservation, ShortageChange, Stock,
    Wanted, cover_oldest,
};
use korob_orders::model::placement::Held;
use tonic::Status;
use types::{ReservationId, Sku, WarehouseId};

use crate::stock_tables::{StockEvent, StockTables, held};
use crate::world::World;

/// Holds units. A repeat answers what is held.
pub fn reserve(world: &World, wanted: &Wanted) -> Result<Held, Status> {
    let mut tables = world.stock.lock();
    if let Some(earlier) = tables.reservations.get(&wanted.reservation_id) {
        return Ok(held(&earlier.again(wanted)?));
    }
    let mut stock = Stock::of(tables.levels.clone());
    let warehouses = tables.warehouses.candidates(&wanted.terms.warehouse_ids)?;
    let mut reservation = Reservation::hold(wanted, &mut stock, &warehouses, &occasion(world))?;
    let changes = reservation.shortage_changes();
    tables.save(&stock);
    tables.tell(&reservation, changes);
    let answer = held(&reservation);
    tables.reservations.insert(reservation.id, reservation);
    Ok(answer)
}

/// Gives back what is held, to those who have waited longest first; an unknown id is buried.
pub fn release(world: &World, id: ReservationId) -> Result<(), Status> {
    let mut tables = world.stock.lock();
    let occasion = occasion(world);
    let mut known = tables.reservations.clone();
    let Some(reservation) = known.get_mut(&id) else {
        if !world.has("inventory.no_tombstone") {
            tables.reservations.insert(id, Reservation::tombstone(id, occasion.now));
        }
        return Ok(());
    };
    let mut stock = Stock::of(tables.levels.clone());
    if reservation.give_back(Ending::Release, "released", &mut stock, &occasion)? != Outcome::Ended {
        return Ok(());
    }
    let changes = reservation.shortage_changes();
    tables.tell(reservation, changes);
    let served = cover_oldest(&mut known, &mut stock, &tables.warehouses, &occasion)?;
    for one in served {
        if let Some(reservation) = known.get_mut(&one) {
            let changes = reservation.shortage_changes();
            tables.tell(reservation, changes);
        }
    }
    tables.save(&stock);
    tables.reservations = known;
    Ok(())
}

/// Goods come, and those get them who have waited longest.
pub fn receive(world: &World, sku: &Sku, warehouse_id: WarehouseId, units: i64) -> Result<(), Status> {
    let mut tables = world.stock.lock();
    let occasion = occasion(world);
    let mut stock = Stock::of(tables.levels.clone());
    let cause = Arc::new(Cause {
        kind: Kind::Receipt,
        reference: String::new(),
        note: String::new(),
        actor: occasion.actor.clone(),
        shop_id: None,
        document_id: None,
    });
    stock.post(sku, warehouse_id, Condition::Sellable, Delta::on_hand(units), &cause)?;
    let mut known = tables.reservations.clone();
    for one in cover_oldest(&mut known, &mut stock, &tables.warehouses, &occasion)? {
        if let Some(reservation) = known.get_mut(&one) {
            let changes = reservation.shortage_changes();
            tables.tell(reservation, changes);
        }
    }
    tables.save(&stock);
    tables.reservations = known;
    Ok(())
}

fn occasion(world: &World) -> Occasion {
    let now = world.now();
    Occasion { actor: "orders".to_owned(), now, due_time: now + TimeDelta::days(1) }
}

impl StockTables {
    fn save(&mut self, stock: &Stock) {
        self.levels = stock.levels().cloned().collect();
        self.ledger.extend(stock.postings().iter().cloned());
    }

    fn tell(&mut self, reservation: &Reservation, changes: Vec<ShortageChange>) {
        let order_id = reservation.holder.as_ref().and_then(|holder| match &holder.owner {
            Owner::Order(order_id) => Some(*order_id),
            Owner::Cart(_) => None,
        });
        let events =
            changes.into_iter().map(|shortage| StockEvent { shortage, order_id, held: held(reservation) });
        self.log.extend(events);
    }
}
