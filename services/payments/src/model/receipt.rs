//! A fiscal receipt of one capture or one refund.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use store::{Error as StoreError, Tx};
use types::{Money, OrderId, PaymentAccountId, PaymentId, ReceiptId, ShopId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::change::ReceiptCause;
use crate::model::payment::Payment;
use crate::model::payment_rows::read_currency;
use crate::model::receipt_line::{self, ReceiptLine};
use crate::schema::receipts as rows;

/// What a receipt is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptKind {
    Sale,
    Refund,
}

/// Where a receipt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptState {
    /// Waits to be sent to the registrar.
    Queued,
    /// The registrar works on it.
    Sent,
    Done,
    /// The registrar refused it.
    Failed,
}

/// A fiscal receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub id: ReceiptId,
    pub payment: PaymentId,
    pub order: OrderId,
    pub shop: ShopId,
    pub account: PaymentAccountId,
    pub kind: ReceiptKind,
    /// `att_…` or `rfd_…`.
    pub cause: String,
    pub amount: Money,
    pub lines: Vec<ReceiptLine>,
    pub state: ReceiptState,
    pub failure_code: String,
    /// Grows when a refusal is tried again.
    pub tries: i32,
    /// The registrar's id.
    pub reference: String,
    pub fiscal: Fiscal,
    pub asks: i32,
    pub next_ask_time: Option<DateTime<Utc>>,
    pub version: i64,
    pub create_time: DateTime<Utc>,
    pub settle_time: Option<DateTime<Utc>>,
}

/// What the registrar wrote on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fiscal {
    pub storage: String,
    pub document: String,
    pub sign: String,
}

/// What a registrar says of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiptReport {
    /// It has it, under this id.
    Accepted {
        reference: String,
    },
    Done(Fiscal),
    /// Refused for good.
    Failed {
        code: String,
    },
}

/// The longest pause between two questions about a receipt.
const PAUSE_MAX: Duration = Duration::from_secs(600);

impl Receipt {
    /// The receipt of what happened to a payment, for the registrar account `account`.
    pub fn of(
        payment: &Payment,
        cause: ReceiptCause,
        account: PaymentAccountId,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>> {
        let (kind, cause, amount, own_lines) = match cause {
            ReceiptCause::Capture(id) => {
                let found = payment.attempts.iter().find(|attempt| attempt.id == id);
                let Some(attempt) = found else { return Ok(None) };
                (ReceiptKind::Sale, id.to_string(), attempt.captured, &[][..])
            }
            ReceiptCause::Refund(id) => {
                let found = payment.refunds.iter().find(|refund| refund.id == id);
                let Some(refund) = found else { return Ok(None) };
                (ReceiptKind::Refund, id.to_string(), refund.amount, refund.lines.as_slice())
            }
        };
        let lines = if own_lines.is_empty() { payment.lines.as_slice() } else { own_lines };
        let whole = format!("Order {}", payment.terms.order_id);
        Ok(Some(Self {
            id: ReceiptId::new(),
            payment: payment.terms.payment_id,
            order: payment.terms.order_id,
            shop: payment.terms.shop_id,
            account,
            kind,
            cause,
            amount,
            lines: receipt_line::in_proportion(lines, amount, &whole)?,
            state: ReceiptState::Queued,
            failure_code: String::new(),
            tries: 1,
            reference: String::new(),
            fiscal: Fiscal::default(),
            asks: 0,
            next_ask_time: Some(now),
            version: 1,
            create_time: now,
            settle_time: None,
        }))
    }

    /// The id by which the registrar recognises a repeat.
    pub fn external_id(&self) -> String {
        match self.tries {
            1 => self.id.to_string(),
            tries => format!("{}-{tries}", self.id),
        }
    }

    /// Takes what the registrar says. Answers whether it is settled by that.
    pub fn follow(&mut self, report: ReceiptReport, now: DateTime<Utc>) -> Settled {
        if matches!(self.state, ReceiptState::Done | ReceiptState::Failed) {
            return Settled::Before;
        }
        self.failure_code.clear();
        match report {
            ReceiptReport::Accepted { reference } => {
                (self.state, self.reference) = (ReceiptState::Sent, reference);
                return Settled::NotYet;
            }
            ReceiptReport::Done(fiscal) => (self.state, self.fiscal) = (ReceiptState::Done, fiscal),
            ReceiptReport::Failed { code } => {
                (self.state, self.failure_code) = (ReceiptState::Failed, code);
            }
        }
        (self.settle_time, self.next_ask_time) = (Some(now), None);
        self.version += 1;
        Settled::Now
    }

    /// A refused receipt is sent again, under a new external id: the refused one is used up.
    pub fn retry(&mut self, now: DateTime<Utc>) -> Result<()> {
        match self.state {
            ReceiptState::Failed => {}
            ReceiptState::Queued | ReceiptState::Sent | ReceiptState::Done => {
                return Err(Error::ReceiptNotFailed { state: self.state.as_str() });
            }
        }
        (self.state, self.asks) = (ReceiptState::Queued, 0);
        (self.next_ask_time, self.settle_time) = (Some(now), None);
        self.reference.clear();
        self.tries += 1;
        self.version += 1;
        Ok(())
    }

    /// How long to wait after the question number `asks`.
    pub fn pause(asks: i32) -> Duration {
        Duration::from_secs(2 << asks.clamp(0, 9)).min(PAUSE_MAX)
    }
}

/// Whether a report settled a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    NotYet,
    Now,
    Before,
}

