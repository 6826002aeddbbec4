//! Stock as the contract writes it.

use proto::inventory::v1 as pb;
use rpc::wire::{money, time};

use types::{Money, StockDocumentId, WarehouseId};

use crate::model::{
    Condition, CostLayer, Document, DocumentKind, Journey, Kind, LedgerEntry, Line, Movement, Part, Proposal,
    Reservation, Shortage, ShortageState, State, StockLevel, Transfer, TransferState, Warehouse,
    WriteOffReason,
};

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

/// A row of the ledger, and what its units cost.
pub fn ledger_entry(entry: &LedgerEntry, costs: &[Part]) -> pb::LedgerEntry {
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
        document_id: cause.document_id.map(String::from).unwrap_or_default(),
        costs: unit_costs(costs),
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
        shortages: reservation.open_shortages().map(|one| shortage(one, reservation)).collect(),
        expire_time: reservation.expire_time.map(time),
        create_time: Some(time(reservation.create_time)),
        revision: reservation.revision,
        shipped_lines: reservation.shipped_lines().iter().map(line).collect(),
        author: reservation.author.clone(),
        version: reservation.version,
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
        Kind::WriteOff => pb::PostingKind::WriteOff,
        Kind::Return => pb::PostingKind::Return,
        Kind::Transfer => pb::PostingKind::Transfer,
        Kind::ConditionChange => pb::PostingKind::ConditionChange,
        Kind::Reversal => pb::PostingKind::Reversal,
    }
}

/// Units in a warehouse.
pub fn line(line: &Line) -> pb::ReservationLine {
    pb::ReservationLine {
        sku: line.sku.to_string(),
        warehouse_id: line.warehouse_id.to_string(),
        quantity: line.quantity,
    }
}

/// A shortage of `reservation`.
pub fn shortage(shortage: &Shortage, reservation: &Reservation) -> pb::Shortage {
    let available = reservation.held(&shortage.sku);
    let holder = reservation.holder.as_ref();
    pb::Shortage {
        sku: shortage.sku.to_string(),
        wanted: available + shortage.missing,
        available,
        shortage_id: shortage.id.to_string(),
        reservation_id: reservation.id.to_string(),
        owner: holder.map(|holder| holder.owner.to_string()).unwrap_or_default(),
        shop_id: holder.map(|holder| holder.shop_id.to_string()).unwrap_or_default(),
        missing: shortage.missing,
        state: shortage_state(shortage.state).into(),
        assignee: shortage.assignee.clone(),
        due_time: Some(time(shortage.due_time)),
        proposals: Vec::new(),
        create_time: Some(time(shortage.create_time)),
        end_time: shortage.end_time.map(time),
    }
}

/// A shortage with what can be done about it.
pub fn shortage_with(one: &Shortage, reservation: &Reservation, proposals: &[Proposal]) -> pb::Shortage {
    pb::Shortage { proposals: proposals.iter().map(proposal).collect(), ..shortage(one, reservation) }
}

fn proposal(proposal: &Proposal) -> pb::ShortageProposal {
    use pb::ShortageProposalKind as Pb;
    match proposal {
        Proposal::OtherWarehouse { warehouse_id, quantity } => pb::ShortageProposal {
            kind: Pb::OtherWarehouse.into(),
            warehouse_id: warehouse_id.to_string(),
            quantity: *quantity,
            ..Default::default()
        },
        Proposal::Transfer { from, to, quantity } => pb::ShortageProposal {
            kind: Pb::Transfer.into(),
            warehouse_id: from.to_string(),
            to_warehouse_id: to.to_string(),
            quantity: *quantity,
            ..Default::default()
        },
        Proposal::Partial { quantity } => {
            pb::ShortageProposal { kind: Pb::Partial.into(), quantity: *quantity, ..Default::default() }
        }
        Proposal::Supplier { order, quantity } => pb::ShortageProposal {
            kind: Pb::Supplier.into(),
            quantity: *quantity,
            supplier_order: order.clone(),
            ..Default::default()
        },
        Proposal::Wait(None) => pb::ShortageProposal { kind: Pb::Wait.into(), ..Default::default() },
        Proposal::Wait(Some(under_way)) => pb::ShortageProposal {
            kind: Pb::Wait.into(),
            warehouse_id: under_way.from.to_string(),
            to_warehouse_id: under_way.to.to_string(),
            quantity: under_way.quantity,
            transfer_id: under_way.transfer_id.to_string(),
            expect_time: under_way.expect_time.map(time),
            ..Default::default()
        },
    }
}

