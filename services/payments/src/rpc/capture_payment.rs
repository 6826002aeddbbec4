//! Takes what is reserved on a card, once; the rest is released.
//!
//! What is wanted is stored first; should the provider's answer get lost, the job asks, and takes it under the same key.

use proto::payments::v1 as pb;
use rpc::{Call, Fields};
use store::Tx;
use types::{AttemptId, Money, PaymentId};

use super::confirm_payment::in_its_own_task;
use super::get_payment::find_visible;
use crate::error::{Error, Result};
use crate::model::attempt::Step;
use crate::model::payment::{Method, Payment};
use crate::model::receipt_line::ReceiptLine;
use crate::news::Turn;
use crate::providers::Trouble;
use crate::rpc::receipt_lines;
use crate::settlement;
use crate::{Payments, keeping, wire};

const METHOD: &str = "payments.capture_payment";

struct Wanted {
    id: PaymentId,
    amount: Option<Money>,
    lines: Vec<ReceiptLine>,
}

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::CapturePaymentRequest,
) -> Result<pb::Payment> {
    let wanted = parse(&request)?;
    let known = find_visible(payments, call, wanted.id).await?;
    if known.terms.method != Method::Card {
        return Err(Error::NotByCard);
    }

    let wanted = payments.store.transaction(call, async |tx: &mut Tx| want(tx, wanted).await).await?;
    let Some(attempt) = to_be_captured(&wanted) else { return Ok(wire::payment(&wanted)) };

    let heard = in_its_own_task(payments, call, move |payments, call| async move {
        settlement::settle_attempt(&payments, &call, attempt, Turn::Later).await
    });
    let heard = heard.await?;
    match heard.trouble {
        Some(Trouble::Refused { code }) => Err(Error::CaptureRefused { code }),
        Some(Trouble::NotDone { .. } | Trouble::Unknown { .. }) | None => Ok(wire::payment(&heard.payment)),
    }
}

fn parse(request: &pb::CapturePaymentRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let id = fields.parse("payment_id", &request.payment_id);
    let amount = fields.money_optional("amount", request.amount.as_ref());
    let positive = amount.is_none_or(|amount| amount.minor() > 0);
    fields.check(positive, "amount.amount", "OUT_OF_RANGE", "must be more than nothing");
    let lines = receipt_lines::parse(&mut fields, &request.receipt_lines, amount);
    Ok(fields.finish_with(id.map(|id| Wanted { id, amount, lines }))?)
}

async fn want(tx: &mut Tx, wanted: Wanted) -> Result<Payment> {
    let before = keeping::lock(tx, wanted.id).await?;

    let mut payment = before.clone();
    let change = payment.capture(wanted.amount, tx.now())?;
    if !change.is_empty() && !wanted.lines.is_empty() {
        payment.lines = wanted.lines;
    }

    keeping::keep(tx, METHOD, &before, &payment, &change).await?;
    Ok(payment)
}

fn to_be_captured(payment: &Payment) -> Option<AttemptId> {
    let live = payment.live_attempt()?;
    matches!(live.next_step(), Step::Capture(_)).then_some(live.id)
}