impl ReceiptKind {
    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Refund => "refund",
        }
    }
}

impl ReceiptState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Sent, Self::Done, Self::Failed];

    /// The word in the database and in history.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// A row of `receipts`.
#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = rows, primary_key(receipt_id), treat_none_as_null = true)]
pub struct ReceiptRow {
    receipt_id: Uuid,
    payment_id: Uuid,
    order_id: Uuid,
    shop_id: Uuid,
    account_id: Uuid,
    kind: String,
    cause_id: String,
    currency: String,
    amount: i64,
    lines: String,
    state: String,
    failure_code: String,
    #[diesel(column_name = "try_")]
    tries: i32,
    reference: String,
    fiscal_storage: String,
    fiscal_document: String,
    fiscal_sign: String,
    asks: i32,
    next_ask_time: Option<DateTime<Utc>>,
    version: i64,
    create_time: DateTime<Utc>,
    settle_time: Option<DateTime<Utc>>,
}

/// Queues a receipt; one cause has one.
pub async fn insert(tx: &mut Tx, receipt: &Receipt) -> Result<()> {
    let row = ReceiptRow::of(receipt);
    diesel::insert_into(rows::table).values(&row).on_conflict_do_nothing().execute(tx.conn()).await?;
    Ok(())
}

/// The receipt with this id, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: ReceiptId) -> Result<Option<Receipt>> {
    let row = rows::table.find(id.uuid()).select(ReceiptRow::as_select()).for_update();
    let row: Option<ReceiptRow> = row.first(tx.conn()).await.optional()?;
    row.map(ReceiptRow::read).transpose()
}

/// Saves a receipt that was locked.
pub async fn save(tx: &mut Tx, receipt: &Receipt) -> Result<()> {
    let row = ReceiptRow::of(receipt);
    diesel::update(rows::table.find(row.receipt_id)).set(&row).execute(tx.conn()).await?;
    Ok(())
}

impl ReceiptRow {
    /// What the keyset of a list is made of.
    pub fn key(&self) -> (DateTime<Utc>, Uuid) {
        (self.create_time, self.receipt_id)
    }

    /// The receipt.
    pub fn read(self) -> Result<Receipt> {
        let currency = read_currency(&self.currency)?;
        let state = ReceiptState::ALL.into_iter().find(|state| state.as_str() == self.state);
        let kinds = [ReceiptKind::Sale, ReceiptKind::Refund];
        let kind = kinds.into_iter().find(|kind| kind.as_str() == self.kind);
        let corrupt = |what: &str| StoreError::Corrupt(format!("{what} of a receipt"));
        Ok(Receipt {
            id: ReceiptId::from_uuid(self.receipt_id),
            payment: PaymentId::from_uuid(self.payment_id),
            order: OrderId::from_uuid(self.order_id),
            shop: ShopId::from_uuid(self.shop_id),
            account: PaymentAccountId::from_uuid(self.account_id),
            kind: kind.ok_or_else(|| corrupt("kind"))?,
            cause: self.cause_id,
            amount: Money::new(currency, self.amount),
            lines: receipt_line::read(&self.lines, currency)?,
            state: state.ok_or_else(|| corrupt("state"))?,
            failure_code: self.failure_code,
            tries: self.tries,
            reference: self.reference,
            fiscal: Fiscal {
                storage: self.fiscal_storage,
                document: self.fiscal_document,
                sign: self.fiscal_sign,
            },
            asks: self.asks,
            next_ask_time: self.next_ask_time,
            version: self.version,
            create_time: self.create_time,
            settle_time: self.settle_time,
        })
    }

    fn of(receipt: &Receipt) -> Self {
        Self {
            receipt_id: receipt.id.uuid(),
            payment_id: receipt.payment.uuid(),
            order_id: receipt.order.uuid(),
            shop_id: receipt.shop.uuid(),
            account_id: receipt.account.uuid(),
            kind: receipt.kind.as_str().to_owned(),
            cause_id: receipt.cause.clone(),
            currency: receipt.amount.currency().code().to_owned(),
            amount: receipt.amount.minor(),
            lines: receipt_line::write(&receipt.lines),
            state: receipt.state.as_str().to_owned(),
            failure_code: receipt.failure_code.clone(),
            tries: receipt.tries,
            reference: receipt.reference.clone(),
            fiscal_storage: receipt.fiscal.storage.clone(),
            fiscal_document: receipt.fiscal.document.clone(),
            fiscal_sign: receipt.fiscal.sign.clone(),
            asks: receipt.asks,
            next_ask_time: receipt.next_ask_time,
            version: receipt.version,
            create_time: receipt.create_time,
            settle_time: receipt.settle_time,
        }
    }
}
