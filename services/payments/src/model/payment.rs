//! A payment intent: what is to be paid for one order, what came in and what was given back.
//!
//! Every decision answers what is to be booked; the invariants `refunded ≤ captured ≤ amount` and debits = credits hold
//! after each.

use chrono::{DateTime, Utc};
use types::{AttemptId, LegalEntityId, Money, OrderId, PaymentId, RefundId, ShopId};

use crate::error::{Error, Result};
use crate::model::ledger::{Account, Posting};
use crate::model::payment_state::{Happening, State};

/// How the buyer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The courier takes cash.
    CashOnDelivery,
    /// The buyer transfers the money.
    BankTransfer,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 2] = [Self::CashOnDelivery, Self::BankTransfer];

    /// The word in the database and in history.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CashOnDelivery => "cash_on_delivery",
            Self::BankTransfer => "bank_transfer",
        }
    }
}

/// What was agreed; never changes. The same id with other terms is another intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub payment_id: PaymentId,
    pub order_id: OrderId,
    pub shop_id: ShopId,
    pub legal_entity_id: Option<LegalEntityId>,
    pub method: Method,
    /// Not negative.
    pub amount: Money,
}

/// What a provider answers when an intent is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Where the intent stands at first.
    pub state: State,
    /// What the buyer must know to pay.
    pub instructions: String,
}

/// How a try to move money in ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Succeeded,
    Failed,
    /// Not known yet: the provider is asked, never charged again.
    Unknown,
}

/// When money that is owed back reaches the buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payout {
    /// It is in the buyer's hands.
    Done,
    /// The provider will tell.
    Later,
}

/// Money to take or to give back, and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    pub amount: Money,
    /// The account of the money.
    pub account: Account,
    /// The provider that moves it.
    pub provider: &'static str,
    /// The document of money that came in, the reason of money given back.
    pub note: String,
}

/// One try to move money in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub id: AttemptId,
    pub provider: String,
    pub amount: Money,
    pub outcome: Outcome,
    pub reference: String,
    pub create_time: DateTime<Utc>,
}

/// Money given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    pub id: RefundId,
    pub amount: Money,
    pub reason: String,
    pub create_time: DateTime<Utc>,
}

/// An intent with all its attempts and refunds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub terms: Terms,
    pub state: State,
    pub captured: Money,
    pub refunded: Money,
    pub instructions: String,
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
            state: if terms.amount.is_zero() { State::Succeeded } else { opened.state },
            captured: nothing,
            refunded: nothing,
            instructions: opened.instructions,
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
            State::Canceled => Ok(Money::zero(self.terms.amount.currency())),
            _ => Ok(self.terms.amount.checked_sub(self.captured).map_err(corrupt)?),
        }
    }

    /// What came in and was not given back.
    pub fn refundable(&self) -> Result<Money> {
        Ok(self.captured.checked_sub(self.refunded).map_err(corrupt)?)
    }

    /// Notes a try to take money; what succeeded pays the debt.
    pub fn record(
        &mut self,
        movement: Movement,
        outcome: Outcome,
        now: DateTime<Utc>,
    ) -> Result<Vec<Posting>> {
        self.same_currency(movement.amount)?;
        if self.is_voided() {
            return Err(Error::PaymentVoided);
        }
        let due = self.due()?;
        if movement.amount.minor() > due.minor() {
            return Err(Error::AmountExceedsDue { due });
        }

        self.attempts.push(Attempt {
            id: AttemptId::new(),
            provider: movement.provider.to_owned(),
            amount: movement.amount,
            outcome,
            reference: movement.note,
            create_time: now,
        });
        self.version += 1;
        if outcome != Outcome::Succeeded {
            return Ok(Vec::new());
        }
        let in_full = movement.amount == due;
        let happening = if in_full { Happening::CapturedInFull } else { Happening::CapturedInPart };
        self.state = self.state.after(happening).ok_or(Error::AmountExceedsDue { due })?;
        self.captured = self.captured.checked_add(movement.amount).map_err(corrupt)?;
        Ok(Posting::of(movement.account, Account::Receivable, movement.amount).into_iter().collect())
    }

    /// Gives money back: the sale shrinks, the buyer is owed, and is paid out when the provider has done so.
    pub fn refund(&mut self, movement: Movement, payout: Payout, now: DateTime<Utc>) -> Result<Vec<Posting>> {
        self.same_currency(movement.amount)?;
        let refundable = self.refundable()?;
        if movement.amount.minor() > refundable.minor() {
            return Err(Error::RefundExceedsCaptured { refundable });
        }

        self.state =
            self.state.after(Happening::Refunded).ok_or(Error::RefundExceedsCaptured { refundable })?;
        self.refunded = self.refunded.checked_add(movement.amount).map_err(corrupt)?;
        self.version += 1;
        let reason = movement.note;
        self.refunds.push(Refund { id: RefundId::new(), amount: movement.amount, reason, create_time: now });
        let owed_back = Posting::of(Account::Revenue, Account::RefundsPayable, movement.amount);
        let paid_out = Posting::of(Account::RefundsPayable, movement.account, movement.amount);
        match payout {
            Payout::Done => Ok(owed_back.into_iter().chain(paid_out).collect()),
            Payout::Later => Ok(owed_back.into_iter().collect()),
        }
    }

    /// Cancels what was opened and not paid: the exact opposite of opening it. What came in was refunded before.
    pub fn void(&mut self) -> Result<Vec<Posting>> {
        let kept = self.refundable()?;
        if !kept.is_zero() {
            return Err(
                store::Error::Corrupt(format!("{} voided with {kept} kept", self.terms.payment_id)).into()
            );
        }
        let due = self.due()?;
        self.state = self.state.after(Happening::Voided).ok_or(Error::PaymentVoided)?;
        self.version += 1;
        Ok(Posting::of(Account::Revenue, Account::Receivable, due).into_iter().collect())
    }

    fn same_currency(&self, amount: Money) -> Result<()> {
        let expected = self.terms.amount.currency();
        if amount.currency() == expected { Ok(()) } else { Err(Error::CurrencyMismatch { expected }) }
    }
}

/// Sums of one intent stay within its amount; anything else was not written by this code.
fn corrupt(error: types::MoneyError) -> store::Error {
    store::Error::Corrupt(error.to_string())
}
