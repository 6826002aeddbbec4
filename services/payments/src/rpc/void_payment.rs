//! Cancels an intent and gives back what it took; an unknown id is remembered, so that a late open is refused.
//!
//! Nobody outside is asked here: what a provider holds or may still take is released and given back by the jobs.

use diesel::ExpressionMethods;
use diesel_async::RunQueryDsl;
use proto::payments::v1 as pb;
use rpc::{Call, Fields, TEXT_LENGTH_MAX};
use store::{Audit, Tx};
use types::PaymentId;

use crate::error::{Error, Result};
use crate::model::payment_rows::{self, Stored};
use crate::schema::payments as rows;
use crate::{Payments, keeping, wire};

const METHOD: &str = "payments.void_payment";

/// Which payments are voided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Any: what came in is given back.
    Any,
    /// Only one that nobody has begun to pay.
    Untouched,
}

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::VoidPaymentRequest,
) -> Result<pb::Payment> {
    let mut fields = Fields::new();
    let id: Option<PaymentId> = fields.parse("payment_id", &request.payment_id);
    let reason = fields.text("reason", &request.reason, TEXT_LENGTH_MAX);
    let id = fields.finish_with(id)?;
    let scope = if request.only_untouched { Scope::Untouched } else { Scope::Any };

    let voided = payments.store.transaction(call, async |tx: &mut Tx| void(tx, id, &reason, scope).await);
    let voided = voided.await?;
    payments.nudge.notify_waiters();
    Ok(voided)
}

async fn void(tx: &mut Tx, id: PaymentId, reason: &str, scope: Scope) -> Result<pb::Payment> {
    if bury(tx, id, reason).await? {
        tx.audit(Audit::new(METHOD, id).set("state", "canceled").set("reason", reason));
        return Ok(wire::tombstone(id));
    }
    let before = match payment_rows::lock(tx, id).await? {
        Some(Stored::Payment(payment)) => *payment,
        Some(Stored::Tombstone) => return Ok(wire::tombstone(id)),
        None => return Err(Error::PaymentNotFound),
    };
    if before.is_voided() {
        return Ok(wire::payment(&before));
    }
    if scope == Scope::Untouched && before.is_touched() {
        return Err(Error::PaymentTouched { state: before.state.as_str() });
    }

    let mut payment = before.clone();
    let change = payment.void(reason, tx.now())?;

    keeping::keep(tx, METHOD, &before, &payment, &change).await?;
    diesel::update(rows::table)
        .filter(rows::payment_id.eq(id.uuid()))
        .set(rows::void_reason.eq(reason))
        .execute(tx.conn())
        .await?;
    Ok(wire::payment(&payment))
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
