//! Payments in their tables: loading, locking, saving.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Error as StoreError, Tx};
use types::{AttemptId, Currency, Money, PaymentId, RefundId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::ledger::{self, Posting};
use crate::model::payment::{Attempt, Method, Outcome, Payment, Refund, Terms};
use crate::model::payment_state::State;
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
    captured: i64,
    refunded: i64,
    instructions: String,
    version: i64,
    create_time: DateTime<Utc>,
}

type AttemptRow = (Uuid, Uuid, String, i64, String, String, DateTime<Utc>);
type RefundRow = (Uuid, Uuid, i64, String, DateTime<Utc>);

/// The payment with this id.
pub async fn find(conn: &mut AsyncPgConnection, id: PaymentId) -> Result<Option<Stored>> {
    Ok(find_all(conn, &[id]).await?.remove(&id))
}

/// The payments with these ids.
pub async fn find_all(conn: &mut AsyncPgConnection, ids: &[PaymentId]) -> Result<HashMap<PaymentId, Stored>> {
    let ids: Vec<Uuid> = ids.iter().map(PaymentId::uuid).collect();
    let rows = payments::table.filter(payments::payment_id.eq_any(&ids)).select(PaymentRow::as_select());
    let rows: Vec<PaymentRow> = rows.load(conn).await?;
    assemble(conn, rows).await
}

/// The payment with this id, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: PaymentId) -> Result<Option<Stored>> {
    let row = payments::table.find(id.uuid()).select(PaymentRow::as_select()).for_update();
    let row: Option<PaymentRow> = row.first(tx.conn()).await.optional()?;
    Ok(assemble(tx.conn(), row.into_iter().collect()).await?.remove(&id))
}

/// Payments of rows, in the order of the rows.
pub async fn in_order(conn: &mut AsyncPgConnection, rows: Vec<PaymentRow>) -> Result<Vec<Payment>> {
    let ids: Vec<_> = rows.iter().map(|row| PaymentId::from_uuid(row.payment_id)).collect();
    let mut found = assemble(conn, rows).await?;
    Ok(ids.iter().filter_map(|id| found.remove(id)?.payment()).collect())
}

/// Saves what a decision changed: the payment, attempts and refunds beyond those `before`, and the postings.
pub async fn save(tx: &mut Tx, payment: &Payment, before: &Payment, postings: &[Posting]) -> Result<()> {
    let id = payment.terms.payment_id.uuid();
    let attempts = payment.attempts.iter().enumerate().skip(before.attempts.len()).map(|(at, attempt)| {
        (
            payment_attempts::attempt_id.eq(attempt.id.uuid()),
            payment_attempts::payment_id.eq(id),
            payment_attempts::ordinal.eq(at as i32 + 1),
            payment_attempts::provider.eq(&attempt.provider),
            payment_attempts::amount.eq(attempt.amount.minor()),
            payment_attempts::outcome.eq(outcome_word(attempt.outcome)),
            payment_attempts::reference.eq(&attempt.reference),
            payment_attempts::create_time.eq(attempt.create_time),
        )
    });
    let given_back = payment.refunds.iter().enumerate().skip(before.refunds.len()).map(|(at, refund)| {
        (
            refunds::refund_id.eq(refund.id.uuid()),
            refunds::payment_id.eq(id),
            refunds::ordinal.eq(at as i32 + 1),
            refunds::amount.eq(refund.amount.minor()),
            refunds::reason.eq(&refund.reason),
            refunds::create_time.eq(refund.create_time),
        )
    });
    let (attempts, given_back): (Vec<_>, Vec<_>) = (attempts.collect(), given_back.collect());

    diesel::update(payments::table.find(id))
        .set((
            payments::state.eq(payment.state.as_str()),
            payments::captured.eq(payment.captured.minor()),
            payments::refunded.eq(payment.refunded.minor()),
            payments::version.eq(payment.version),
        ))
        .execute(tx.conn())
        .await?;
    if !attempts.is_empty() {
        diesel::insert_into(payment_attempts::table).values(attempts).execute(tx.conn()).await?;
    }
    if !given_back.is_empty() {
        diesel::insert_into(refunds::table).values(given_back).execute(tx.conn()).await?;
    }
    let postings: Vec<_> = postings.iter().map(|posting| (&payment.terms, posting)).collect();
    ledger::post(tx, &postings).await
}

async fn assemble(conn: &mut AsyncPgConnection, rows: Vec<PaymentRow>) -> Result<HashMap<PaymentId, Stored>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.payment_id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let attempts = payment_attempts::table
        .filter(payment_attempts::payment_id.eq_any(&ids))
        .order((payment_attempts::payment_id, payment_attempts::ordinal))
        .select((
            payment_attempts::payment_id,
            payment_attempts::attempt_id,
            payment_attempts::provider,
            payment_attempts::amount,
            payment_attempts::outcome,
            payment_attempts::reference,
            payment_attempts::create_time,
        ))
        .load::<AttemptRow>(conn)
        .await?;
    let given_back = refunds::table
        .filter(refunds::payment_id.eq_any(&ids))
        .order((refunds::payment_id, refunds::ordinal))
        .select((
            refunds::payment_id,
            refunds::refund_id,
            refunds::amount,
            refunds::reason,
            refunds::create_time,
        ))
        .load::<RefundRow>(conn)
        .await?;

    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        found.insert(PaymentId::from_uuid(row.payment_id), row.read()?);
    }
    for (payment, id, provider, amount, outcome, reference, create_time) in attempts {
        if let Some(Stored::Payment(payment)) = found.get_mut(&PaymentId::from_uuid(payment)) {
            let (id, outcome) = (AttemptId::from_uuid(id), read_outcome(&outcome)?);
            let amount = Money::new(payment.terms.amount.currency(), amount);
            payment.attempts.push(Attempt { id, provider, amount, outcome, reference, create_time });
        }
    }
    for (payment, id, amount, reason, create_time) in given_back {
        if let Some(Stored::Payment(payment)) = found.get_mut(&PaymentId::from_uuid(payment)) {
            let (id, amount) = (RefundId::from_uuid(id), Money::new(payment.terms.amount.currency(), amount));
            payment.refunds.push(Refund { id, amount, reason, create_time });
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
            amount: Money::new(currency, self.amount),
        };
        Ok(Stored::Payment(Box::new(Payment {
            terms,
            state: State::stored(&self.state)?,
            captured: Money::new(currency, self.captured),
            refunded: Money::new(currency, self.refunded),
            instructions: self.instructions,
            version: self.version,
            create_time: self.create_time,
            attempts: Vec::new(),
            refunds: Vec::new(),
        })))
    }
}

/// The currency of a stored code.
pub fn read_currency(code: &str) -> Result<Currency, StoreError> {
    code.parse().map_err(|error: types::MoneyError| StoreError::Corrupt(error.to_string()))
}

const fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
        Outcome::Unknown => "unknown",
    }
}

fn read_outcome(word: &str) -> Result<Outcome, StoreError> {
    let all = [Outcome::Succeeded, Outcome::Failed, Outcome::Unknown];
    let found = all.into_iter().find(|outcome| outcome_word(*outcome) == word);
    found.ok_or_else(|| StoreError::Corrupt(format!("attempt outcome {word:?}")))
}
