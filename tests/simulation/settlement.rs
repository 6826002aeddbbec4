//! Brings attempts and refunds to where the provider says they are: what `services/payments/src/{settlement,jobs}` do.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use korob_payments::model::attempt::{Attempt, ChargeStatus, Report, Step, Wanted, Wanting};
use korob_payments::model::payment::Payment;
use korob_payments::model::refund::{Refund, RefundReport, RefundState, RefundStatus};
use korob_payments::news::{News, Turn};
use korob_payments::providers::{Answer, Asked, Trouble};
use tonic::Status;
use types::{AttemptId, PaymentId, RefundId};

use crate::card_desk::{CardDesk, ChargeOrder};
use crate::money::change;
use crate::network::{call, commit, is_unsent};
use crate::process::Process;
use crate::world::World;

const PERIOD: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(5);
const STEPS_MAX: usize = 4;
/// How much clocks may differ before a charge that is not there is thought never to come.
const CLOCK_DIFFERENCE_MAX: TimeDelta = TimeDelta::seconds(10);

/// A process of payments: asks by the clock until nothing is unknown.
pub fn open(process: Arc<Process>) {
    *process.world.cashier.lock() = Some(process.clone());
    tokio::spawn(async move {
        loop {
            process.rest(PERIOD).await;
            for (attempt, named) in take_notices(&process) {
                spawn(&process, attempt, named);
            }
            for attempt in take_attempts(&process).await.unwrap_or_default() {
                spawn(&process, attempt, String::new());
            }
            for (payment_id, refund) in take_refunds(&process).await.unwrap_or_default() {
                let process = process.clone();
                tokio::spawn(async move { settle_refund(&process, payment_id, refund).await });
            }
        }
    });
}

fn spawn(process: &Arc<Process>, attempt: AttemptId, named: String) {
    let process = process.clone();
    tokio::spawn(async move { settle_attempt(&process, attempt, Turn::Later, &named).await });
}

fn take_notices(process: &Process) -> Vec<(AttemptId, String)> {
    let mut money = process.world.money.lock();
    // One that cannot be applied is made up for by the questions of the job.
    std::mem::take(&mut money.notices)
        .into_values()
        .map(|notice| (notice.attempt, notice.reference))
        .collect()
}

async fn take_attempts(process: &Process) -> Result<Vec<AttemptId>, Status> {
    let now = process.now();
    let due = |world: &World| {
        let money = world.money.lock();
        let due = |attempt: &&Attempt| {
            attempt.charge.as_ref().and_then(|charge| charge.next_ask_time).is_some_and(|time| time <= now)
        };
        let due = money.all().flat_map(|payment| {
            payment.attempts.iter().filter(due).map(|attempt| (payment.terms.payment_id, attempt.id))
        });
        due.collect::<Vec<_>>()
    };
    if due(&process.world).is_empty() {
        return Ok(Vec::new());
    }
    commit(process, "what is due", |world| {
        let due = due(world);
        let mut money = world.money.lock();
        for (payment_id, id) in &due {
            let mut payment = money.payment(*payment_id)?;
            let asks = money.asks.entry(*id).or_default();
            for attempt in payment.attempts.iter_mut().filter(|attempt| attempt.id == *id) {
                let Some(charge) = &mut attempt.charge else { continue };
                let wanting = match charge.wanted {
                    Wanted::Nothing => Wanting::Nothing,
                    Wanted::Capture(_) | Wanted::Release => Wanting::Something,
                };
                charge.next_ask_time = Some(now + Attempt::pause(attempt.outcome, wanting, *asks));
            }
            *asks += 1;
            money.keep(payment, Default::default());
        }
        Ok(due.into_iter().map(|(_, id)| id).collect())
    })
    .await
}

