//! Gives money back; never more than was captured.

use proto::payments::v1 as pb;
use rpc::{Call, Fields, TEXT_LENGTH_MAX};
use store::{Audit, Once, Tx};
use types::{Money, PaymentId};

use super::get_payment::find_visible;
use crate::error::{Error, Result};
use crate::model::payment::{Movement, Payment, Payout};
use crate::model::payment_rows::{self, Stored};
use crate::providers::Transfer;
use crate::{Payments, wire};

const METHOD: &str = "payments.refund_payment";

struct Claim {
    id: PaymentId,
    amount: Money,
    reason: String,
    key: String,
}

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::RefundPaymentRequest,
) -> Result<pb::Payment> {
    let claim = parse(&request)?;

    let known = find_visible(payments, call, claim.id).await?;
    let provider = payments.providers.of(known.terms.method);

    let (amount, key) = (claim.amount, claim.key.as_str());
    let payout = provider.refund(Transfer { terms: &known.terms, amount, idempotency_key: key }).await;
    let note = claim.reason.clone();
    let movement = Movement { amount, account: provider.account(), provider: provider.name(), note };

    let scope = known.terms.shop_id.to_string();
    let once = Once { scope: &scope, method: METHOD, key };
    let id = claim.id;
    let refunded =
        payments.store.once(call, once, &request, async |tx: &mut Tx| refund(tx, id, movement, payout).await);
    refunded.await
}

fn parse(request: &pb::RefundPaymentRequest) -> Result<Claim> {
    let mut fields = Fields::new();
    let id = fields.parse("payment_id", &request.payment_id);
    let amount = fields.money("amount", request.amount.as_ref());
    let positive = amount.is_none_or(|amount| amount.minor() > 0);
    fields.check(positive, "amount.amount", "OUT_OF_RANGE", "must be more than nothing");
    let reason = fields.text("reason", &request.reason, TEXT_LENGTH_MAX);
    let key = fields.idempotency_key(&request.idempotency_key);
    let claim = id.zip(amount).map(|(id, amount)| Claim { id, amount, reason, key });
    Ok(fields.finish_with(claim)?)
}

async fn refund(tx: &mut Tx, id: PaymentId, movement: Movement, payout: Payout) -> Result<pb::Payment> {
    let before = payment_rows::lock(tx, id).await?.and_then(Stored::payment).ok_or(Error::PaymentNotFound)?;

    let mut payment = before.clone();
    let postings = payment.refund(movement, payout, tx.now())?;

    payment_rows::save(tx, &payment, &before, &postings).await?;

    tell(tx, &before, &payment);
    Ok(wire::payment(&payment))
}

fn tell(tx: &mut Tx, before: &Payment, payment: &Payment) {
    let terms = &payment.terms;
    let audit = Audit::new(METHOD, terms.payment_id).shop(terms.shop_id.uuid()).change(
        "refunded",
        before.refunded.to_string(),
        payment.refunded.to_string(),
    );
    tx.audit(audit);
    let event = pb::PaymentRefunded { payment: Some(wire::payment(payment)) };
    events::append(tx, terms.payment_id, payment.version, Some(terms.shop_id), &event);
}
