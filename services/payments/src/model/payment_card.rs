//! What an intent does with cards: attempts through providers, captures, refunds that take their time.
//!
//! What a provider tells may come late, twice and in any order; [`Payment::follow`] takes only what is news. Money that
//! comes when nothing is due any more is never kept: it is owed back from the moment it is known.

use chrono::{DateTime, Utc};
use types::{AttemptId, Money, PaymentAccountId, RefundId};

use crate::error::{Error, Result};
use crate::model::attempt::{
    Attempt, Charge, ChargeStatus, FIRST_ANSWER_TIME, Outcome, PAUSE_OF_RESERVED, Report, Wanted,
};
use crate::model::change::{Change, ReceiptCause, Told};
use crate::model::ledger::{Account, Posting};
use crate::model::payment::{Method, Payment, corrupt};
use crate::model::payment_state::{Happening, State};
use crate::model::refund::{Refund, RefundReport, RefundState, RefundStatus};

/// Attempts of one intent; a buyer with so many declined cards pays otherwise.
pub const ATTEMPTS_MAX: usize = 50;

/// Through which account an attempt goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub account: PaymentAccountId,
    /// The name on the attempt.
    pub provider: &'static str,
    pub automatic: bool,
}

impl Payment {
    /// Begins an attempt for what is due. It is stored before the provider is called.
    pub fn attempt(&mut self, id: AttemptId, route: Route, now: DateTime<Utc>) -> Result<Change> {
        if self.terms.method != Method::Card {
            return Err(Error::NotByCard);
        }
        if self.is_voided() {
            return Err(Error::PaymentVoided);
        }
        let due = self.due()?;
        if due.is_zero() || !self.captured.is_zero() {
            return Err(Error::NothingDue);
        }
        if let Some(live) = self.live_attempt() {
            return Err(Error::AttemptInProgress { attempt: live.id });
        }
        if self.attempts.len() >= ATTEMPTS_MAX {
            return Err(Error::TooManyAttempts { most: ATTEMPTS_MAX });
        }

        self.state = self.state.after(Happening::Attempted).ok_or(Error::NothingDue)?;
        self.attempts.push(Attempt {
            id,
            provider: route.provider.to_owned(),
            amount: due,
            captured: self.nothing(),
            outcome: Outcome::Unknown,
            reference: String::new(),
            create_time: now,
            charge: Some(Charge {
                account: route.account,
                automatic: route.automatic,
                wanted: Wanted::Nothing,
                redirect_url: String::new(),
                failure_code: String::new(),
                next_ask_time: Some(now + FIRST_ANSWER_TIME),
            }),
        });
        let mut change = Change::none();
        change.tell(Told::Attempted, self);
        Ok(change)
    }

    /// Gives up an attempt that waits for the buyer, so that another can begin once it is surely released.
    pub fn abandon(&mut self, now: DateTime<Utc>) -> Result<Change> {
        let waiting = self.live_attempt().filter(|live| live.outcome == Outcome::RequiresAction);
        if waiting.is_none() {
            return Ok(Change::none());
        }
        self.want_release(now);
        let mut change = Change::none();
        change.tell(Told::Attempted, self);
        Ok(change)
    }

    /// Ends an attempt whose first call surely did nothing, unless others were sent to ask about it meanwhile: they may have
    /// charged since, so it is left to them.
    pub fn fail_first_call(&mut self, id: AttemptId, code: &str, now: DateTime<Utc>) -> Result<Change> {
        if self.attempts.iter().any(|attempt| attempt.id == id && !attempt.is_only_called_first()) {
            return Ok(Change::none());
        }
        let failed = ChargeStatus::Failed { code: code.to_owned() };
        self.follow(id, &Report { reference: String::new(), status: failed }, now)
    }

