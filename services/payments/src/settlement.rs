//! Brings attempts and refunds to where their providers say they are: asked outside a transaction, applied in one.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rpc::Call;
use store::Tx;
use types::{AttemptId, RefundId};

use crate::Payments;
use crate::error::{Error, Result};
use crate::keeping;
use crate::model::account::{self, Access, Kind};
use crate::model::attempt::{Attempt, ChargeStatus, Outcome, Report, Step, Wanted};
use crate::model::payment::Payment;
use crate::model::payment_rows;
use crate::model::refund::{Refund, RefundReport, RefundState, RefundStatus};
use crate::news::{News, Turn};
use crate::providers::{Answer, Asked, Buyer, ChargeOrder, KEY_LIFE, Lateness, RefundOrder, Trouble};
use crate::schema::payment_attempts as attempts;

/// Calls to a provider in one go: to charge, to capture what was reserved, to look why it was refused.
const STEPS_MAX: usize = 4;
/// How soon an answer that got lost is asked for.
const ASK_AGAIN_SOON: std::time::Duration = std::time::Duration::from_secs(2);

/// What was heard about an attempt.
#[derive(Debug, Clone)]
pub struct Heard {
    pub payment: Payment,
    /// What went wrong in the last call.
    pub trouble: Option<Trouble>,
    /// Whether the attempt surely took nothing for a reason that another provider may not have.
    pub may_go_elsewhere: bool,
}

/// What was heard about a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learned {
    /// Where it stands.
    Something,
    /// Nothing: it is asked for again.
    Nothing,
}

/// Calls the provider of an attempt until nothing more is to be done now.
pub async fn settle_attempt(payments: &Payments, call: &Call, id: AttemptId, turn: Turn) -> Result<Heard> {
    settle(payments, call, id, turn, "").await
}

/// The same for an attempt whose charge the provider has named. By its own name it knows the charge for ever, also when the
/// key is forgotten, and when the charge was thought to be over.
pub async fn settle_named(payments: &Payments, call: &Call, id: AttemptId, named: &str) -> Result<Heard> {
    settle(payments, call, id, Turn::Later, named).await
}

async fn settle(payments: &Payments, call: &Call, id: AttemptId, turn: Turn, named: &str) -> Result<Heard> {
    let found = payment_rows::of_attempt(&mut *payments.store.connection().await?, id).await?;
    let mut payment = found.ok_or(Error::PaymentNotFound)?;
    let (mut turn, mut named) = (turn, named);
    let mut heard = Heard { payment: payment.clone(), trouble: None, may_go_elsewhere: false };
    for _ in 0..STEPS_MAX {
        let attempt = attempt_of(&payment, id)?.clone();
        let (step, reference) = attempt.next_step_for(named);
        let (Some(charge), false) = (&attempt.charge, step == Step::Rest) else { break };
        let account = account::find(&mut *payments.store.connection().await?, charge.account).await?;
        let account = account.ok_or(Error::PaymentAccountNotFound)?;
        let access = account.open(&payments.store)?;
        let order = charge_order(payments, &payment, &attempt).await?;

        failpoint::hit!("payments.provider.before_call");
        let answer = take_step(payments, account.kind, &access, &order, reference, (step, turn)).await?;
        failpoint::hit!("payments.provider.answered");
        let later = apply_answer(payments, call, &payment, &attempt, (step, turn), &answer).await?;

        let ended = attempt_of(&later, id)?;
        let code = ended.charge.as_ref().map(|charge| charge.failure_code.as_str()).unwrap_or_default();
        let elsewhere =
            payments.providers.of(account.kind).is_some_and(|provider| provider.may_go_elsewhere(code));
        let trouble = answer.err();
        let not_done = matches!(&trouble, Some(Trouble::NotDone { code: why }) if why == code);
        heard = Heard {
            payment: later.clone(),
            may_go_elsewhere: ended.outcome == Outcome::Failed && (elsewhere || not_done),
            trouble,
        };
        let next = ended.next_step();
        let goes_on =
            heard.trouble.is_none() && next != step && matches!(next, Step::Capture(_) | Step::Release);
        payment = later;
        (turn, named) = (Turn::Later, "");
        if !goes_on {
            break;
        }
    }
    Ok(heard)
}

