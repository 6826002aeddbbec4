//! Payments in their tables: loading, locking, saving.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Error as StoreError, Tx};
use types::{AttemptId, Currency, Money, PaymentAccountId, PaymentId, RefundId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::attempt::{Attempt, Charge, Outcome, Wanted};
use crate::model::ledger::{self, Posting};
use crate::model::payment::{Method, Payment, Terms};
use crate::model::payment_state::State;
use crate::model::receipt_line;
use crate::model::refund::{Refund, RefundState};
use crate::schema::{payment_attempts, payments, refunds};

/// What an id leads to.
#[derive(Debug, Clone)]
pub enum Stored {
    /// An intent.
    Payment(Box<Payment>),
    /// Voided before it was opened.
    Tombstone,
}

impl Stored {
    /// The intent; a tombstone is none.
    pub fn payment(self) -> Option<Payment> {
        match self {
            Self::Payment(payment) => Some(*payment),
            Self::Tombstone => None,
        }
    }
}

/// A row of `payments`.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = payments)]
pub struct PaymentRow {
    payment_id: Uuid,
    order_id: Option<Uuid>,
    shop_id: Option<Uuid>,
    legal_entity_id: Option<Uuid>,
    method: Option<String>,
    state: String,
    currency: String,
    amount: i64,
    opened_amount: Option<i64>,
    amount_revision: i32,
    authorized: i64,
    captured: i64,
    refunded: i64,
    instructions: String,
    receipt_lines: String,
    goods_left: bool,
    version: i64,
    create_time: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = payment_attempts, primary_key(attempt_id), treat_none_as_null = true)]
struct AttemptRow {
    attempt_id: Uuid,
    payment_id: Uuid,
    ordinal: i32,
    provider: String,
    amount: i64,
    captured: i64,
    outcome: String,
    reference: String,
    create_time: DateTime<Utc>,
    account_id: Option<Uuid>,
    automatic: bool,
    wanted: String,
    wanted_amount: i64,
    redirect_url: String,
    failure_code: String,
    next_ask_time: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = refunds, primary_key(refund_id), treat_none_as_null = true)]
struct RefundRow {
    refund_id: Uuid,
    payment_id: Uuid,
    ordinal: i32,
    amount: i64,
    reason: String,
    state: String,
    attempt_id: Option<Uuid>,
    reference: String,
    failure_code: String,
    surplus: bool,
    #[diesel(column_name = "try_")]
    tries: i32,
    receipt_lines: String,
    create_time: DateTime<Utc>,
    next_ask_time: Option<DateTime<Utc>>,
    send_time: Option<DateTime<Utc>>,
}

/// The payment with this id.
pub async fn find(conn: &mut AsyncPgConnection, id: PaymentId) -> Result<Option<Stored>> {
    Ok(find_all(conn, &[id]).await?.remove(&id))
}

/// The payment with this id as it was at one moment: jobs change it while it is being read.
pub async fn snapshot(conn: &mut AsyncPgConnection, id: PaymentId) -> Result<Option<Stored>> {
    let mut moment = conn.build_transaction().read_only().repeatable_read();
    moment.run(async |conn| find(conn, id).await).await
}

/// The payments with these ids.
pub async fn find_all(conn: &mut AsyncPgConnection, ids: &[PaymentId]) -> Result<HashMap<PaymentId, Stored>> {
    let ids: Vec<Uuid> = ids.iter().map(PaymentId::uuid).collect();
    let rows = payments::table.filter(payments::payment_id.eq_any(&ids)).select(PaymentRow::as_select());
    let rows: Vec<PaymentRow> = rows.load(conn).await?;
    assemble(conn, rows).await
}

/// The payment of an attempt.
pub async fn of_attempt(conn: &mut AsyncPgConnection, id: AttemptId) -> Result<Option<Payment>> {
    let attempts = payment_attempts::table.find(id.uuid()).select(payment_attempts::payment_id);
    let payment: Option<Uuid> = attempts.first(conn).await.optional()?;
    let Some(payment) = payment else { return Ok(None) };
    Ok(find(conn, PaymentId::from_uuid(payment)).await?.and_then(Stored::payment))
}

/// The payment of a refund.
pub async fn of_refund(conn: &mut AsyncPgConnection, id: RefundId) -> Result<Option<Payment>> {
    let payment = refunds::table.find(id.uuid()).select(refunds::payment_id);
    let payment: Option<Uuid> = payment.first(conn).await.optional()?;
    let Some(payment) = payment else { return Ok(None) };
    Ok(find(conn, PaymentId::from_uuid(payment)).await?.and_then(Stored::payment))
}

/// The payment with this id, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: PaymentId) -> Result<Option<Stored>> {
    let row = payments::table.find(id.uuid()).select(PaymentRow::as_select()).for_update();
    let row: Option<PaymentRow> = row.first(tx.conn()).await.optional()?;
    // A job moves the times of attempts without the payment's lock; what is saved here must not move them back.
    let attempts = payment_attempts::table.filter(payment_attempts::payment_id.eq(id.uuid()));
    let _: Vec<Uuid> = attempts.select(payment_attempts::attempt_id).for_update().load(tx.conn()).await?;
    Ok(assemble(tx.conn(), row.into_iter().collect()).await?.remove(&id))
}

