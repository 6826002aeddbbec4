//! Changes what is to be paid, before it is captured.

use proto::payments::v1 as pb;
use rpc::{Call, Fields};
use store::Tx;
use types::{Money, PaymentId};

use crate::error::Result;
use crate::model::receipt_line::ReceiptLine;
use crate::rpc::receipt_lines;
use crate::{Payments, keeping, wire};

const METHOD: &str = "payments.change_payment_amount";

struct Wanted {
    id: PaymentId,
    revision: i32,
    amount: Money,
    lines: Vec<ReceiptLine>,
}

pub async fn handle(
    payments: &Payments,
    call: &Call,
    request: pb::ChangePaymentAmountRequest,
) -> Result<pb::Payment> {
    let wanted = parse(&request)?;

    let changed = payments.store.transaction(call, async |tx: &mut Tx| change(tx, wanted).await).await?;
    payments.nudge.notify_waiters();
    Ok(changed)
}

fn parse(request: &pb::ChangePaymentAmountRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let id = fields.parse("payment_id", &request.payment_id);
    fields.check(request.revision > 0, "revision", "OUT_OF_RANGE", "1 or more");
    let amount = fields.money("amount", request.amount.as_ref());
    let negative = amount.is_some_and(Money::is_negative);
    fields.check(!negative, "amount.amount", "OUT_OF_RANGE", "must not be negative");
    let lines = receipt_lines::parse(&mut fields, &request.receipt_lines, amount);
    let revision = request.revision;
    let wanted = id.zip(amount).map(|(id, amount)| Wanted { id, revision, amount, lines });
    Ok(fields.finish_with(wanted)?)
}

async fn change(tx: &mut Tx, wanted: Wanted) -> Result<pb::Payment> {
    let before = keeping::lock(tx, wanted.id).await?;

    let mut payment = before.clone();
    let change = payment.change_amount(wanted.revision, wanted.amount, wanted.lines, tx.now())?;

    keeping::keep(tx, METHOD, &before, &payment, &change).await?;
    Ok(wire::payment(&payment))
}