/// Sends a refund, or asks where it stands: by `named`, the provider's own id of it, when a webhook named it and nobody has
/// heard of it yet.
pub async fn settle_refund(payments: &Payments, call: &Call, id: RefundId, named: &str) -> Result<Learned> {
    let found = payment_rows::of_refund(&mut *payments.store.connection().await?, id).await?;
    let payment = found.ok_or(Error::PaymentNotFound)?;
    let refund = payment.refunds.iter().find(|refund| refund.id == id).ok_or(Error::PaymentNotFound)?;
    let (RefundState::Pending, Some(attempt)) = (refund.state, refund.attempt) else {
        return Ok(Learned::Something);
    };
    // The job notes that it sends before it does. Without that a try has yet to wait, whatever webhook tells of the last.
    if refund.send_time.is_none() {
        return Ok(Learned::Something);
    }
    let attempt = attempt_of(&payment, attempt)?;
    let Some(charge) = &attempt.charge else { return Ok(Learned::Something) };
    let account = account::find(&mut *payments.store.connection().await?, charge.account).await?;
    let account = account.ok_or(Error::PaymentAccountNotFound)?;
    let access = account.open(&payments.store)?;

    let reference = if refund.reference.is_empty() { named } else { refund.reference.as_str() };
    let answer = ask_for_refund(payments, account.kind, &access, refund, attempt, reference).await;
    failpoint::hit!("payments.refund.answered");
    let report = match answer {
        Ok(report) => report,
        // Nothing was made; a refund that was made once cannot be refused any more.
        Err(Trouble::Refused { code }) if reference.is_empty() => {
            RefundReport { reference: String::new(), status: RefundStatus::Failed { code } }
        }
        Err(trouble) => {
            tracing::info!(refund = %id, %trouble, "a refund is not known yet and will be asked for again");
            return Ok(Learned::Nothing);
        }
    };
    let (payment_id, report) = (payment.terms.payment_id, &report);
    payments
        .store
        .transaction(call, async |tx: &mut Tx| {
            let before = keeping::lock(tx, payment_id).await?;
            // What was heard is of the try that was asked about.
            if before.refunds.iter().any(|now| now.id == id && now.tries != refund.tries) {
                return Ok(());
            }
            let mut payment = before.clone();
            let change = payment.follow_refund(id, report, tx.now())?;
            keeping::keep(tx, "payments.settle_refund", &before, &payment, &change).await
        })
        .await?;
    Ok(Learned::Something)
}

async fn ask_for_refund(
    payments: &Payments,
    kind: Kind,
    access: &Access,
    refund: &Refund,
    attempt: &Attempt,
    reference: &str,
) -> Answer<RefundReport> {
    let provider = payments.providers.of(kind).ok_or_else(|| Trouble::unknown("not a provider of cards"))?;
    let order = RefundOrder {
        refund: refund.id,
        key: refund.key(),
        charge: attempt.reference.clone(),
        amount: refund.amount,
        reason: refund.reason.clone(),
    };
    if !reference.is_empty() {
        return provider.look_refund(access, &order, reference).await;
    }
    let now = payments.store.clock().now();
    if refund.send_time.is_some_and(|sent| now > sent + KEY_LIFE) {
        return Err(Trouble::unknown("the provider may have forgotten the key; compare its statement"));
    }
    provider.refund(access, &order).await
}

async fn take_step(
    payments: &Payments,
    kind: Kind,
    access: &Access,
    order: &ChargeOrder,
    reference: &str,
    (step, turn): (Step, Turn),
) -> Result<Answer<Asked>> {
    let provider = payments.providers.of(kind).ok_or(Error::PaymentAccountNotFound)?;
    Ok(match (step, turn) {
        (Step::Rest, _) => Ok(Asked::NotYet),
        (Step::Ask, Turn::First) => provider.charge(access, order).await.map(Asked::Found),
        (Step::Ask, Turn::Later) if failpoint::planted!("payments.retry_with_new_key") => {
            let other = ChargeOrder { attempt: AttemptId::new(), ..order.clone() };
            provider.charge(access, &other).await.map(Asked::Found)
        }
        (Step::Ask, Turn::Later) => provider.ask(access, order).await,
        (Step::Look, _) => provider.look(access, order, reference).await.map(Asked::Found),
        (Step::Capture(amount), _) => match provider.capture(access, order, reference, amount).await {
            // Refused for good, unless somebody has captured or released it meanwhile: then that is the answer.
            Err(Trouble::Refused { code }) => match provider.look(access, order, reference).await {
                Ok(Report { status: ChargeStatus::Authorized, .. }) => Err(Trouble::Refused { code }),
                answer => answer.map(Asked::Found),
            },
            answer => answer.map(Asked::Found),
        },
        (Step::Release, _) => match provider.release(access, order, reference).await {
            Err(Trouble::Refused { .. }) => provider.look(access, order, reference).await.map(Asked::Found),
            answer => answer.map(Asked::Found),
        },
    })
}

