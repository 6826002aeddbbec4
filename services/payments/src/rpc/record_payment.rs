//! Records money that came in by cash or by bank.

use proto::payments::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Once, Tx};
use types::{Money, PaymentId};

use super::get_payment::find_visible;
use crate::error::{Error, Result};
use crate::model::payment::{Movement, Outcome, Payment};
use crate::model::payment_rows::{self, Stored};
use crate::providers::Transfer;
use crate::{Payments, wire};

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
    let provider = payments.providers.of(known.terms.method);
    if !provider.recorded_by_hand() {
        return Err(Error::RecordedByProvider { provider: provider.name() });
    }

    let (amount, key) = (receipt.amount, receipt.key.as_str());
    let outcome = provider.capture(Transfer { terms: &known.terms, amount, idempotency_key: key }).await;
    let note = receipt.reference.clone();
    let movement = Movement { amount, account: provider.account(), provider: provider.name(), note };

    let scope = known.terms.shop_id.to_string();
    let once = Once { scope: &scope, method: METHOD, key };
    let id = receipt.id;
    let recorded = payments
        .store
        .once(call, once, &request, async |tx: &mut Tx| record(tx, id, movement, outcome).await);
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

async fn record(tx: &mut Tx, id: PaymentId, movement: Movement, outcome: Outcome) -> Result<pb::Payment> {
    let before = payment_rows::lock(tx, id).await?.and_then(Stored::payment).ok_or(Error::PaymentNotFound)?;

    let mut payment = before.clone();
    let postings = payment.record(movement, outcome, tx.now())?;

    payment_rows::save(tx, &payment, &before, &postings).await?;

    tell(tx, &before, &payment);
    Ok(wire::payment(&payment))
}

fn tell(tx: &mut Tx, before: &Payment, payment: &Payment) {
    let terms = &payment.terms;
    let audit = Audit::new(METHOD, terms.payment_id)
        .shop(terms.shop_id.uuid())
        .change("captured", before.captured.to_string(), payment.captured.to_string())
        .change("state", before.state.as_str(), payment.state.as_str());
    tx.audit(audit);
    let event = pb::PaymentRecorded { payment: Some(wire::payment(payment)) };
    events::append(tx, terms.payment_id, payment.version, Some(terms.shop_id), &event);
}