/// A document without its lines.
pub fn document(document: &Document, reversed_by: Option<StockDocumentId>) -> pb::StockDocument {
    pb::StockDocument {
        document_id: document.id.to_string(),
        kind: document_kind(document.kind).into(),
        number: document.number,
        reason: document.reason.map(write_off_reason).unwrap_or_default().into(),
        reference: document.reference.clone(),
        note: document.note.clone(),
        author: document.author.clone(),
        post_time: Some(time(document.post_time)),
        shop_id: document.shop_id.map(String::from).unwrap_or_default(),
        reversed_by: reversed_by.map(String::from).unwrap_or_default(),
        reverses: document.reverses.map(String::from).unwrap_or_default(),
        lines: Vec::new(),
    }
}

/// One change of what is on hand, without what it cost.
pub fn document_line(movement: &Movement, supplier_order: String) -> pb::StockDocumentLine {
    pb::StockDocumentLine {
        sku: movement.sku.to_string(),
        warehouse_id: movement.warehouse_id.to_string(),
        condition: condition(movement.condition).into(),
        on_hand_delta: movement.units,
        costs: Vec::new(),
        supplier_order,
    }
}

/// What units cost, as far as somebody knows.
pub fn unit_costs(parts: &[Part]) -> Vec<pb::UnitCost> {
    let cost = |part: &Part| {
        let unit_cost = part.layer.unit_cost?;
        let amount = unit_cost.scaled(part.units, 1).ok()?;
        let (unit_cost, amount) = (Some(money(unit_cost)), Some(money(amount)));
        Some(pb::UnitCost { quantity: part.units, unit_cost, amount })
    };
    parts.iter().filter_map(cost).collect()
}

/// A layer and where the rest of it is.
pub fn cost_layer(layer: &CostLayer, places: &[(WarehouseId, Condition, i64)]) -> pb::CostLayer {
    let place =
        |(warehouse_id, in_condition, remaining): &(WarehouseId, Condition, i64)| pb::CostLayerPlace {
            warehouse_id: warehouse_id.to_string(),
            condition: condition(*in_condition).into(),
            remaining: *remaining,
        };
    pb::CostLayer {
        layer_id: layer.id.to_string(),
        sku: layer.sku.to_string(),
        unit_cost: layer.unit_cost.map(money),
        received: layer.received,
        remaining: places.iter().map(|(_, _, remaining)| remaining).sum(),
        supplier_order: layer.supplier_order.clone(),
        document_id: layer.document_id.map(String::from).unwrap_or_default(),
        receive_time: Some(time(layer.receive_time)),
        places: places.iter().map(place).collect(),
    }
}

/// What the units of a level cost; `valued` of them have a known cost.
pub fn valuation(level: &StockLevel, valued: i64, amounts: &[Money]) -> pb::StockValuation {
    pb::StockValuation {
        sku: level.sku.to_string(),
        warehouse_id: level.warehouse_id.to_string(),
        condition: condition(level.condition).into(),
        on_hand: level.on_hand,
        valued,
        amounts: amounts.iter().copied().map(money).collect(),
    }
}

