//! How transfers are stored.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Tx, cached_sql};
use types::{Sku, TransferId, WarehouseId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{Journey, Transfer, TransferState};
use crate::schema::{transfer_lines, transfers};

/// A row of `transfers`, in the order of its columns.
pub(crate) type TransferRow = (
    Uuid,
    Uuid,
    Uuid,
    String,
    String,
    String,
    DateTime<Utc>,
    Option<DateTime<Utc>>,
    i64,
    Option<DateTime<Utc>>,
);

impl Transfer {
    /// The transfer `id`.
    pub async fn find(connection: &mut AsyncPgConnection, id: TransferId) -> Result<Self> {
        let row = transfers::table.find(id.uuid()).load(connection).await?;
        Self::only(connection, id, row).await
    }

    /// The transfer `id`, locked before anything else.
    pub async fn lock(tx: &mut Tx, id: TransferId) -> Result<Self> {
        let row = transfers::table.find(id.uuid()).for_update().load(tx.conn()).await?;
        Self::only(tx.conn(), id, row).await
    }

    async fn only(
        connection: &mut AsyncPgConnection,
        id: TransferId,
        rows: Vec<TransferRow>,
    ) -> Result<Self> {
        Self::assemble(connection, rows).await?.pop().ok_or(Error::TransferNotFound { id })
    }

    /// The transfers of stored rows with their lines, in the order of the rows.
    pub(crate) async fn assemble(
        connection: &mut AsyncPgConnection,
        rows: Vec<TransferRow>,
    ) -> Result<Vec<Self>> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.0).collect();
        let lines: Vec<(Uuid, String, i64, i64, i64, i64)> =
            transfer_lines::table.filter(transfer_lines::transfer_id.eq_any(&ids)).load(connection).await?;
        let mut lines_of: BTreeMap<Uuid, BTreeMap<Sku, Journey>> = BTreeMap::new();
        for (id, sku, dispatched, received, lost, returned) in lines {
            let journey = Journey { dispatched, received, lost, returned };
            let sku = sku.parse().map_err(|_| Error::corrupt("a SKU", &sku))?;
            lines_of.entry(id).or_default().insert(sku, journey);
        }
        let transfer = |row: TransferRow| {
            let (id, from, to, state, reference, author, create_time, end_time, version, expect_time) = row;
            Ok(Self {
                id: TransferId::from_uuid(id),
                from: WarehouseId::from_uuid(from),
                to: WarehouseId::from_uuid(to),
                state: TransferState::stored(&state)?,
                lines: lines_of.remove(&id).unwrap_or_default(),
                reference,
                author,
                create_time,
                expect_time,
                end_time,
                version,
            })
        };
        rows.into_iter().map(transfer).collect()
    }

    /// Stores a new transfer.
    pub async fn insert(&self, tx: &mut Tx) -> Result<()> {
        diesel::insert_into(transfers::table)
            .values((
                transfers::transfer_id.eq(self.id.uuid()),
                transfers::from_warehouse_id.eq(self.from.uuid()),
                transfers::to_warehouse_id.eq(self.to.uuid()),
                transfers::state.eq(self.state.text()),
                transfers::reference.eq(&self.reference),
                transfers::author.eq(&self.author),
                transfers::create_time.eq(self.create_time),
                transfers::version.eq(self.version),
                transfers::expect_time.eq(self.expect_time),
            ))
            .execute(tx.conn())
            .await?;
        cached_sql(
            "INSERT INTO transfer_lines (transfer_id, sku, dispatched, received, lost, returned)
             SELECT $1, sku, dispatched, 0, 0, 0 FROM unnest($2, $3) AS l (sku, dispatched)",
        )
        .bind::<SqlUuid, _>(self.id.uuid())
        .bind::<Array<Text>, _>(self.lines.keys().map(Sku::as_str).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(self.lines.values().map(|journey| journey.dispatched).collect::<Vec<_>>())
        .execute(tx.conn())
        .await?;
        Ok(())
    }

    /// Stores where it stands.
    pub async fn save(&self, tx: &mut Tx) -> Result<()> {
        diesel::update(transfers::table.find(self.id.uuid()))
            .set((
                transfers::state.eq(self.state.text()),
                transfers::end_time.eq(self.end_time),
                transfers::version.eq(self.version),
            ))
            .execute(tx.conn())
            .await?;
        let column = |pick: fn(&Journey) -> i64| self.lines.values().map(pick).collect::<Vec<_>>();
        cached_sql(
            "UPDATE transfer_lines AS l SET received = n.received, lost = n.lost, returned = n.returned
             FROM unnest($2, $3, $4, $5) AS n (sku, received, lost, returned)
             WHERE l.transfer_id = $1 AND l.sku = n.sku",
        )
        .bind::<SqlUuid, _>(self.id.uuid())
        .bind::<Array<Text>, _>(self.lines.keys().map(Sku::as_str).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(column(|journey| journey.received))
        .bind::<Array<BigInt>, _>(column(|journey| journey.lost))
        .bind::<Array<BigInt>, _>(column(|journey| journey.returned))
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}
