//! Cancels an intent and gives back what it took; an unknown id is remembered, so that a late open is refused.

use diesel::ExpressionMethods;
use diesel_async::RunQueryDsl;
use proto::payments::v1 as pb;
use rpc::{Call, Fields, TEXT_LENGTH_MAX};
use store::{Audit, Tx};
use types::{Money, PaymentId};

use crate::error::{Error, Result};
use crate::model::payment::{Movement, Payment, Payout};
use crate::model::payment_rows::{self, Stored};
use crate::providers::Transfer;
use crate::schema::payments as rows;
use crate::{Payments, wire};

/// How often money may come in between asking the provider and locking the payment.
const TRIES_MAX: usize = 5;

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::VoidPaymentRequest,
) -> Result<pb::Payment> {
    let mut fields = Fields::new();
    let id: Option<PaymentId> = fields.parse("payment_id", &request.payment_id);
    let reason = fields.text("reason", &request.reason, TEXT_LENGTH_MAX);
    let id = fields.finish_with(id)?;

    for _ in 0..TRIES_MAX {
        let before = payment_rows::find(&mut *payments.store.connection().await?, id).await?;
        let payout = match before.and_then(Stored::payment) {
            Some(payment) => pay_out(payments, &payment).await?,
            None => None,
        };
        let voided =
            payments.store.transaction(call, async |tx: &mut Tx| void(tx, id, &reason, payout).await);
        if let Some(payment) = voided.await? {
            return Ok(payment);
        }
    }
    Err(Error::Contention)
}

/// Money to give back, where it lies, and when the buyer has it.
type Refundable = Option<(Movement, Payout)>;

async fn pay_out(payments: &Payments, payment: &Payment) -> Result<Refundable> {
    let amount = payment.refundable()?;
    if amount.is_zero() {
        return Ok(None);
    }
    let provider = payments.providers.of(payment.terms.method);
    let key = format!("void/{}/{}", payment.terms.payment_id, payment.version);
    let payout = provider.refund(Transfer { terms: &payment.terms, amount, idempotency_key: &key }).await;
    let (account, provider) = (provider.account(), provider.name());
    Ok(Some((Movement { amount, account, provider, note: String::new() }, payout)))
}

/// `None` when more or less is to be given back than the provider was asked for.
async fn void(tx: &mut Tx, id: PaymentId, reason: &str, refund: Refundable) -> Result<Option<pb::Payment>> {
    if bury(tx, id, reason).await? {
        tx.audit(Audit::new("payments.void_payment", id).set("state", "canceled").set("reason", reason));
        return Ok(Some(wire::tombstone(id)));
    }
    let mut payment = match payment_rows::lock(tx, id).await? {
        Some(Stored::Payment(payment)) => *payment,
        Some(Stored::Tombstone) => return Ok(Some(wire::tombstone(id))),
        None => return Err(Error::PaymentNotFound),
    };
    if payment.is_voided() {
        return Ok(Some(wire::payment(&payment)));
    }
    let asked = refund.as_ref().map_or(0, |(movement, _)| movement.amount.minor());
    if payment.refundable()?.minor() != asked {
        return Ok(None);
    }

    let original = payment.clone();
    if let Some((movement, payout)) = refund {
        let before = payment.clone();
        let now = tx.now();
        let postings = payment.refund(Movement { note: reason.to_owned(), ..movement }, payout, now)?;
        payment_rows::save(tx, &payment, &before, &postings).await?;
        tell_refund(tx, &payment);
    }
    let before = payment.clone();
    let postings = payment.void()?;
    payment_rows::save(tx, &payment, &before, &postings).await?;
    diesel::update(rows::table)
        .filter(rows::payment_id.eq(id.uuid()))
        .set(rows::void_reason.eq(reason))
        .execute(tx.conn())
        .await?;

    tell(tx, &original, &payment, reason);
    Ok(Some(wire::payment(&payment)))
}

/// Leaves a tombstone unless the id is known; waits for a concurrent open to be committed or rolled back.
async fn bury(tx: &mut Tx, id: PaymentId, reason: &str) -> Result<bool> {
    let now = tx.now();
    let inserted = diesel::insert_into(rows::table)
        .values((
            rows::payment_id.eq(id.uuid()),
            rows::state.eq("canceled"),
            rows::currency.eq(""),
            rows::amount.eq(0_i64),
            rows::void_reason.eq(reason),
            rows::create_time.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await?;
    Ok(inserted == 1)
}

fn tell_refund(tx: &mut Tx, payment: &Payment) {
    let event = pb::PaymentRefunded { payment: Some(wire::payment(payment)) };
    events::append(tx, payment.terms.payment_id, payment.version, Some(payment.terms.shop_id), &event);
}

fn tell(tx: &mut Tx, before: &Payment, payment: &Payment, reason: &str) {
    let terms = &payment.terms;
    let text = |money: Money| money.to_string();
    let audit = Audit::new("payments.void_payment", terms.payment_id)
        .shop(terms.shop_id.uuid())
        .change("state", before.state.as_str(), payment.state.as_str())
        .change("refunded", text(before.refunded), text(payment.refunded))
        .set("reason", reason);
    tx.audit(audit);
    let event = pb::PaymentVoided { payment: Some(wire::payment(payment)) };
    events::append(tx, terms.payment_id, payment.version, Some(terms.shop_id), &event);
}