/// Payments of rows, in the order of the rows.
pub async fn in_order(conn: &mut AsyncPgConnection, rows: Vec<PaymentRow>) -> Result<Vec<Payment>> {
    let ids: Vec<_> = rows.iter().map(|row| PaymentId::from_uuid(row.payment_id)).collect();
    let mut found = assemble(conn, rows).await?;
    Ok(ids.iter().filter_map(|id| found.remove(id)?.payment()).collect())
}

/// Saves what a decision changed: the payment, its attempts and refunds, and the postings.
pub async fn save(tx: &mut Tx, payment: &Payment, before: &Payment, postings: &[Posting]) -> Result<()> {
    let id = payment.terms.payment_id.uuid();
    let opened_amount = (payment.amount != payment.terms.amount).then_some(payment.terms.amount.minor());
    diesel::update(payments::table.find(id))
        .set((
            payments::state.eq(payment.state.as_str()),
            payments::amount.eq(payment.amount.minor()),
            payments::opened_amount.eq(opened_amount),
            payments::amount_revision.eq(payment.amount_revision),
            payments::authorized.eq(payment.authorized.minor()),
            payments::captured.eq(payment.captured.minor()),
            payments::refunded.eq(payment.refunded.minor()),
            payments::goods_left.eq(payment.goods_left),
            payments::version.eq(payment.version),
        ))
        .execute(tx.conn())
        .await?;
    if payment.lines != before.lines {
        diesel::update(payments::table.find(id))
            .set(payments::receipt_lines.eq(receipt_line::write(&payment.lines)))
            .execute(tx.conn())
            .await?;
    }
    save_attempts(tx, payment, before).await?;
    save_refunds(tx, payment, before).await?;
    let postings: Vec<_> = postings.iter().map(|posting| (&payment.terms, posting)).collect();
    ledger::post(tx, &postings).await
}

async fn save_attempts(tx: &mut Tx, payment: &Payment, before: &Payment) -> Result<()> {
    for (at, attempt) in payment.attempts.iter().enumerate() {
        let row = AttemptRow::of(payment, at, attempt);
        match before.attempts.get(at) {
            Some(known) if known == attempt => {}
            Some(_) => {
                diesel::update(payment_attempts::table.find(row.attempt_id))
                    .set(&row)
                    .execute(tx.conn())
                    .await?;
            }
            None => {
                diesel::insert_into(payment_attempts::table).values(&row).execute(tx.conn()).await?;
            }
        }
    }
    Ok(())
}

async fn save_refunds(tx: &mut Tx, payment: &Payment, before: &Payment) -> Result<()> {
    for (at, refund) in payment.refunds.iter().enumerate() {
        let row = RefundRow::of(payment, at, refund);
        match before.refunds.get(at) {
            Some(known) if known == refund => {}
            Some(_) => {
                diesel::update(refunds::table.find(row.refund_id)).set(&row).execute(tx.conn()).await?;
            }
            None => {
                diesel::insert_into(refunds::table).values(&row).execute(tx.conn()).await?;
            }
        }
    }
    Ok(())
}

async fn assemble(conn: &mut AsyncPgConnection, rows: Vec<PaymentRow>) -> Result<HashMap<PaymentId, Stored>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.payment_id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let attempts: Vec<AttemptRow> = payment_attempts::table
        .filter(payment_attempts::payment_id.eq_any(&ids))
        .order((payment_attempts::payment_id, payment_attempts::ordinal))
        .select(AttemptRow::as_select())
        .load(conn)
        .await?;
    let given_back: Vec<RefundRow> = refunds::table
        .filter(refunds::payment_id.eq_any(&ids))
        .order((refunds::payment_id, refunds::ordinal))
        .select(RefundRow::as_select())
        .load(conn)
        .await?;

    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        found.insert(PaymentId::from_uuid(row.payment_id), row.read()?);
    }
    for row in attempts {
        if let Some(Stored::Payment(payment)) = found.get_mut(&PaymentId::from_uuid(row.payment_id)) {
            payment.attempts.push(row.read(payment.terms.amount.currency())?);
        }
    }
    for row in given_back {
        if let Some(Stored::Payment(payment)) = found.get_mut(&PaymentId::from_uuid(row.payment_id)) {
            payment.refunds.push(row.read(payment.terms.amount.currency())?);
        }
    }
    Ok(found)
}

impl PaymentRow {
    /// What the keyset of a list is made of.
    pub fn key(&self) -> (DateTime<Utc>, Uuid) {
        (self.create_time, self.payment_id)
    }