async fn take_refunds(process: &Process) -> Result<Vec<(PaymentId, RefundId)>, Status> {
    let now = process.now();
    let due = |world: &World| {
        let money = world.money.lock();
        let due = |refund: &&Refund| refund.next_ask_time.is_some_and(|time| time <= now);
        let due = money.all().flat_map(|payment| {
            payment.refunds.iter().filter(due).map(|refund| (payment.terms.payment_id, refund.id))
        });
        due.collect::<Vec<_>>()
    };
    if due(&process.world).is_empty() {
        return Ok(Vec::new());
    }
    commit(process, "refunds that are due", |world| {
        let due = due(world);
        let mut money = world.money.lock();
        for (payment_id, id) in &due {
            let mut payment = money.payment(*payment_id)?;
            let asks = money.refund_asks.entry(*id).or_default();
            let next = now + Refund::pause(*asks);
            *asks += 1;
            for refund in payment.refunds.iter_mut().filter(|refund| refund.id == *id) {
                refund.next_ask_time = Some(next);
                refund.send_time.get_or_insert(next);
            }
            money.keep(payment, Default::default());
        }
        Ok(due)
    })
    .await
}

/// Calls the provider of an attempt until nothing more is to be done now.
pub async fn settle_attempt(process: &Process, id: AttemptId, turn: Turn, named: &str) -> Result<(), Status> {
    let world = &process.world;
    let (mut turn, mut named) = (turn, named);
    for _ in 0..STEPS_MAX {
        process.alive().await;
        let payment = world.money.lock().of_attempt(id).ok_or_else(|| Status::not_found("no attempt"))?;
        let attempt = attempt_of(&payment, id)?.clone();
        let (step, reference) = attempt.next_step_for(named);
        if step == Step::Rest {
            break;
        }
        let answer = take_step(process, &payment, &attempt, reference, (step, turn)).await;
        process.step().await;
        let Some(later) = apply(process, &payment, &attempt, (step, turn), &answer).await? else { break };
        let next = attempt_of(&later, id)?.next_step();
        (turn, named) = (Turn::Later, "");
        if answer.is_err() || next == step || !matches!(next, Step::Capture(_) | Step::Release) {
            break;
        }
    }
    Ok(())
}

async fn take_step(
    process: &Process,
    payment: &Payment,
    attempt: &Attempt,
    reference: &str,
    (step, turn): (Step, Turn),
) -> Answer<Asked> {
    let charge = attempt.charge.as_ref();
    let mut order = ChargeOrder {
        key: attempt.id,
        payment: payment.terms.payment_id,
        amount: attempt.amount,
        automatic: charge.is_some_and(|charge| charge.automatic),
        begin_time: attempt.create_time,
    };
    let too_late = charge.is_some_and(|charge| charge.wanted == Wanted::Release);
    match step {
        Step::Rest => Ok(Asked::NotYet),
        Step::Ask if turn == Turn::First => charge_it(process, order).await.map(Asked::Found),
        Step::Ask if process.world.has("payments.retry_with_new_key") => {
            order.key = AttemptId::from_uuid(process.world.new_id());
            charge_it(process, order).await.map(Asked::Found)
        }
        Step::Ask => {
            let key = order.key;
            let found = outside(process, "find", move |cards, _| Ok(cards.find(key))).await?;
            match found {
                Some(report) => Ok(Asked::Found(report)),
                None if process.now() > order.valid_until() + CLOCK_DIFFERENCE_MAX => Ok(Asked::Never),
                None if too_late => Ok(Asked::NotYet),
                None => match charge_it(process, order).await {
                    Err(Trouble::Refused { code }) if code == "expired" => Ok(Asked::Never),
                    answer => answer.map(Asked::Found),
                },
            }
        }
        Step::Look => look(process, reference).await,
        Step::Capture(amount) => {
            let name = reference.to_owned();
            let answer =
                outside(process, "capture", move |cards, world| cards.capture(world, &name, amount)).await;
            match answer {
                Err(Trouble::Refused { code }) => match look(process, reference).await {
                    Ok(Asked::Found(Report { status: ChargeStatus::Authorized, .. })) => {
                        Err(Trouble::Refused { code })
                    }
                    answer => answer,
                },
                answer => answer.map(Asked::Found),
            }
        }
        Step::Release => {
            let name = reference.to_owned();
            let answer = outside(process, "release", move |cards, world| cards.release(world, &name)).await;
            match answer {
                Err(Trouble::Refused { .. }) => look(process, reference).await,
                answer => answer.map(Asked::Found),
            }
        }
    }
}

