//! Receives the goods of a return: they are posted to stock as they were found, and only then they came back.

use proto::orders::v1 as pb;
use rpc::{Call, Fields};
use store::Tx;
use types::{Quantity, ReturnId, WarehouseId};

use crate::error::{Error, Result};
use crate::model::return_state::{ReturnMover, ReturnState};
use crate::model::returns::{Found, Return};
use crate::rpc::keyed::{self, Begun};
use crate::rpc::return_desk::{check, load, visible};
use crate::sagas::keyed::Key;
use crate::sagas::receive_return::{METHOD, Receipt};
use crate::{Orders, wire};

/// Three dispositions of at most 1,000 lines.
const ENTRIES_MAX: usize = 3000;
const NOTE_LENGTH_MAX: usize = 1000;

pub(super) async fn handle(
    orders: &Orders,
    call: &Call,
    request: pb::ReceiveReturnRequest,
) -> Result<pb::Return> {
    let wanted = Wanted::parse(&request)?;

    let shop_id = load(orders, call, wanted.return_id).await?.shop_id;
    let key = Key { scope: shop_id.to_string(), key: wanted.key.clone() };
    let begun = orders.store.transaction(call, async |tx: &mut Tx| -> Result<Begun<Receipt>> {
        let mut one = visible(call, Return::lock(tx, wanted.return_id).await?)?;
        if let Some(begun) = keyed::claim(tx, key.once(METHOD), &request, one.working).await? {
            return Ok(begun);
        }

        check(&one, Some(&request.etag))?;
        one.state.check(ReturnState::Received, ReturnMover::Receipt).map_err(Error::ReturnForbidden)?;
        one.check_found(&wanted.found)?;

        one.pending.clone_from(&wanted.found);
        let (saga_id, input) = Receipt::record(tx, &mut one, wanted.warehouse_id, key.clone()).await?;
        Ok(Begun::Now(saga_id, input))
    });
    keyed::conclude(&orders.receipts, call, begun.await?, orders.patience(call)).await
}

struct Wanted {
    return_id: ReturnId,
    warehouse_id: WarehouseId,
    /// Positions of lines, and what was found of them.
    found: Vec<(i32, Found)>,
    key: String,
}

impl Wanted {
    fn parse(request: &pb::ReceiveReturnRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let return_id = fields.parse("return_id", &request.return_id);
        let warehouse_id = fields.parse("warehouse_id", &request.warehouse_id);
        let found = found(&mut fields, &request.lines);
        let key = fields.idempotency_key(&request.idempotency_key);
        let wanted = return_id.zip(warehouse_id);
        let wanted = wanted.map(|(return_id, warehouse_id)| Self { return_id, warehouse_id, found, key });
        Ok(fields.finish_with(wanted)?)
    }
}

fn found(fields: &mut Fields, lines: &[pb::ReceivedUnits]) -> Vec<(i32, Found)> {
    fields.list_length("lines", lines.len(), ENTRIES_MAX);
    let mut read: Vec<(i32, Found)> = Vec::new();
    for (at, line) in lines.iter().take(ENTRIES_MAX).enumerate() {
        let path = |name: &str| format!("lines[{at}].{name}");
        let quantity: Option<Quantity> = fields.convert(&path("quantity"), line.quantity);
        let disposition = wire::returns::read_disposition(line.disposition());
        if disposition.is_none() {
            fields.refuse(path("disposition"), "REQUIRED", "sellable, quarantine or write-off");
        }
        let note = fields.text(&path("note"), &line.note, NOTE_LENGTH_MAX);
        fields.check(line.position >= 0, &path("position"), "OUT_OF_RANGE", "0 for the first line");
        let Some((quantity, disposition)) = quantity.zip(disposition) else { continue };
        let known = read.iter().any(|(at, one)| (*at, one.disposition) == (line.position, disposition));
        fields.check(!known, &path("disposition"), "DUPLICATE", "a line is named once per disposition");
        read.push((line.position, Found { quantity: quantity.get(), disposition, note }));
    }
    read
}