/// Applies what was heard in one transaction.
async fn apply_answer(
    payments: &Payments,
    call: &Call,
    payment: &Payment,
    attempt: &Attempt,
    (step, turn): (Step, Turn),
    answer: &Answer<Asked>,
) -> Result<Payment> {
    let (id, payment_id) = (attempt.id, payment.terms.payment_id);
    let Some(news) = &News::of(answer, attempt, (step, turn)) else {
        if let Err(trouble) = answer {
            tracing::info!(attempt = %id, %trouble, "an attempt is not known yet and will be asked for");
            ask_again_soon(payments, call, id, turn).await?;
        }
        return Ok(payment.clone());
    };
    payments
        .store
        .transaction(call, async |tx: &mut Tx| {
            let before = keeping::lock(tx, payment_id).await?;
            let mut payment = before.clone();
            let change = news.apply(&mut payment, id, tx.now())?;
            keeping::keep(tx, "payments.settle_attempt", &before, &payment, &change).await?;
            forget_buyer(tx, id).await?;
            Ok::<_, Error>(payment)
        })
        .await
}

/// A first answer that got lost is asked for soon; later ones wait as their pauses say.
async fn ask_again_soon(payments: &Payments, call: &Call, id: AttemptId, turn: Turn) -> Result<()> {
    if turn == Turn::Later {
        return Ok(());
    }
    payments
        .store
        .transaction(call, async |tx: &mut Tx| {
            let soon: DateTime<Utc> = tx.now() + ASK_AGAIN_SOON;
            diesel::update(attempts::table.find(id.uuid()).filter(attempts::next_ask_time.is_not_null()))
                .set(attempts::next_ask_time.eq(soon))
                .execute(tx.conn())
                .await?;
            Ok(())
        })
        .await
}

/// The token is of no use any more once the provider has answered.
async fn forget_buyer(tx: &mut Tx, id: AttemptId) -> Result<()> {
    diesel::update(attempts::table.find(id.uuid()).filter(attempts::outcome.ne("unknown")))
        .set(attempts::request_sealed.eq(None::<Vec<u8>>))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Keeps what the first call needs of the buyer, sealed, so that the same call can be repeated.
pub async fn remember_buyer(payments: &Payments, tx: &mut Tx, id: AttemptId, buyer: &Buyer) -> Result<()> {
    let plain = serde_json::to_vec(buyer).unwrap_or_default();
    let sealed = payments.store.seal(&plain, &context(id));
    diesel::update(attempts::table.find(id.uuid()))
        .set(attempts::request_sealed.eq(sealed))
        .execute(tx.conn())
        .await?;
    Ok(())
}

async fn charge_order(payments: &Payments, payment: &Payment, attempt: &Attempt) -> Result<ChargeOrder> {
    let sealed = attempts::table.find(attempt.id.uuid()).select(attempts::request_sealed);
    let sealed: Option<Vec<u8>> = sealed.first(&mut *payments.store.connection().await?).await?;
    let buyer = match sealed {
        None => Buyer::default(),
        Some(sealed) => {
            let plain = payments.store.unseal(&sealed, &context(attempt.id))?;
            serde_json::from_slice(&plain).map_err(|_| store::Error::Unsealable)?
        }
    };
    let charge = attempt.charge.as_ref();
    let released = charge.is_some_and(|charge| charge.wanted == Wanted::Release);
    Ok(ChargeOrder {
        attempt: attempt.id,
        payment: payment.terms.payment_id,
        order: payment.terms.order_id,
        amount: attempt.amount,
        automatic: charge.is_some_and(|charge| charge.automatic),
        buyer,
        begin_time: attempt.create_time,
        now: payments.store.clock().now(),
        lateness: if released { Lateness::TooLate } else { Lateness::StillWanted },
    })
}

fn context(id: AttemptId) -> String {
    format!("buyer of {id}")
}

fn attempt_of(payment: &Payment, id: AttemptId) -> Result<&Attempt> {
    payment.attempts.iter().find(|attempt| attempt.id == id).ok_or(Error::PaymentNotFound)
}
