//! Takes rows that are due, so that nobody else takes them before their next time.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use rpc::{Call, Caller};
use store::{Tx, cached_sql};
use uuid::Uuid;

use crate::Payments;
use crate::error::Result;

/// Rows that are taken at once.
const TAKEN_MAX: i64 = 64;
/// Rows that are worked on side by side.
pub const TOGETHER_MAX: usize = 16;
/// How long one row may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The statements for one table: which rows are due – their id, how often they were asked for, two words of theirs –
/// and when they are due next.
pub struct Table {
    pub due: &'static str,
    pub postpone: &'static str,
}

/// A row that was taken.
#[derive(Debug, Clone)]
pub struct Taken {
    pub id: Uuid,
    pub asks: i32,
    pub words: [String; 2],
}

/// A call of the service's own.
pub fn call() -> Call {
    Call::begin(Caller::service("payments"), PATIENCE)
}

/// Takes what is due; each is due again after its `pause`, should whoever took it fail.
pub async fn take(payments: &Payments, table: &Table, pause: fn(&Taken) -> Duration) -> Result<Vec<Taken>> {
    let (due, postpone) = (table.due, table.postpone);
    payments
        .store
        .transaction(&call(), async |tx: &mut Tx| {
            let now = tx.now();
            let rows: Vec<(Uuid, i32, String, String)> = cached_sql(due)
                .bind::<Timestamptz, _>(now)
                .bind::<BigInt, _>(TAKEN_MAX)
                .returns::<(SqlUuid, Integer, Text, Text)>()
                .load(tx.conn())
                .await?;
            if rows.is_empty() {
                return Ok(Vec::new());
            }
            let taken: Vec<Taken> =
                rows.into_iter().map(|(id, asks, one, two)| Taken { id, asks, words: [one, two] }).collect();
            let times: Vec<DateTime<Utc>> = taken.iter().map(|row| now + pause(row)).collect();
            cached_sql(postpone)
                .bind::<Array<SqlUuid>, _>(taken.iter().map(|row| row.id).collect::<Vec<_>>())
                .bind::<Array<Timestamptz>, _>(times)
                .execute(tx.conn())
                .await?;
            Ok(taken)
        })
        .await
}
