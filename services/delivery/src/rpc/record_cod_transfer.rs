//! Notes that the shop received cash that a carrier collected.

use chrono::{DateTime, Utc};
use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Once, Tx};
use types::{Money, ShipmentId};

use super::get_shipment::find_visible;
use crate::error::{Error, Result};
use crate::model::shipment_rows;
use crate::{Delivery, following, incidents, wire};

const METHOD: &str = "delivery.record_cod_transfer";
const DOCUMENT_LENGTH_MAX: usize = 200;

struct Transfer {
    id: ShipmentId,
    amount: Money,
    occur_time: Option<DateTime<Utc>>,
    document: String,
    key: String,
}

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::RecordCodTransferRequest,
) -> Result<pb::Shipment> {
    let transfer = parse(&request)?;

    let known = find_visible(delivery, call, transfer.id).await?;

    let scope = known.shop_id.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &transfer.key };
    delivery.store.once(call, once, &request, async |tx: &mut Tx| record(tx, &transfer).await).await
}

fn parse(request: &pb::RecordCodTransferRequest) -> Result<Transfer> {
    let mut fields = Fields::new();
    let id = fields.parse("shipment_id", &request.shipment_id);
    let key = fields.idempotency_key(&request.idempotency_key);
    let amount = fields.money("amount", request.amount.as_ref());
    let something = amount.is_none_or(|amount| amount.minor() > 0);
    fields.check(something, "amount.amount", "OUT_OF_RANGE", "must be more than nothing");
    let occur_time = fields.time_optional("occur_time", request.occur_time);
    let document = fields.text("document", &request.document, DOCUMENT_LENGTH_MAX);
    let transfer = id.zip(amount).map(|(id, amount)| Transfer { id, amount, occur_time, document, key });
    Ok(fields.finish_with(transfer)?)
}

async fn record(tx: &mut Tx, transfer: &Transfer) -> Result<pb::Shipment> {
    let mut parcel = shipment_rows::lock(tx, transfer.id).await?.ok_or(Error::ShipmentNotFound)?;
    let cash = parcel.cash.ok_or(Error::NoCashOnDelivery)?;

    let had = cash.received.unwrap_or(Money::zero(cash.expected.currency()));
    let sum =
        had.checked_add(transfer.amount).map_err(|_| Error::CashMismatch { expected: cash.expected })?;
    if sum.minor() > cash.expected.minor() {
        return Err(Error::CashMismatch { expected: cash.expected });
    }

    let when = transfer.occur_time.unwrap_or(tx.now());
    following::receive(tx, &mut parcel, sum, when, &transfer.document).await?;
    incidents::close_those_over(tx, &mut parcel).await?;
    shipment_rows::update(tx, &parcel).await?;

    let audit = Audit::new(METHOD, parcel.id)
        .shop(parcel.shop_id.uuid())
        .change("cash_received", had.to_string(), sum.to_string())
        .set("document", &transfer.document);
    tx.audit(audit);
    Ok(wire::shipment(&parcel))
}