    /// Takes what a provider says of a charge, if it is news.
    pub fn follow(&mut self, id: AttemptId, report: &Report, now: DateTime<Utc>) -> Result<Change> {
        let Some(at) = self.attempts.iter().position(|attempt| attempt.id == id) else {
            return Err(Error::PaymentNotFound);
        };
        let known = self.attempts[at].clone();
        let Some(mut charge) = known.charge.clone() else { return Ok(Change::none()) };
        let newly_named = known.reference.is_empty() && !report.reference.is_empty();
        if newly_named {
            self.attempts[at].reference.clone_from(&report.reference);
        }
        if !known.is_news(&report.status) {
            return Ok(Change::none());
        }

        let mut change = Change::none();
        match &report.status {
            ChargeStatus::Processing => {
                self.settle_attempt(at, Outcome::Processing, charge);
                self.go_on(Happening::Pended);
                change.tell(Told::Attempted, self);
            }
            ChargeStatus::RequiresAction { redirect_url } => {
                charge.redirect_url.clone_from(redirect_url);
                self.settle_attempt(at, Outcome::RequiresAction, charge);
                self.go_on(Happening::ActionRequired);
                change.tell(Told::Attempted, self);
            }
            ChargeStatus::Authorized => {
                let unwanted = self.due()?.is_zero();
                charge.next_ask_time = Some(now + PAUSE_OF_RESERVED);
                if unwanted {
                    (charge.wanted, charge.next_ask_time) = (Wanted::Release, Some(now));
                } else if (charge.automatic || self.goods_left) && charge.wanted == Wanted::Nothing {
                    let takes = self.takes_of(known.amount)?;
                    (charge.wanted, charge.next_ask_time) = (Wanted::Capture(takes), Some(now));
                } else if charge.wanted != Wanted::Nothing {
                    charge.next_ask_time = Some(now);
                }
                self.settle_attempt(at, Outcome::Authorized, charge);
                self.authorized = known.amount;
                self.go_on(Happening::Authorized);
                change.tell(if unwanted { Told::Attempted } else { Told::Authorized }, self);
            }
            ChargeStatus::Failed { code } => {
                charge.failure_code.clone_from(code);
                change = self.end_attempt(at, Outcome::Failed, charge);
            }
            ChargeStatus::Released => change = self.end_attempt(at, Outcome::Released, charge),
            ChargeStatus::Captured(amount) => change = self.take(at, *amount, charge, now)?,
        }
        Ok(change)
    }

    /// Wants what is reserved to be taken, once. The same again changes nothing.
    pub fn capture(&mut self, amount: Option<Money>, now: DateTime<Utc>) -> Result<Change> {
        if self.is_voided() {
            return Err(Error::PaymentVoided);
        }
        if let Some(amount) = amount {
            self.same_currency(amount)?;
        }
        let taken = self
            .attempts
            .iter()
            .find(|attempt| attempt.charge.is_some() && attempt.outcome == Outcome::Succeeded);
        if taken.is_some() {
            let same = amount.is_none_or(|amount| amount == self.captured);
            return if same {
                Ok(Change::none())
            } else {
                Err(Error::AlreadyCaptured { captured: self.captured })
            };
        }
        let due = self.due()?;
        let wanted = amount.unwrap_or(due);
        let authorized = |attempt: &&mut Attempt| attempt.outcome == Outcome::Authorized;
        let charge = self.attempts.iter_mut().find(authorized).and_then(|attempt| attempt.charge.as_mut());
        let charge = charge.ok_or(Error::NotAuthorized)?;
        match charge.wanted {
            Wanted::Capture(asked) if asked == wanted => return Ok(Change::none()),
            Wanted::Capture(asked) => return Err(Error::AlreadyCaptured { captured: asked }),
            Wanted::Release => return Err(Error::NotAuthorized),
            Wanted::Nothing => {}
        }
        if wanted.minor() > due.minor() {
            return Err(Error::AmountExceedsDue { due });
        }

        (charge.wanted, charge.next_ask_time) = (Wanted::Capture(wanted), Some(now + FIRST_ANSWER_TIME));
        let mut change = Change::none();
        change.tell(Told::Attempted, self);
        Ok(change)
    }

