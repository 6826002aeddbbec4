//! Has a receipt sent again that the registrar refused.

use proto::payments::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Tx};
use types::ReceiptId;

use crate::error::{Error, Result};
use crate::model::receipt::{self, ReceiptState};
use crate::{Payments, wire};

const METHOD: &str = "payments.retry_receipt";

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::RetryReceiptRequest,
) -> Result<pb::Receipt> {
    let mut fields = Fields::new();
    let id: Option<ReceiptId> = fields.parse("receipt_id", &request.receipt_id);
    let id = fields.finish_with(id)?;

    let retried = payments.store.transaction(call, async |tx: &mut Tx| {
        let found = receipt::lock(tx, id).await?;
        let found = found.filter(|receipt| call.caller.shops.allow(receipt.shop));
        let mut receipt = found.ok_or(Error::ReceiptNotFound)?;

        if receipt.state == ReceiptState::Queued {
            return Ok(wire::receipt(&receipt)); // A repeat: it waits already.
        }
        let before = receipt.state;
        receipt.retry(tx.now())?;

        receipt::save(tx, &receipt).await?;

        let audit = Audit::new(METHOD, id).shop(receipt.shop.uuid());
        tx.audit(audit.change("state", before.as_str(), receipt.state.as_str()));
        Ok::<_, Error>(wire::receipt(&receipt))
    });
    let retried = retried.await?;
    payments.nudge.notify_waiters();
    Ok(retried)
}
