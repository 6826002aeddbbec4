//! A payment intent: what is to be paid for one order, what came in and what was given back.
//!
//! Every decision answers what is to be booked and told; the invariants `refunded ≤ captured ≤ amount` and
//! debits = credits hold after each. What only cards do is in `payment_card.rs`.

use chrono::{DateTime, Utc};
use types::{AttemptId, LegalEntityId, Money, OrderId, PaymentId, RefundId, ShopId};

use crate::error::{Error, Result};
use crate::model::attempt::{Attempt, Outcome, Wanted};
use crate::model::change::{Change, ReceiptCause, Told};
use crate::model::ledger::{Account, Posting};
use crate::model::payment_state::{Happening, State};
use crate::model::receipt_line::ReceiptLine;
use crate::model::refund::{Refund, RefundState};

/// How the buyer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The courier takes cash.
    CashOnDelivery,
    /// The buyer transfers the money.
    BankTransfer,
    /// A provider charges the buyer's card.
    Card,
}

/// Where money lies that people move and record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByHand {
    /// The name on attempts.
    pub provider: &'static str,
    pub account: Account,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 3] = [Self::CashOnDelivery, Self::BankTransfer, Self::Card];

    /// The word in the database and in history.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CashOnDelivery => "cash_on_delivery",
            Self::BankTransfer => "bank_transfer",
            Self::Card => "card",
        }
    }

    /// Where its money lies, when people move it; `None` when a provider does.
    pub const fn by_hand(self) -> Option<ByHand> {
        match self {
            Self::CashOnDelivery => {
                Some(ByHand { provider: "cash-on-delivery", account: Account::CashOnDelivery })
            }
            Self::BankTransfer => Some(ByHand { provider: "bank-transfer", account: Account::Bank }),
            Self::Card => None,
        }
    }
}

/// What was agreed when it was opened; never changes. The same id with other terms is another intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub payment_id: PaymentId,
    pub order_id: OrderId,
    pub shop_id: ShopId,
    pub legal_entity_id: Option<LegalEntityId>,
    pub method: Method,
    /// Not negative. What is to be paid now is [`Payment::amount`].
    pub amount: Money,
}

/// What the buyer and his receipts are told when an intent is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// What the buyer must know to pay.
    pub instructions: String,
    /// What fiscal receipts say.
    pub lines: Vec<ReceiptLine>,
}

/// Money that people took or gave back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    pub amount: Money,
    /// The document of money that came in, the reason of money given back.
    pub note: String,
    /// What the fiscal receipt says; empty means the payment's lines in proportion.
    pub lines: Vec<ReceiptLine>,
}

/// An intent with all its attempts and refunds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub terms: Terms,
    /// What is to be paid.
    pub amount: Money,
    /// Of the last change of the amount; 0 for none.
    pub amount_revision: i32,
    pub state: State,
    /// Reserved or taken by card.
    pub authorized: Money,
    pub captured: Money,
    /// Given back or on its way back.
    pub refunded: Money,
    pub instructions: String,
    pub lines: Vec<ReceiptLine>,
    /// Goods of the order have left: what is reserved is captured.
    pub goods_left: bool,
    /// Grows by one with every change.
    pub version: i64,
    pub create_time: DateTime<Utc>,
    pub attempts: Vec<Attempt>,
    pub refunds: Vec<Refund>,
}

impl Payment {
    /// Opens an intent: the buyer owes the amount. Nothing to pay is paid at once.
    pub fn open(terms: Terms, opened: Opened, now: DateTime<Utc>) -> (Self, Vec<Posting>) {
        let nothing = Money::zero(terms.amount.currency());
        let owed = Posting::of(Account::Receivable, Account::Revenue, terms.amount);
        let payment = Self {
            amount: terms.amount,
            amount_revision: 0,
            state: if terms.amount.is_zero() { State::Succeeded } else { State::RequiresPayment },
            authorized: nothing,
            captured: nothing,
            refunded: nothing,
            instructions: opened.instructions,
            lines: opened.lines,
            goods_left: false,
            version: 1,
            create_time: now,
            attempts: Vec::new(),
            refunds: Vec::new(),
            terms,
        };
        (payment, owed.into_iter().collect())
    }