    /// Goods of the order leave: what is reserved is taken, all that is due, unless somebody has decided about it before; so
    /// is what is reserved from now on. Told again, it tries again what the provider refused.
    pub fn let_goods_leave(&mut self, now: DateTime<Utc>) -> Result<Change> {
        if self.is_voided() {
            return Ok(Change::none());
        }
        self.goods_left = true;
        let waits = |attempt: &Attempt| {
            let charge = attempt.charge.as_ref();
            attempt.outcome == Outcome::Authorized
                && charge.is_some_and(|charge| charge.wanted == Wanted::Nothing)
        };
        let Some(at) = self.attempts.iter().position(waits) else { return Ok(Change::none()) };
        let takes = self.takes_of(self.attempts[at].amount)?;
        let Some(charge) = self.attempts[at].charge.as_mut().filter(|_| !takes.is_zero()) else {
            return Ok(Change::none());
        };

        (charge.wanted, charge.next_ask_time) = (Wanted::Capture(takes), Some(now));
        let mut change = Change::none();
        change.tell(Told::Attempted, self);
        Ok(change)
    }

    /// What is taken of a reserved sum: all that is due.
    fn takes_of(&self, reserved: Money) -> Result<Money> {
        let due = self.due()?;
        Ok(if due.minor() < reserved.minor() { due } else { reserved })
    }

    /// The provider surely refused to capture: what is reserved stays reserved.
    pub fn refuse_capture(&mut self, id: AttemptId, code: &str, now: DateTime<Utc>) -> Change {
        let wants_capture = |attempt: &&mut Attempt| {
            let charge = attempt.charge.as_ref();
            attempt.id == id && charge.is_some_and(|charge| matches!(charge.wanted, Wanted::Capture(_)))
        };
        let attempt = self.attempts.iter_mut().find(wants_capture);
        let Some(charge) = attempt.and_then(|attempt| attempt.charge.as_mut()) else { return Change::none() };
        charge.wanted = Wanted::Nothing;
        code.clone_into(&mut charge.failure_code);
        charge.next_ask_time = Some(now + PAUSE_OF_RESERVED);
        let mut change = Change::none();
        change.tell(Told::Attempted, self);
        change
    }

    /// Takes what a provider says of a refund, if it is news.
    pub fn follow_refund(
        &mut self,
        id: RefundId,
        report: &RefundReport,
        now: DateTime<Utc>,
    ) -> Result<Change> {
        let voided = self.is_voided();
        let Some(refund) = self.refunds.iter_mut().find(|refund| refund.id == id) else {
            return Err(Error::PaymentNotFound);
        };
        if refund.state != RefundState::Pending {
            return Ok(Change::none());
        }
        if !report.reference.is_empty() {
            refund.reference.clone_from(&report.reference);
        }
        let (amount, must_go_back) = (refund.amount, refund.surplus || voided);
        let mut change = Change::none();
        match &report.status {
            RefundStatus::Pending => {}
            RefundStatus::Succeeded => {
                (refund.state, refund.next_ask_time) = (RefundState::Succeeded, None);
                refund.failure_code.clear();
                if !refund.surplus {
                    change.receipts.push(ReceiptCause::Refund(id));
                }
                change.post(Posting::of(Account::RefundsPayable, Account::Acquirer, amount));
                change.tell(Told::Refunded, self);
            }
            RefundStatus::Failed { code } if must_go_back => {
                refund.failure_code.clone_from(code);
                refund.reference.clear();
                refund.next_ask_time = Some(now + Refund::pause_of_refused(refund.tries));
                (refund.tries, refund.send_time) = (refund.tries + 1, None);
                change.tell(Told::RefundFailed, self);
            }
            RefundStatus::Failed { code } => {
                (refund.state, refund.next_ask_time) = (RefundState::Failed, None);
                refund.failure_code.clone_from(code);
                self.refunded = self.refunded.checked_sub(amount).map_err(corrupt)?;
                change.post(Posting::of(Account::RefundsPayable, Account::Revenue, amount));
                change.tell(Told::RefundFailed, self);
            }
        }
        Ok(change)
    }

