//! Records money that came in by cash or by bank.

use proto::payments::v1 as pb;
use rpc::{Call, Fields};
use store::{Once, Tx};
use types::{Money, PaymentId};

use super::get_payment::find_visible;
use crate::error::Result;
use crate::model::payment::Movement;
use crate::{Payments, keeping, wire};

/// The longest name of a document.
const REFERENCE_LENGTH_MAX: usize = 200;

const METHOD: &str = "payments.record_payment";

struct Receipt {
    id: PaymentId,
    amount: Money,
    reference: String,
    key: String,
}

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::RecordPaymentRequest,
) -> Result<pb::Payment> {
    let receipt = parse(&request)?;

    let known = find_visible(payments, call, receipt.id).await?;

    let movement = Movement { amount: receipt.amount, note: receipt.reference.clone(), lines: Vec::new() };
    let scope = known.terms.shop_id.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &receipt.key };
    let id = receipt.id;
    let recorded =
        payments.store.once(call, once, &request, async |tx: &mut Tx| record(tx, id, movement).await);
    recorded.await
}

fn parse(request: &pb::RecordPaymentRequest) -> Result<Receipt> {
    let mut fields = Fields::new();
    let id = fields.parse("payment_id", &request.payment_id);
    let amount = fields.money("amount", request.amount.as_ref());
    let positive = amount.is_none_or(|amount| amount.minor() > 0);
    fields.check(positive, "amount.amount", "OUT_OF_RANGE", "must be more than nothing");
    let reference = fields.text("reference", &request.reference, REFERENCE_LENGTH_MAX);
    let key = fields.idempotency_key(&request.idempotency_key);
    let receipt = id.zip(amount).map(|(id, amount)| Receipt { id, amount, reference, key });
    Ok(fields.finish_with(receipt)?)
}

async fn record(tx: &mut Tx, id: PaymentId, movement: Movement) -> Result<pb::Payment> {
    let before = keeping::lock(tx, id).await?;

    let mut payment = before.clone();
    let change = payment.record(movement, tx.now())?;

    keeping::keep(tx, METHOD, &before, &payment, &change).await?;
    Ok(wire::payment(&payment))
}