    /// Whether it was cancelled.
    pub fn is_voided(&self) -> bool {
        self.state == State::Canceled
    }

    /// What is still to be paid; nothing once it is cancelled.
    pub fn due(&self) -> Result<Money> {
        match self.state {
            State::Canceled => Ok(self.nothing()),
            _ => Ok(self.amount.checked_sub(self.captured).map_err(corrupt)?),
        }
    }

    /// What came in and was not given back.
    pub fn refundable(&self) -> Result<Money> {
        Ok(self.captured.checked_sub(self.refunded).map_err(corrupt)?)
    }

    /// The attempt of which money may still come.
    pub fn live_attempt(&self) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.is_live())
    }

    /// Whether money came in, is reserved, or may be.
    pub fn is_touched(&self) -> bool {
        !self.captured.is_zero() || self.live_attempt().is_some()
    }

    /// Notes money that people took; it pays the debt.
    pub fn record(&mut self, movement: Movement, now: DateTime<Utc>) -> Result<Change> {
        let by_hand = self.by_hand()?;
        self.same_currency(movement.amount)?;
        if self.is_voided() {
            return Err(Error::PaymentVoided);
        }
        let due = self.due()?;
        if movement.amount.minor() > due.minor() {
            return Err(Error::AmountExceedsDue { due });
        }

        let in_full = movement.amount == due;
        let happening = if in_full { Happening::CapturedInFull } else { Happening::CapturedInPart };
        self.state = self.state.after(happening).ok_or(Error::AmountExceedsDue { due })?;
        self.captured = self.captured.checked_add(movement.amount).map_err(corrupt)?;
        let id = AttemptId::new();
        self.attempts.push(Attempt {
            id,
            provider: by_hand.provider.to_owned(),
            amount: movement.amount,
            captured: movement.amount,
            outcome: Outcome::Succeeded,
            reference: movement.note,
            create_time: now,
            charge: None,
        });
        let mut change = Change::none();
        change.post(Posting::of(by_hand.account, Account::Receivable, movement.amount));
        change.receipts.push(ReceiptCause::Capture(id));
        change.tell(Told::Recorded, self);
        Ok(change)
    }

    /// Gives money back: the sale shrinks and the buyer is owed. People pay out at once, a provider is asked to.
    pub fn refund(&mut self, movement: Movement, now: DateTime<Utc>) -> Result<Change> {
        self.same_currency(movement.amount)?;
        let unsummed = failpoint::planted!("payments.refund_without_sum");
        let refundable = if unsummed { self.captured } else { self.refundable()? };
        let too_much = Error::RefundExceedsCaptured { refundable, captured: self.captured };
        if movement.amount.minor() > refundable.minor() {
            return Err(too_much);
        }

        self.state = self.state.after(Happening::Refunded).ok_or(too_much)?;
        self.refunded = self.refunded.checked_add(movement.amount).map_err(corrupt)?;
        let mut change = Change::none();
        change.post(Posting::of(Account::Revenue, Account::RefundsPayable, movement.amount));
        let taken_by = self
            .attempts
            .iter()
            .find(|attempt| attempt.charge.is_some() && attempt.outcome == Outcome::Succeeded);
        let (attempt, by_hand) = (taken_by.map(|attempt| attempt.id), self.terms.method.by_hand());
        let refund = Refund {
            id: RefundId::new(),
            amount: movement.amount,
            reason: movement.note,
            state: if by_hand.is_some() { RefundState::Succeeded } else { RefundState::Pending },
            attempt,
            reference: String::new(),
            failure_code: String::new(),
            surplus: false,
            tries: 1,
            lines: movement.lines,
            create_time: now,
            next_ask_time: by_hand.is_none().then_some(now),
            send_time: None,
        };
        let id = refund.id;
        self.refunds.push(refund);
        match by_hand {
            Some(by_hand) => {
                change.post(Posting::of(Account::RefundsPayable, by_hand.account, movement.amount));
                change.receipts.push(ReceiptCause::Refund(id));
                change.tell(Told::Refunded, self);
            }
            None => change.tell(Told::RefundRequested, self),
        }
        Ok(change)
    }

    /// Cancels the intent: what came in is given back, what was not paid is not owed any more, and whatever a provider
    /// may still be doing is to be released.
    pub fn void(&mut self, reason: &str, now: DateTime<Utc>) -> Result<Change> {
        let (kept, due) = (self.refundable()?, self.due()?);
        let mut change = match kept.is_zero() {
            true => Change::none(),
            false => {
                let note = reason.to_owned();
                self.refund(Movement { amount: kept, note, lines: Vec::new() }, now)?
            }
        };
        self.state = self.state.after(Happening::Voided).ok_or(Error::PaymentVoided)?;
        self.want_release(now);
        change.post(Posting::of(Account::Revenue, Account::Receivable, due));
        change.tell(Told::Voided, self);
        Ok(change)
    }

    /// Changes what is to be paid. A revision that is known already changes nothing.
    pub fn change_amount(
        &mut self,
        revision: i32,
        amount: Money,
        lines: Vec<ReceiptLine>,
        now: DateTime<Utc>,
    ) -> Result<Change> {
        self.same_currency(amount)?;
        match revision.cmp(&self.amount_revision) {
            std::cmp::Ordering::Equal => return Ok(Change::none()),
            std::cmp::Ordering::Less => return Err(Error::StaleRevision { current: self.amount_revision }),
            std::cmp::Ordering::Greater => {}
        }
        if self.is_voided() {
            return Err(Error::PaymentVoided);
        }
        if amount.minor() < self.captured.minor() {
            return Err(Error::BelowCaptured { captured: self.captured });
        }
        if let Some(reserved) = self.reserved_at_most().filter(|reserved| amount.minor() > reserved.minor()) {
            return Err(Error::AboveAuthorized { authorized: reserved });
        }

        let (before, due) = (self.amount, amount.checked_sub(self.captured).map_err(corrupt)?);
        let happening = match (due.is_zero(), self.captured.is_zero()) {
            (true, _) => Happening::ChangedToNothingDue,
            (false, true) => Happening::ChangedToAllDue,
            (false, false) => Happening::ChangedToPartDue,
        };
        let state = self.state.after(happening).ok_or(Error::PaymentVoided)?;
        self.state = match self.live_attempt() {
            // Nothing was due for a while, so it is to be released; until it is, no other can begin.
            Some(attempt) if state == State::RequiresPayment => attempt.outcome.state_while_live(),
            _ => state,
        };
        (self.amount, self.amount_revision) = (amount, revision);
        if !lines.is_empty() {
            self.lines = lines;
        }
        if due.is_zero() {
            self.want_release(now);
        }
        let mut change = Change::none();
        let more = amount.checked_sub(before).map_err(corrupt)?;
        let less = before.checked_sub(amount).map_err(corrupt)?;
        change.post(Posting::of(Account::Receivable, Account::Revenue, more));
        change.post(Posting::of(Account::Revenue, Account::Receivable, less));
        change.tell(Told::AmountChanged, self);
        Ok(change)
    }

    /// Whatever a provider may still be doing is to be released.
    pub(super) fn want_release(&mut self, now: DateTime<Utc>) {
        for attempt in self.attempts.iter_mut().filter(|attempt| attempt.is_live()) {
            if let Some(charge) = &mut attempt.charge {
                charge.wanted = Wanted::Release;
                // Its first answer may still be on its way; whoever waits for it releases then.
                let soonest = charge.next_ask_time.filter(|_| attempt.outcome == Outcome::Unknown);
                charge.next_ask_time = Some(soonest.unwrap_or(now));
            }
        }
    }

    pub(super) fn nothing(&self) -> Money {
        Money::zero(self.terms.amount.currency())
    }

    fn by_hand(&self) -> Result<ByHand> {
        let provider = self.terms.method.as_str();
        self.terms.method.by_hand().ok_or(Error::RecordedByProvider { provider })
    }

    pub(super) fn same_currency(&self, amount: Money) -> Result<()> {
        let expected = self.terms.amount.currency();
        if amount.currency() == expected { Ok(()) } else { Err(Error::CurrencyMismatch { expected }) }
    }
}

/// Sums of one intent stay within its amount; anything else was not written by this code.
pub(super) fn corrupt(error: types::MoneyError) -> store::Error {
    store::Error::Corrupt(error.to_string())
}
