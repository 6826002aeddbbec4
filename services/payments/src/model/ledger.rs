//! The books: postings whose debits equal their credits, over a small chart of accounts.

use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use store::{Tx, cached_sql};
use types::{Money, OrderId, PaymentId, ShopId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::payment::Terms;

/// The chart of accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Account {
    /// What buyers owe. An asset.
    Receivable,
    /// What was sold, less what was given back. Income.
    Revenue,
    /// Cash that couriers took. An asset.
    CashOnDelivery,
    /// Money on the bank account. An asset.
    Bank,
    /// Money that card providers took and have not transferred yet. An asset.
    Acquirer,
    /// What is owed back to buyers and was not paid out yet. A liability.
    RefundsPayable,
}

impl Account {
    /// All accounts.
    pub const ALL: [Self; 6] = [
        Self::Receivable,
        Self::Revenue,
        Self::CashOnDelivery,
        Self::Bank,
        Self::Acquirer,
        Self::RefundsPayable,
    ];

    /// The name in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Receivable => "receivable",
            Self::Revenue => "revenue",
            Self::CashOnDelivery => "cash_on_delivery",
            Self::Bank => "bank",
            Self::Acquirer => "acquirer",
            Self::RefundsPayable => "refunds_payable",
        }
    }
}

impl std::str::FromStr for Account {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|account| account.as_str() == name);
        found.ok_or("one of receivable, revenue, cash_on_delivery, bank, acquirer, refunds_payable")
    }
}

/// `amount` moves: one account is debited, the other credited. Balanced by construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// What the two entries share.
    pub id: Uuid,
    /// The account that is debited.
    pub debit: Account,
    /// The account that is credited.
    pub credit: Account,
    /// More than nothing.
    pub amount: Money,
}

impl Posting {
    /// Debits one account and credits the other; nothing to move is no posting.
    pub fn of(debit: Account, credit: Account, amount: Money) -> Option<Self> {
        let worth_posting = amount.minor() > 0;
        worth_posting.then(|| Self { id: Uuid::now_v7(), debit, credit, amount })
    }
}

/// One side of a posting, as it is stored.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Grows with every entry.
    pub sequence: i64,
    /// Shared by the entries of one posting.
    pub posting_id: Uuid,
    /// The account's name.
    pub account: String,
    /// Zero on the credit side.
    pub debit: Money,
    /// Zero on the debit side.
    pub credit: Money,
    /// The payment it belongs to.
    pub payment_id: PaymentId,
    /// The order of the payment.
    pub order_id: OrderId,
    /// The shop of the payment.
    pub shop_id: ShopId,
    /// When it was posted.
    pub post_time: chrono::DateTime<chrono::Utc>,
}

/// Writes postings, each for the payment it belongs to, with one statement.
pub async fn post(tx: &mut Tx, postings: &[(&Terms, &Posting)]) -> Result<()> {
    if postings.is_empty() {
        return Ok(());
    }
    let now = tx.now();
    let text =
        |pick: fn(&Posting) -> &'static str| postings.iter().map(|(_, one)| pick(one)).collect::<Vec<_>>();
    let uuids = |pick: fn(&Terms) -> Uuid| postings.iter().map(|(terms, _)| pick(terms)).collect::<Vec<_>>();
    cached_sql(
        "INSERT INTO ledger_entries (posting_id, account, currency, debit, credit, payment_id, order_id, shop_id, post_time)
         SELECT p.posting_id, side.account, p.currency, side.debit, side.credit, p.payment_id, p.order_id, p.shop_id, $9
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) WITH ORDINALITY
              AS p (posting_id, debit_account, credit_account, currency, amount, payment_id, order_id, shop_id, ordinal)
         CROSS JOIN LATERAL (VALUES (1, p.debit_account, p.amount, 0), (2, p.credit_account, 0, p.amount))
              AS side (ordinal, account, debit, credit)
         ORDER BY p.ordinal, side.ordinal",
    )
    .bind::<Array<SqlUuid>, _>(postings.iter().map(|(_, one)| one.id).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(text(|posting| posting.debit.as_str()))
    .bind::<Array<Text>, _>(text(|posting| posting.credit.as_str()))
    .bind::<Array<Text>, _>(text(|posting| posting.amount.currency().code()))
    .bind::<Array<BigInt>, _>(postings.iter().map(|(_, one)| one.amount.minor()).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(uuids(|terms| terms.payment_id.uuid()))
    .bind::<Array<SqlUuid>, _>(uuids(|terms| terms.order_id.uuid()))
    .bind::<Array<SqlUuid>, _>(uuids(|terms| terms.shop_id.uuid()))
    .bind::<Timestamptz, _>(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}