/// Goods on their way.
pub fn transfer(transfer: &Transfer) -> pb::Transfer {
    let line = |(sku, journey): (&types::Sku, &Journey)| pb::TransferLine {
        sku: sku.to_string(),
        dispatched: journey.dispatched,
        received: journey.received,
        lost: journey.lost,
        returned: journey.returned,
        in_transit: journey.in_transit(),
    };
    pb::Transfer {
        transfer_id: transfer.id.to_string(),
        from_warehouse_id: transfer.from.to_string(),
        to_warehouse_id: transfer.to.to_string(),
        state: transfer_state(transfer.state).into(),
        lines: transfer.lines.iter().map(line).collect(),
        reference: transfer.reference.clone(),
        author: transfer.author.clone(),
        create_time: Some(time(transfer.create_time)),
        end_time: transfer.end_time.map(time),
        version: transfer.version,
        expect_time: transfer.expect_time.map(time),
    }
}

/// Why the rows of a document were written.
pub fn document_posting_kind(kind: DocumentKind) -> pb::PostingKind {
    match kind {
        DocumentKind::Receipt => pb::PostingKind::Receipt,
        DocumentKind::Adjustment => pb::PostingKind::Adjustment,
        DocumentKind::Shipment => pb::PostingKind::Shipment,
        DocumentKind::WriteOff => pb::PostingKind::WriteOff,
        DocumentKind::Return => pb::PostingKind::Return,
        DocumentKind::Transfer => pb::PostingKind::Transfer,
        DocumentKind::ConditionChange => pb::PostingKind::ConditionChange,
        DocumentKind::Reversal => pb::PostingKind::Reversal,
    }
}

fn document_kind(kind: DocumentKind) -> pb::StockDocumentKind {
    match kind {
        DocumentKind::Receipt => pb::StockDocumentKind::Receipt,
        DocumentKind::Adjustment => pb::StockDocumentKind::Adjustment,
        DocumentKind::Shipment => pb::StockDocumentKind::Shipment,
        DocumentKind::WriteOff => pb::StockDocumentKind::WriteOff,
        DocumentKind::Return => pb::StockDocumentKind::Return,
        DocumentKind::Transfer => pb::StockDocumentKind::Transfer,
        DocumentKind::ConditionChange => pb::StockDocumentKind::ConditionChange,
        DocumentKind::Reversal => pb::StockDocumentKind::Reversal,
    }
}

fn write_off_reason(reason: WriteOffReason) -> pb::WriteOffReason {
    match reason {
        WriteOffReason::Damaged => pb::WriteOffReason::Damaged,
        WriteOffReason::Expired => pb::WriteOffReason::Expired,
        WriteOffReason::Lost => pb::WriteOffReason::Lost,
        WriteOffReason::Stolen => pb::WriteOffReason::Stolen,
        WriteOffReason::Defective => pb::WriteOffReason::Defective,
        WriteOffReason::OwnUse => pb::WriteOffReason::OwnUse,
        WriteOffReason::LostInTransit => pb::WriteOffReason::LostInTransit,
        WriteOffReason::ReturnedUnfit => pb::WriteOffReason::ReturnedUnfit,
        WriteOffReason::Other => pb::WriteOffReason::Other,
    }
}

fn transfer_state(state: TransferState) -> pb::TransferState {
    match state {
        TransferState::Dispatched => pb::TransferState::Dispatched,
        TransferState::Received => pb::TransferState::Received,
        TransferState::Cancelled => pb::TransferState::Cancelled,
    }
}

fn shortage_state(state: ShortageState) -> pb::ShortageState {
    match state {
        ShortageState::Open => pb::ShortageState::Open,
        ShortageState::Covered => pb::ShortageState::Covered,
        ShortageState::Closed => pb::ShortageState::Closed,
    }
}

fn condition(condition: Condition) -> pb::Condition {
    match condition {
        Condition::Sellable => pb::Condition::Sellable,
        Condition::Quarantine => pb::Condition::Quarantine,
        Condition::Damaged => pb::Condition::Damaged,
        Condition::InTransit => pb::Condition::InTransit,
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
