//! Sends free units to another warehouse.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::{Sku, TransferId, WarehouseId};

use crate::error::Result;
use crate::model::{
    Condition, Document, DocumentKind, Journey, Provenance, Stock, Transfer, TransferState, Warehouse,
};
use crate::post::{self, places};
use crate::rpc::parse;
use crate::{Inventory, wire};

/// The transfer, whose goods are on their way.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::DispatchTransferRequest,
) -> Result<pb::Transfer> {
    let New { from, to, units, reference, note, expect_time } = New::parse(&request)?;

    let once = Once { scope: "org", method: "inventory.dispatch_transfer", key: &request.idempotency_key };
    let dispatch = async |tx: &mut Tx| {
        Warehouse::require(tx.conn(), from).await?;
        Warehouse::require(tx.conn(), to).await?;
        let mut touched = places(units.keys(), from, Condition::Sellable);
        touched.extend(places(units.keys(), to, Condition::InTransit));
        let stock = Stock::open(tx, &touched).await?;

        let occasion = inventory.occasion(call.caller.who(), tx.now());
        let lines =
            units.into_iter().map(|(sku, dispatched)| (sku, Journey { dispatched, ..Journey::default() }));
        let transfer = Transfer {
            id: TransferId::new(),
            from,
            to,
            state: TransferState::Dispatched,
            lines: lines.collect(),
            reference,
            author: call.caller.who(),
            create_time: tx.now(),
            expect_time,
            end_time: None,
            version: 1,
        };
        let movements = transfer.dispatch(&stock)?;
        let document = Document {
            reference: transfer.id.to_string(),
            note,
            transfer_id: Some(transfer.id),
            ..Document::new(DocumentKind::Transfer, call.caller.who(), tx.now())
        };

        transfer.insert(tx).await?;
        let action = "inventory.dispatch_transfer";
        post::post(tx, action, stock, document, &movements, &Provenance::Moved, &occasion).await?;

        let transfer_id = transfer.id;
        let transfer = wire::transfer(&transfer);
        let event = pb::TransferDispatched { transfer: Some(transfer.clone()) };
        events::append(tx, transfer_id, 1, None, &event);
        Ok(transfer)
    };
    inventory.store.once(call, once, &request, dispatch).await
}

struct New {
    from: WarehouseId,
    to: WarehouseId,
    units: BTreeMap<Sku, i64>,
    reference: String,
    note: String,
    expect_time: Option<DateTime<Utc>>,
}

impl New {
    fn parse(request: &pb::DispatchTransferRequest) -> Result<Self> {
        let mut fields = Fields::new();
        fields.idempotency_key(&request.idempotency_key);
        let from = fields.parse("from_warehouse_id", &request.from_warehouse_id);
        let to = fields.parse("to_warehouse_id", &request.to_warehouse_id);
        let goes_elsewhere = from.is_none() || from != to;
        fields.check(goes_elsewhere, "to_warehouse_id", "UNCHANGED", "another warehouse");
        let units = parse::units(&mut fields, &request.lines, parse::POSTING_LINES_MAX);
        let reference = fields.text("reference", &request.reference, parse::REFERENCE_LENGTH_MAX);
        let note = fields.text("note", &request.note, parse::NOTE_LENGTH_MAX);
        let expect_time = fields.time_optional("expect_time", request.expect_time);
        let (from, to) = fields.finish_with(from.zip(to))?;
        Ok(Self { from, to, units, reference, note, expect_time })
    }
}
