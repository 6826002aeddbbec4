//! Stock as the contract writes it.

use proto::inventory::v1 as pb;
use rpc::wire::time;

use crate::model::{Condition, Kind, LedgerEntry, Line, Reservation, Shortage, State, StockLevel, Warehouse};

/// A place where goods lie.
pub fn warehouse(warehouse: &Warehouse) -> pb::Warehouse {
    pb::Warehouse {
        warehouse_id: warehouse.id.to_string(),
        name: warehouse.name.clone(),
        archived: warehouse.archived,
        create_time: Some(time(warehouse.create_time)),
    }
}

/// How many units there are.
pub fn stock_level(level: &StockLevel) -> pb::StockLevel {
    pb::StockLevel {
        sku: level.sku.to_string(),
        warehouse_id: level.warehouse_id.to_string(),
        condition: condition(level.condition).into(),
        on_hand: level.on_hand,
        reserved: level.reserved,
        available: level.available(),
        version: level.version,
        update_time: Some(time(level.update_time)),
    }
}

/// A row of the ledger.
pub fn ledger_entry(entry: &LedgerEntry) -> pb::LedgerEntry {
    let (posting, cause) = (&entry.posting, &entry.posting.cause);
    pb::LedgerEntry {
        sequence: entry.sequence,
        sku: posting.sku.to_string(),
        warehouse_id: posting.warehouse_id.to_string(),
        condition: condition(posting.condition).into(),
        kind: posting_kind(cause.kind).into(),
        on_hand_delta: posting.delta.on_hand,
        reserved_delta: posting.delta.reserved,
        reference: cause.reference.clone(),
        note: cause.note.clone(),
        actor: cause.actor.clone(),
        post_time: Some(time(entry.post_time)),
    }
}

/// Units held for one owner; a tombstone has neither owner nor shop.
pub fn reservation(reservation: &Reservation) -> pb::Reservation {
    let holder = reservation.holder.as_ref();
    pb::Reservation {
        reservation_id: reservation.id.to_string(),
        owner: holder.map(|holder| holder.owner.to_string()).unwrap_or_default(),
        shop_id: holder.map(|holder| holder.shop_id.to_string()).unwrap_or_default(),
        state: state(reservation.state).into(),
        lines: reservation.lines.iter().map(line).collect(),
        shortages: reservation.shortages.iter().map(shortage).collect(),
        expire_time: reservation.expire_time.map(time),
        create_time: Some(time(reservation.create_time)),
    }
}

/// Why a row was written.
pub fn posting_kind(kind: Kind) -> pb::PostingKind {
    match kind {
        Kind::Receipt => pb::PostingKind::Receipt,
        Kind::Adjustment => pb::PostingKind::Adjustment,
        Kind::Reserve => pb::PostingKind::Reserve,
        Kind::Release => pb::PostingKind::Release,
        Kind::Shipment => pb::PostingKind::Shipment,
        Kind::Shortage => pb::PostingKind::Shortage,
    }
}

fn line(line: &Line) -> pb::ReservationLine {
    pb::ReservationLine {
        sku: line.sku.to_string(),
        warehouse_id: line.warehouse_id.to_string(),
        quantity: line.quantity,
    }
}

fn shortage(shortage: &Shortage) -> pb::Shortage {
    pb::Shortage { sku: shortage.sku.to_string(), wanted: shortage.wanted, available: shortage.available }
}

fn condition(condition: Condition) -> pb::Condition {
    match condition {
        Condition::Sellable => pb::Condition::Sellable,
        Condition::Quarantine => pb::Condition::Quarantine,
        Condition::Damaged => pb::Condition::Damaged,
    }
}

fn state(state: State) -> pb::ReservationState {
    match state {
        State::Held => pb::ReservationState::Held,
        State::Shipped => pb::ReservationState::Shipped,
        State::Released => pb::ReservationState::Released,
        State::Expired => pb::ReservationState::Expired,
    }
}