    /// What the amount may be raised to: what is reserved or being reserved, or what was taken. `None`: to anything.
    pub(super) fn reserved_at_most(&self) -> Option<Money> {
        let live = self.live_attempt().map(|attempt| attempt.amount);
        let taken = (self.terms.method == Method::Card && !self.captured.is_zero()).then_some(self.captured);
        live.or(taken)
    }

    /// Money was taken: what is due is paid; what is not due goes back; what was reserved beyond is not due any more.
    fn take(&mut self, at: usize, amount: Money, charge: Charge, now: DateTime<Utc>) -> Result<Change> {
        let id = self.attempts[at].id;
        let due = self.due()?;
        let other_live = self.attempts.iter().any(|other| other.id != id && other.is_live());
        let counts = if other_live || !self.captured.is_zero() { self.nothing() } else { due };
        let taken = if amount.minor() < counts.minor() { amount } else { counts };
        let surplus = amount.checked_sub(taken).map_err(corrupt)?;
        let ended =
            Charge { wanted: Wanted::Nothing, redirect_url: String::new(), next_ask_time: None, ..charge };
        let mut change = Change::none();

        if taken.is_zero() {
            self.settle_attempt(at, Outcome::Returned, ended);
        } else {
            let rest = due.checked_sub(taken).map_err(corrupt)?;
            self.settle_attempt(at, Outcome::Succeeded, ended);
            self.attempts[at].captured = taken;
            self.authorized = if amount.minor() > self.authorized.minor() { amount } else { self.authorized };
            self.captured = self.captured.checked_add(taken).map_err(corrupt)?;
            self.amount = self.amount.checked_sub(rest).map_err(corrupt)?;
            self.go_on(Happening::CapturedInFull);
            change.post(Posting::of(Account::Revenue, Account::Receivable, rest));
            change.post(Posting::of(Account::Acquirer, Account::Receivable, taken));
            change.receipts.push(ReceiptCause::Capture(id));
            change.tell(Told::Recorded, self);
        }
        if !surplus.is_zero() {
            self.owe_back(id, surplus, now);
            change.post(Posting::of(Account::Acquirer, Account::RefundsPayable, surplus));
            change.tell(Told::RefundRequested, self);
        }
        Ok(change)
    }

    fn owe_back(&mut self, id: AttemptId, amount: Money, now: DateTime<Utc>) {
        self.refunds.push(Refund {
            id: RefundId::new(),
            amount,
            reason: "it came when it was not due".to_owned(),
            state: RefundState::Pending,
            attempt: Some(id),
            reference: String::new(),
            failure_code: String::new(),
            surplus: true,
            tries: 1,
            lines: Vec::new(),
            create_time: now,
            next_ask_time: Some(now),
            send_time: None,
        });
    }

    fn end_attempt(&mut self, at: usize, outcome: Outcome, charge: Charge) -> Change {
        let ended =
            Charge { wanted: Wanted::Nothing, redirect_url: String::new(), next_ask_time: None, ..charge };
        self.settle_attempt(at, outcome, ended);
        if self.captured.is_zero() {
            self.authorized = self.nothing();
        }
        let goes_on = self.state;
        self.go_on(Happening::AttemptEnded);
        let mut change = Change::none();
        change.tell(if self.state == goes_on { Told::Attempted } else { Told::Failed }, self);
        change
    }

    fn settle_attempt(&mut self, at: usize, outcome: Outcome, charge: Charge) {
        self.attempts[at].outcome = outcome;
        self.attempts[at].charge = Some(charge);
    }

    /// The intent follows its attempt, unless it was cancelled or needs no money any more.
    fn go_on(&mut self, happening: Happening) {
        if self.state != State::Canceled {
            self.state = self.state.after(happening).unwrap_or(self.state);
        }
    }
}