    fn read(self) -> Result<Stored> {
        let (Some(order_id), Some(shop_id), Some(method)) = (self.order_id, self.shop_id, self.method) else {
            return Ok(Stored::Tombstone);
        };
        let currency = read_currency(&self.currency)?;
        let method = Method::ALL.into_iter().find(|known| known.as_str() == method);
        let terms = Terms {
            payment_id: PaymentId::from_uuid(self.payment_id),
            order_id: types::OrderId::from_uuid(order_id),
            shop_id: types::ShopId::from_uuid(shop_id),
            legal_entity_id: self.legal_entity_id.map(types::LegalEntityId::from_uuid),
            method: method.ok_or_else(|| StoreError::Corrupt("payment method".to_owned()))?,
            amount: Money::new(currency, self.opened_amount.unwrap_or(self.amount)),
        };
        Ok(Stored::Payment(Box::new(Payment {
            terms,
            amount: Money::new(currency, self.amount),
            amount_revision: self.amount_revision,
            state: State::stored(&self.state)?,
            authorized: Money::new(currency, self.authorized),
            captured: Money::new(currency, self.captured),
            refunded: Money::new(currency, self.refunded),
            instructions: self.instructions,
            lines: receipt_line::read(&self.receipt_lines, currency)?,
            goods_left: self.goods_left,
            version: self.version,
            create_time: self.create_time,
            attempts: Vec::new(),
            refunds: Vec::new(),
        })))
    }
}

impl AttemptRow {
    fn of(payment: &Payment, at: usize, attempt: &Attempt) -> Self {
        let charge = attempt.charge.as_ref();
        let text =
            |pick: fn(&Charge) -> &String| charge.map(|charge| pick(charge).clone()).unwrap_or_default();
        let (wanted, wanted_amount) = match charge.map_or(Wanted::Nothing, |charge| charge.wanted) {
            Wanted::Nothing => ("", 0),
            Wanted::Capture(amount) => ("capture", amount.minor()),
            Wanted::Release => ("release", 0),
        };
        Self {
            attempt_id: attempt.id.uuid(),
            payment_id: payment.terms.payment_id.uuid(),
            ordinal: ordinal(at),
            provider: attempt.provider.clone(),
            amount: attempt.amount.minor(),
            captured: attempt.captured.minor(),
            outcome: attempt.outcome.as_str().to_owned(),
            reference: attempt.reference.clone(),
            create_time: attempt.create_time,
            account_id: charge.map(|charge| charge.account.uuid()),
            automatic: charge.is_some_and(|charge| charge.automatic),
            wanted: wanted.to_owned(),
            wanted_amount,
            redirect_url: text(|charge| &charge.redirect_url),
            failure_code: text(|charge| &charge.failure_code),
            next_ask_time: charge.and_then(|charge| charge.next_ask_time),
        }
    }

    fn read(self, currency: Currency) -> Result<Attempt> {
        let wanted = match self.wanted.as_str() {
            "" => Wanted::Nothing,
            "capture" => Wanted::Capture(Money::new(currency, self.wanted_amount)),
            "release" => Wanted::Release,
            other => return Err(StoreError::Corrupt(format!("wanted of an attempt {other:?}")).into()),
        };
        let charge = self.account_id.map(|account| Charge {
            account: PaymentAccountId::from_uuid(account),
            automatic: self.automatic,
            wanted,
            redirect_url: self.redirect_url,
            failure_code: self.failure_code,
            next_ask_time: self.next_ask_time,
        });
        Ok(Attempt {
            id: AttemptId::from_uuid(self.attempt_id),
            provider: self.provider,
            amount: Money::new(currency, self.amount),
            captured: Money::new(currency, self.captured),
            outcome: Outcome::stored(&self.outcome)?,
            reference: self.reference,
            create_time: self.create_time,
            charge,
        })
    }
}

impl RefundRow {
    fn of(payment: &Payment, at: usize, refund: &Refund) -> Self {
        Self {
            refund_id: refund.id.uuid(),
            payment_id: payment.terms.payment_id.uuid(),
            ordinal: ordinal(at),
            amount: refund.amount.minor(),
            reason: refund.reason.clone(),
            state: refund.state.as_str().to_owned(),
            attempt_id: refund.attempt.map(|attempt| attempt.uuid()),
            reference: refund.reference.clone(),
            failure_code: refund.failure_code.clone(),
            surplus: refund.surplus,
            tries: refund.tries,
            receipt_lines: receipt_line::write(&refund.lines),
            create_time: refund.create_time,
            next_ask_time: refund.next_ask_time,
            send_time: refund.send_time,
        }
    }

    fn read(self, currency: Currency) -> Result<Refund> {
        Ok(Refund {
            id: RefundId::from_uuid(self.refund_id),
            amount: Money::new(currency, self.amount),
            reason: self.reason,
            state: RefundState::stored(&self.state)?,
            attempt: self.attempt_id.map(AttemptId::from_uuid),
            reference: self.reference,
            failure_code: self.failure_code,
            surplus: self.surplus,
            tries: self.tries,
            lines: receipt_line::read(&self.receipt_lines, currency)?,
            create_time: self.create_time,
            next_ask_time: self.next_ask_time,
            send_time: self.send_time,
        })
    }
}

/// Lists of one intent are short.
fn ordinal(at: usize) -> i32 {
    i32::try_from(at).unwrap_or(i32::MAX - 1) + 1
}

/// The currency of a stored code.
pub fn read_currency(code: &str) -> Result<Currency, StoreError> {
    code.parse().map_err(|error: types::MoneyError| StoreError::Corrupt(error.to_string()))
}