async fn charge_it(process: &Process, order: ChargeOrder) -> Answer<Report> {
    outside(process, "charge", move |cards, world| cards.charge(world, &order)).await
}

async fn look(process: &Process, reference: &str) -> Answer<Asked> {
    let reference = reference.to_owned();
    outside(process, "look", move |cards, _| cards.look(&reference)).await.map(Asked::Found)
}

/// A call to the provider, whose answer may be a refusal of its own.
async fn outside<T: Send + 'static>(
    process: &Process,
    what: &str,
    handler: impl Fn(&mut CardDesk, &Arc<World>) -> Answer<T> + Send + Sync + 'static,
) -> Answer<T> {
    let answer = call(process, "card provider", what, PATIENCE, move |world| {
        Ok(handler(&mut world.cards.lock(), world))
    });
    match answer.await {
        Ok(answer) => answer,
        Err(status) if is_unsent(&status) => Err(Trouble::NotDone { code: "unreachable".to_owned() }),
        Err(status) => Err(Trouble::unknown(status.message())),
    }
}

/// `None` when nothing was learned.
async fn apply(
    process: &Process,
    payment: &Payment,
    attempt: &Attempt,
    (step, turn): (Step, Turn),
    answer: &Answer<Asked>,
) -> Result<Option<Payment>, Status> {
    let (id, payment_id) = (attempt.id, payment.terms.payment_id);
    let Some(news) = News::of(answer, attempt, (step, turn)) else { return Ok(None) };
    change(process, "what the provider said", payment_id, |payment, process| {
        news.apply(payment, id, process.now())
    })
    .await
    .map(Some)
}

async fn settle_refund(process: &Process, payment_id: PaymentId, id: RefundId) -> Result<(), Status> {
    let payment = process.world.money.lock().payment(payment_id)?;
    let refund = payment.refunds.iter().find(|refund| refund.id == id).cloned();
    let Some(refund) = refund.filter(|refund| refund.state == RefundState::Pending) else { return Ok(()) };
    let Some(attempt) = refund.attempt.and_then(|id| attempt_of(&payment, id).ok()) else { return Ok(()) };
    let (key, reference, charge, amount) =
        (refund.key(), refund.reference.clone(), attempt.reference.clone(), refund.amount);
    let answer = match reference.is_empty() {
        true => {
            outside(process, "refund", move |cards, world| cards.refund(world, &key, &charge, amount)).await
        }
        false => outside(process, "look at a refund", move |cards, _| cards.look_refund(&key)).await,
    };
    process.step().await;
    let report = match answer {
        Ok(report) => report,
        Err(Trouble::Refused { code }) if refund.reference.is_empty() => {
            RefundReport { reference: String::new(), status: RefundStatus::Failed { code } }
        }
        Err(_) => return Ok(()),
    };
    change(process, "what the provider said of a refund", payment_id, |payment, process| {
        if payment.refunds.iter().any(|now| now.id == id && now.tries != refund.tries) {
            return Ok(Default::default());
        }
        payment.follow_refund(id, &report, process.now())
    })
    .await
    .map(drop)
}

fn attempt_of(payment: &Payment, id: AttemptId) -> Result<&Attempt, Status> {
    let found = payment.attempts.iter().find(|attempt| attempt.id == id);
    found.ok_or_else(|| Status::not_found("no attempt"))
}
