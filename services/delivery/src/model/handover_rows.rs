//! How parcels of the shop's own are handed over, in their table: slots, codes, and what proves it. Codes and proofs are sealed.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Tx, cached_sql};
use types::ShipmentId;
use uuid::Uuid;

use crate::error::Result;
use crate::model::schedule::SlotTime;
use crate::model::shipment::Handover;
use crate::schema::handovers as rows;

/// A code against which a parcel is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    pub sealed: Vec<u8>,
    /// Wrong ones that were tried in a row.
    pub wrong: i32,
    /// Until when none is taken.
    pub locked_until: Option<DateTime<Utc>>,
}

/// What is known of the handing over of parcels; the others are left out.
pub async fn find_all(conn: &mut AsyncPgConnection, shipments: &[Uuid]) -> Result<HashMap<Uuid, Handover>> {
    type Row = (Uuid, Option<DateTime<Utc>>, Option<DateTime<Utc>>, bool, bool);
    let found: Vec<Row> = cached_sql(
        "SELECT s.shipment_id, p.start_time, p.end_time, h.code_sealed IS NOT NULL, h.proof_sealed IS NOT NULL
         FROM shipments AS s
         LEFT JOIN plan_slots AS p ON p.delivery_plan_id = s.delivery_plan_id
         LEFT JOIN handovers AS h ON h.shipment_id = s.shipment_id
         WHERE s.shipment_id = ANY($1) AND (p.start_time IS NOT NULL OR h.shipment_id IS NOT NULL)",
    )
    .bind::<Array<SqlUuid>, _>(shipments)
    .returns::<(SqlUuid, Nullable<Timestamptz>, Nullable<Timestamptz>, Bool, Bool)>()
    .load(conn)
    .await?;
    let read = |(id, start, end, asks_for_code, has_proof): Row| {
        let slot = Option::zip(start, end).map(|(start, end)| SlotTime { start, end });
        (id, Handover { slot, asks_for_code, has_proof })
    };
    Ok(found.into_iter().map(read).collect())
}

/// Hands a parcel over against a code from now on.
pub async fn ask_for_code(tx: &mut Tx, shipment: ShipmentId, sealed: Vec<u8>) -> Result<()> {
    diesel::insert_into(rows::table)
        .values((rows::shipment_id.eq(shipment.uuid()), rows::code_sealed.eq(sealed)))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The code of a parcel.
pub async fn find_code(conn: &mut AsyncPgConnection, shipment: ShipmentId) -> Result<Option<Code>> {
    let found = rows::table.find(shipment.uuid());
    let found = found.select((rows::code_sealed, rows::wrong_codes, rows::locked_until_time));
    Ok(code(found.first(conn).await.optional()?))
}

/// The code of a parcel, which nobody else tries until the transaction ends.
pub async fn lock_code(tx: &mut Tx, shipment: ShipmentId) -> Result<Option<Code>> {
    let found = rows::table.find(shipment.uuid());
    let found = found.select((rows::code_sealed, rows::wrong_codes, rows::locked_until_time)).for_update();
    Ok(code(found.first(tx.conn()).await.optional()?))
}

/// Saves what was tried.
pub async fn save_tries(tx: &mut Tx, shipment: ShipmentId, code: &Code) -> Result<()> {
    diesel::update(rows::table.find(shipment.uuid()))
        .set((rows::wrong_codes.eq(code.wrong), rows::locked_until_time.eq(code.locked_until)))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Keeps the first proof of a parcel; a later one is dropped.
pub async fn keep_proof(
    tx: &mut Tx,
    shipment: ShipmentId,
    sealed: Vec<u8>,
    time: DateTime<Utc>,
) -> Result<()> {
    cached_sql(
        "INSERT INTO handovers AS h (shipment_id, proof_sealed, proof_time) VALUES ($1, $2, $3)
         ON CONFLICT (shipment_id) DO UPDATE SET proof_sealed = excluded.proof_sealed, proof_time = excluded.proof_time
         WHERE h.proof_time IS NULL",
    )
    .bind::<SqlUuid, _>(shipment.uuid())
    .bind::<Binary, _>(sealed)
    .bind::<Timestamptz, _>(time)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The sealed proof of a parcel.
pub async fn find_proof(conn: &mut AsyncPgConnection, shipment: ShipmentId) -> Result<Option<Vec<u8>>> {
    let found = rows::table.find(shipment.uuid()).select(rows::proof_sealed);
    Ok(found.first::<Option<Vec<u8>>>(conn).await.optional()?.flatten())
}

/// Forgets what proofs that are older hold, at most of `limit` parcels. Answers of how many.
pub async fn forget_proofs_before(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<usize> {
    let forgotten = cached_sql(
        "WITH old AS (
            SELECT shipment_id FROM handovers WHERE proof_sealed IS NOT NULL AND proof_time < $1
            ORDER BY proof_time LIMIT $2 FOR UPDATE SKIP LOCKED
         )
         UPDATE handovers AS h SET proof_sealed = NULL FROM old WHERE h.shipment_id = old.shipment_id",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(tx.conn())
    .await?;
    Ok(forgotten)
}

type CodeRow = (Option<Vec<u8>>, i32, Option<DateTime<Utc>>);

fn code(row: Option<CodeRow>) -> Option<Code> {
    let (sealed, wrong, locked_until) = row?;
    Some(Code { sealed: sealed?, wrong, locked_until })
}
