//! Payments' verbs on its tables, decided by its real model: what `services/payments/src/rpc` does around it.

use std::sync::Arc;

use korob_payments::Error;
use korob_payments::model::attempt::{Outcome, Step};
use korob_payments::model::change::Change;
use korob_payments::model::payment::{Movement, Opened, Payment, Terms};
use korob_payments::model::payment_card::Route;
use korob_payments::news::Turn;
use tonic::Status;
use types::{AttemptId, Money, PaymentAccountId, PaymentId};
use uuid::Uuid;

use crate::bugs::FORGETTING;
use crate::money_tables::{MoneyTables, Stored};
use crate::network::commit;
use crate::process::Process;
use crate::settlement;
use crate::world::World;

/// Which payments are voided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    Any,
    /// Those of a cancellation that must not void what somebody has begun to pay.
    Untouched(&'a str),
}

/// Opens what an order costs. The same terms find it; other terms, or a tombstone, are refused.
pub fn open(world: &World, terms: &Terms) -> Result<(), Status> {
    let mut money = world.money.lock();
    match money.payments.get(&terms.payment_id) {
        Some(Stored::Payment(payment)) if payment.terms != *terms => Err(Error::PaymentMismatch.into()),
        Some(Stored::Payment(payment)) if payment.is_voided() => Err(Error::PaymentVoided.into()),
        Some(Stored::Payment(_)) => Ok(()),
        Some(Stored::Tombstone) => Err(Error::PaymentVoided.into()),
        None => {
            let opened = Opened { instructions: String::new(), lines: Vec::new() };
            let (payment, postings) = Payment::open(terms.clone(), opened, world.now());
            money.tell(&payment, false);
            money.keep(payment, Change { postings, ..Change::none() });
            Ok(())
        }
    }
}

/// Voids a payment; an unknown id is buried.
pub fn void(world: &World, id: PaymentId, reason: &str, scope: Scope<'_>) -> Result<(), Status> {
    let mut money = world.money.lock();
    if let Scope::Untouched(cancellation) = scope
        && let Some(state) = money.kept_refusals.get(cancellation)
    {
        return Err(Error::PaymentTouched { state }.into());
    }
    let before = match money.payments.get(&id) {
        Some(Stored::Payment(payment)) => Payment::clone(payment),
        Some(Stored::Tombstone) => return Ok(()),
        None => {
            if !world.has("payments.no_tombstone") {
                money.payments.insert(id, Stored::Tombstone);
            }
            return Ok(());
        }
    };
    if before.is_voided() {
        return Ok(());
    }
    if let Scope::Untouched(cancellation) = scope
        && before.is_touched()
    {
        let state = before.state.as_str();
        if !world.has(FORGETTING) {
            money.kept_refusals.insert(cancellation.to_owned(), state);
        }
        return Err(Error::PaymentTouched { state }.into());
    }
    let mut payment = before;
    let change = payment.void(reason, world.now())?;
    money.keep(payment, change);
    Ok(())
}

/// Begins an attempt to pay by card: stored before the provider is called.
pub async fn confirm(process: Arc<Process>, id: PaymentId, key: String) -> Result<(), Status> {
    let world = &process.world;
    let attempt = AttemptId::from_uuid(world.new_id());
    let automatic = world.chance.likely(0.6);
    let begun = commit(&process, "an attempt", |world| {
        let mut money = world.money.lock();
        if money.keys.contains(&key) {
            return Ok(Vec::new());
        }
        let mut payment = money.payment(id)?;
        let route =
            Route { account: PaymentAccountId::from_uuid(Uuid::from_u128(7)), provider: "card", automatic };
        match payment.attempt(attempt, route, process.now()) {
            Ok(change) => {
                money.keys.insert(key);
                money.keep(payment, change);
                Ok(vec![(attempt, Turn::First)])
            }
            // The buyer came back without paying there: what waits for him is released first.
            Err(Error::AttemptInProgress { attempt: waiting }) if waits(&payment, waiting) => {
                let change = payment.abandon(process.now())?;
                money.keep(payment, change);
                Ok(vec![(waiting, Turn::Later)])
            }
            Err(error) => Err(error.into()),
        }
    });
    for (attempt, turn) in begun.await? {
        settlement::settle_attempt(&process, attempt, turn, "").await?;
    }
    Ok(())
}

fn waits(payment: &Payment, id: AttemptId) -> bool {
    payment.attempts.iter().any(|attempt| attempt.id == id && attempt.outcome == Outcome::RequiresAction)
}

/// Takes what is reserved on the card.
pub async fn capture(process: Arc<Process>, id: PaymentId) -> Result<(), Status> {
    let wanted =
        change(&process, "a wish to capture", id, |payment, process| payment.capture(None, process.now()));
    let live = wanted.await?.live_attempt().cloned();
    if let Some(live) = live.filter(|live| matches!(live.next_step(), Step::Capture(_))) {
        settlement::settle_attempt(&process, live.id, Turn::Later, "").await?;
    }
    Ok(())
}

/// Gives money back, once under one key; the job sends it to the provider.
pub async fn refund(process: Arc<Process>, id: PaymentId, amount: Money, key: String) -> Result<(), Status> {
    commit(&process, "a refund", |world| {
        let mut money = world.money.lock();
        if money.keys.contains(&key) {
            return Ok(());
        }
        let mut payment = money.payment(id)?;
        let movement = Movement { amount, note: "goodwill".to_owned(), lines: Vec::new() };
        let change = payment.refund(movement, process.now())?;
        money.keys.insert(key);
        money.keep(payment, change);
        Ok(())
    })
    .await
}

/// Goods of the order leave: what is reserved is taken by the job.
pub async fn let_goods_leave(process: Arc<Process>, id: PaymentId) -> Result<(), Status> {
    change(&process, "goods that leave", id, |payment, process| payment.let_goods_leave(process.now()))
        .await
        .map(drop)
}

/// Decides about a payment and keeps what changed, in one commit.
pub async fn change(
    process: &Process,
    what: &str,
    id: PaymentId,
    decide: impl FnOnce(&mut Payment, &Process) -> Result<Change, Error> + Send,
) -> Result<Payment, Status> {
    commit(process, what, |world| {
        let mut money = world.money.lock();
        decide_on(&mut money, id, |payment| decide(payment, process))
    })
    .await
}

fn decide_on(
    money: &mut MoneyTables,
    id: PaymentId,
    decide: impl FnOnce(&mut Payment) -> Result<Change, Error>,
) -> Result<Payment, Status> {
    let before = money.payment(id)?;
    let mut payment = before.clone();
    let change = decide(&mut payment)?;
    if payment != before {
        money.keep(payment.clone(), change);
    }
    Ok(payment)
}
