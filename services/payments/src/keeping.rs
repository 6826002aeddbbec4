//! Keeps what a decision changed: rows, books, events and the receipts that are due, in one transaction.

use store::{Audit, Tx};
use types::PaymentId;

use crate::error::{Error, Result};
use crate::model::account::{self, Purpose};
use crate::model::change::{Change, Told};
use crate::model::payment::Payment;
use crate::model::payment_rows::{self, Stored};
use crate::model::receipt::{self, Receipt};
use crate::wire;
use proto::payments::v1 as pb;

/// The payment, locked; a tombstone is none.
pub async fn lock(tx: &mut Tx, id: PaymentId) -> Result<Payment> {
    payment_rows::lock(tx, id).await?.and_then(Stored::payment).ok_or(Error::PaymentNotFound)
}

/// Saves and tells what changed between `before` and `payment`, as the history of `action`. Nothing changed: nothing
/// is written.
pub async fn keep(
    tx: &mut Tx,
    action: &'static str,
    before: &Payment,
    payment: &Payment,
    change: &Change,
) -> Result<()> {
    if payment == before {
        return Ok(());
    }
    payment_rows::save(tx, payment, before, &change.postings).await?;
    request_receipts(tx, payment, change).await?;
    if change.told.is_empty() {
        return Ok(());
    }

    tx.audit(history(action, before, payment));
    for (told, payment) in &change.told {
        tell(tx, *told, payment);
    }
    Ok(())
}

/// What changed, as history writes it.
pub fn history(action: &'static str, before: &Payment, payment: &Payment) -> Audit {
    let attempt = |payment: &Payment| payment.attempts.last().map(|attempt| attempt.outcome.as_str());
    Audit::new(action, payment.terms.payment_id)
        .shop(payment.terms.shop_id.uuid())
        .change("state", before.state.as_str(), payment.state.as_str())
        .change("amount", before.amount.to_string(), payment.amount.to_string())
        .change("authorized", before.authorized.to_string(), payment.authorized.to_string())
        .change("captured", before.captured.to_string(), payment.captured.to_string())
        .change("refunded", before.refunded.to_string(), payment.refunded.to_string())
        .change("attempts", before.attempts.len(), payment.attempts.len())
        .change("attempt", attempt(before), attempt(payment))
}

/// A shop with a registrar owes a receipt for all money that came in or went back.
async fn request_receipts(tx: &mut Tx, payment: &Payment, change: &Change) -> Result<()> {
    if change.receipts.is_empty() {
        return Ok(());
    }
    let (shop, currency) = (payment.terms.shop_id, payment.amount.currency());
    let registrars = account::choices(tx.conn(), shop, Purpose::Receipts, currency).await?;
    let Some(registrar) = registrars.first() else { return Ok(()) };
    for cause in &change.receipts {
        if let Some(receipt) = Receipt::of(payment, *cause, registrar.id, tx.now())? {
            receipt::insert(tx, &receipt).await?;
        }
    }
    Ok(())
}

fn tell(tx: &mut Tx, told: Told, payment: &Payment) {
    let (id, version, shop) = (payment.terms.payment_id, payment.version, Some(payment.terms.shop_id));
    let snapshot = Some(wire::snapshot(payment));
    match told {
        Told::Attempted => {
            events::append(tx, id, version, shop, &pb::PaymentAttempted { payment: snapshot });
        }
        Told::Authorized => {
            events::append(tx, id, version, shop, &pb::PaymentAuthorized { payment: snapshot });
        }
        Told::Failed => events::append(tx, id, version, shop, &pb::PaymentFailed { payment: snapshot }),
        Told::AmountChanged => {
            let changed_fields = vec!["amount".to_owned(), "amount_revision".to_owned()];
            let event = pb::PaymentAmountChanged { payment: snapshot, changed_fields };
            events::append(tx, id, version, shop, &event);
        }
        Told::Recorded => events::append(tx, id, version, shop, &pb::PaymentRecorded { payment: snapshot }),
        Told::RefundRequested => {
            events::append(tx, id, version, shop, &pb::PaymentRefundRequested { payment: snapshot });
        }
        Told::Refunded => events::append(tx, id, version, shop, &pb::PaymentRefunded { payment: snapshot }),
        Told::RefundFailed => {
            events::append(tx, id, version, shop, &pb::PaymentRefundFailed { payment: snapshot });
        }
        Told::Voided => events::append(tx, id, version, shop, &pb::PaymentVoided { payment: snapshot }),
    }
}
