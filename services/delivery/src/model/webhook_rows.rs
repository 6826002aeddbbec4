//! What carriers sent, as it came; the same body of an account is kept once.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use store::{Tx, cached_sql};
use types::CarrierAccountId;
use uuid::Uuid;

use crate::error::Result;
use crate::schema::carrier_webhooks as rows;

/// A webhook to apply.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub sequence: i64,
    pub account_id: CarrierAccountId,
    pub body: Vec<u8>,
    pub attempts: i32,
}

/// Keeps a webhook. Answers whether it is the first of its kind.
pub async fn keep(
    tx: &mut Tx,
    account: CarrierAccountId,
    digest: &[u8],
    body: &[u8],
    peer: &str,
) -> Result<bool> {
    let now = tx.now();
    let inserted = diesel::insert_into(rows::table)
        .values((
            rows::carrier_account_id.eq(account.uuid()),
            rows::digest.eq(digest),
            rows::body.eq(body),
            rows::peer.eq(peer),
            rows::receive_time.eq(now),
            rows::work_time.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await?;
    Ok(inserted == 1)
}

/// Takes the webhooks that are due, in the order they came; another worker does not see them until `lease`.
pub async fn claim(tx: &mut Tx, lease: DateTime<Utc>, limit: i64) -> Result<Vec<Webhook>> {
    let now = tx.now();
    let claimed: Vec<(i64, Uuid, Vec<u8>, i32)> = cached_sql(
        "WITH due AS (
            SELECT sequence FROM carrier_webhooks
            WHERE work_time <= $1 ORDER BY work_time, sequence LIMIT $2 FOR UPDATE SKIP LOCKED
         )
         UPDATE carrier_webhooks AS w SET work_time = $3, attempts = w.attempts + 1
         FROM due WHERE w.sequence = due.sequence
         RETURNING w.sequence, w.carrier_account_id, w.body, w.attempts",
    )
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(limit)
    .bind::<Timestamptz, _>(lease)
    .returns::<(BigInt, SqlUuid, Binary, Integer)>()
    .load(tx.conn())
    .await?;
    let mut claimed: Vec<Webhook> = claimed
        .into_iter()
        .map(|(sequence, account, body, attempts)| Webhook {
            sequence,
            account_id: CarrierAccountId::from_uuid(account),
            body,
            attempts,
        })
        .collect();
    claimed.sort_by_key(|webhook| webhook.sequence);
    Ok(claimed)
}

/// Notes what became of a webhook, and when it is looked at again.
pub async fn settle(tx: &mut Tx, sequence: i64, outcome: &str, again: Option<DateTime<Utc>>) -> Result<()> {
    diesel::update(rows::table.find(sequence))
        .set((rows::outcome.eq(outcome), rows::work_time.eq(again)))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets what was applied before `time`.
pub async fn forget_before(tx: &mut Tx, time: DateTime<Utc>, limit: i64) -> Result<usize> {
    let forgotten = cached_sql(
        "DELETE FROM carrier_webhooks WHERE sequence IN (
            SELECT sequence FROM carrier_webhooks
            WHERE receive_time < $1 AND work_time IS NULL ORDER BY receive_time LIMIT $2)",
    )
    .bind::<Timestamptz, _>(time)
    .bind::<BigInt, _>(limit)
    .execute(tx.conn())
    .await?;
    Ok(forgotten)
}
