//! Gives money back; never more than was captured. What went through a provider is sent to it after the answer.

use proto::payments::v1 as pb;
use rpc::{Call, Fields, TEXT_LENGTH_MAX};
use store::{Once, Tx};
use types::{Money, PaymentId};

use super::get_payment::find_visible;
use crate::error::Result;
use crate::model::payment::Movement;
use crate::model::receipt_line::ReceiptLine;
use crate::rpc::receipt_lines;
use crate::{Payments, keeping, wire};

const METHOD: &str = "payments.refund_payment";

struct Claim {
    id: PaymentId,
    amount: Money,
    reason: String,
    lines: Vec<ReceiptLine>,
    key: String,
}

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::RefundPaymentRequest,
) -> Result<pb::Payment> {
    let claim = parse(&request)?;

    let known = find_visible(payments, call, claim.id).await?;

    let movement = Movement { amount: claim.amount, note: claim.reason, lines: claim.lines };
    let scope = known.terms.shop_id.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &claim.key };
    let id = claim.id;
    let refunded =
        payments.store.once(call, once, &request, async |tx: &mut Tx| refund(tx, id, movement).await).await?;
    payments.nudge.notify_waiters();
    Ok(refunded)
}

fn parse(request: &pb::RefundPaymentRequest) -> Result<Claim> {
    let mut fields = Fields::new();
    let id = fields.parse("payment_id", &request.payment_id);
    let amount = fields.money("amount", request.amount.as_ref());
    let positive = amount.is_none_or(|amount| amount.minor() > 0);
    fields.check(positive, "amount.amount", "OUT_OF_RANGE", "must be more than nothing");
    let reason = fields.text("reason", &request.reason, TEXT_LENGTH_MAX);
    let lines = receipt_lines::parse(&mut fields, &request.receipt_lines, amount);
    let key = fields.idempotency_key(&request.idempotency_key);
    let claim = id.zip(amount).map(|(id, amount)| Claim { id, amount, reason, lines, key });
    Ok(fields.finish_with(claim)?)
}

async fn refund(tx: &mut Tx, id: PaymentId, movement: Movement) -> Result<pb::Payment> {
    let before = keeping::lock(tx, id).await?;

    let mut payment = before.clone();
    let change = payment.refund(movement, tx.now())?;

    keeping::keep(tx, METHOD, &before, &payment, &change).await?;
    Ok(wire::payment(&payment))
}
