//! Locked stock levels together with what is posted to them: the only way stock changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use store::{Tx, cached_sql};
use types::{Sku, WarehouseId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{Cause, Condition, Delta, Posting, StockLevel};

/// Levels of one condition, and the ledger rows to be written with them: the two cannot part.
#[derive(Debug, Clone, Default)]
pub struct Stock {
    levels: BTreeMap<Sku, Vec<StockLevel>>,
    postings: Vec<Posting>,
}

/// A row of `stock_levels`, in the order of its columns.
type Row = (String, Uuid, String, i64, i64, i64, DateTime<Utc>);
/// Their types.
pub(crate) type StockLevelColumns = (Text, SqlUuid, Text, BigInt, BigInt, BigInt, Timestamptz);

impl Stock {
    /// Stock with nothing posted yet. A SKU has at most one level per warehouse.
    pub fn of(levels: impl IntoIterator<Item = StockLevel>) -> Self {
        let mut stock = Self::default();
        for level in levels {
            stock.levels.entry(level.sku.clone()).or_default().push(level);
        }
        stock
    }

    /// The level of a SKU in a warehouse.
    pub fn level(&self, sku: &Sku, warehouse_id: WarehouseId) -> Option<&StockLevel> {
        self.levels.get(sku)?.iter().find(|level| level.warehouse_id == warehouse_id)
    }

    /// Units of a SKU that can still be promised from a warehouse; of one that was never there, none.
    pub fn available(&self, sku: &Sku, warehouse_id: WarehouseId) -> i64 {
        self.level(sku, warehouse_id).map_or(0, StockLevel::available)
    }

    /// Changes a level and writes down why. A level that is not locked came into being after the locks were taken.
    pub fn post(
        &mut self,
        sku: &Sku,
        warehouse_id: WarehouseId,
        delta: Delta,
        cause: &Arc<Cause>,
    ) -> Result<()> {
        let mut levels = self.levels.get_mut(sku).into_iter().flatten();
        let level = levels.find(|level| level.warehouse_id == warehouse_id).ok_or(Error::Overtaken)?;
        level.change(delta)?;
        let (sku, condition, cause) = (sku.clone(), level.condition, Arc::clone(cause));
        self.postings.push(Posting { sku, warehouse_id, condition, delta, cause });
        Ok(())
    }

    /// Every level, by SKU.
    pub fn levels(&self) -> impl Iterator<Item = &StockLevel> {
        self.levels.values().flatten()
    }

    /// What was posted so far.
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }

    /// How many units of a SKU came, or went when negative, by what was posted so far.
    pub fn posted_on_hand(&self, sku: &Sku) -> i64 {
        self.postings.iter().filter(|posting| posting.sku == *sku).map(|posting| posting.delta.on_hand).sum()
    }

    /// The levels that something was posted to.
    pub fn changed(&self) -> impl Iterator<Item = &StockLevel> {
        let posted = self.posted();
        self.levels().filter(move |level| posted.contains(&(&level.sku, level.warehouse_id)))
    }

    /// Locks the sellable levels of `skus` in every warehouse.
    pub async fn lock(tx: &mut Tx, skus: &[&str]) -> Result<Self> {
        if skus.is_empty() {
            return Ok(Self::default());
        }
        let rows: Vec<Row> = cached_sql(
            "SELECT sku, warehouse_id, condition, on_hand, reserved, version, update_time FROM stock_levels
             WHERE sku = ANY($1) AND condition = 'sellable' ORDER BY sku, warehouse_id FOR UPDATE",
        )
        .bind::<Array<Text>, _>(skus)
        .returns::<StockLevelColumns>()
        .load(tx.conn())
        .await?;
        Self::stored(rows)
    }

    /// Locks the levels of `skus` in one warehouse and condition; those that never were begin with nothing.
    pub async fn open(
        tx: &mut Tx,
        warehouse_id: WarehouseId,
        condition: Condition,
        skus: &[&str],
    ) -> Result<Self> {
        let now = tx.now();
        cached_sql(
            "INSERT INTO stock_levels (sku, warehouse_id, condition, on_hand, reserved, version, update_time)
             SELECT sku, $2, $3, 0, 0, 0, $4 FROM unnest($1) AS sku ORDER BY sku COLLATE \"C\" ON CONFLICT DO NOTHING",
        )
        .bind::<Array<Text>, _>(skus)
        .bind::<SqlUuid, _>(warehouse_id.uuid())
        .bind::<Text, _>(condition.text())
        .bind::<Timestamptz, _>(now)
        .execute(tx.conn())
        .await?;
        let rows: Vec<Row> = cached_sql(
            "SELECT sku, warehouse_id, condition, on_hand, reserved, version, update_time FROM stock_levels
             WHERE sku = ANY($1) AND warehouse_id = $2 AND condition = $3 ORDER BY sku FOR UPDATE",
        )
        .bind::<Array<Text>, _>(skus)
        .bind::<SqlUuid, _>(warehouse_id.uuid())
        .bind::<Text, _>(condition.text())
        .returns::<StockLevelColumns>()
        .load(tx.conn())
        .await?;
        Self::stored(rows)
    }

    /// Writes the ledger rows and the changed levels in one statement.
    pub async fn save(&mut self, tx: &mut Tx) -> Result<()> {
        if self.postings.is_empty() {
            return Ok(());
        }
        let now = tx.now();
        self.touch(now);
        let (postings, changed) = (&self.postings, self.changed().collect::<Vec<_>>());
        let updated = cached_sql(
            "WITH posted AS (
                INSERT INTO stock_ledger (sku, warehouse_id, condition, kind, on_hand_delta, reserved_delta, reference,
                                          note, actor, shop_id, post_time)
                SELECT p.sku, p.warehouse_id, p.condition, p.kind, p.on_hand_delta, p.reserved_delta, p.reference,
                       p.note, p.actor, p.shop_id, $11
                FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) WITH ORDINALITY
                     AS p (sku, warehouse_id, condition, kind, on_hand_delta, reserved_delta, reference, note, actor,
                           shop_id, ordinal)
                ORDER BY p.ordinal
             )
             UPDATE stock_levels AS l
             SET on_hand = n.on_hand, reserved = n.reserved, version = n.version, update_time = $11
             FROM unnest($12, $13, $14, $15, $16, $17) AS n (sku, warehouse_id, condition, on_hand, reserved, version)
             WHERE l.sku = n.sku AND l.warehouse_id = n.warehouse_id AND l.condition = n.condition",
        )
        .bind::<Array<Text>, _>(postings.iter().map(|posting| posting.sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(postings.iter().map(|posting| posting.warehouse_id.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(postings.iter().map(|posting| posting.condition.text()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(postings.iter().map(|posting| posting.cause.kind.text()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(postings.iter().map(|posting| posting.delta.on_hand).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(postings.iter().map(|posting| posting.delta.reserved).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(postings.iter().map(|posting| posting.cause.reference.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(postings.iter().map(|posting| posting.cause.note.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(postings.iter().map(|posting| posting.cause.actor.as_str()).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(
            postings.iter().map(|posting| posting.cause.shop_id.map(Uuid::from)).collect::<Vec<_>>(),
        )
        .bind::<Timestamptz, _>(now)
        .bind::<Array<Text>, _>(changed.iter().map(|level| level.sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(changed.iter().map(|level| level.warehouse_id.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(changed.iter().map(|level| level.condition.text()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(changed.iter().map(|level| level.on_hand).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(changed.iter().map(|level| level.reserved).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(changed.iter().map(|level| level.version).collect::<Vec<_>>())
        .execute(tx.conn())
        .await?;
        if updated == changed.len() {
            Ok(())
        } else {
            Err(Error::corrupt("the number of updated levels", updated))
        }
    }

    fn posted(&self) -> BTreeSet<(&Sku, WarehouseId)> {
        self.postings.iter().map(|posting| (&posting.sku, posting.warehouse_id)).collect()
    }

    fn touch(&mut self, now: DateTime<Utc>) {
        for posting in &self.postings {
            let of_sku = self.levels.get_mut(&posting.sku).into_iter().flatten();
            of_sku
                .filter(|level| level.warehouse_id == posting.warehouse_id)
                .for_each(|level| level.update_time = now);
        }
    }

    fn stored(rows: Vec<Row>) -> Result<Self> {
        let levels: Vec<_> = rows.into_iter().map(StockLevel::stored).collect::<Result<_>>()?;
        Ok(Self::of(levels))
    }
}

impl StockLevel {
    /// The level of a stored row.
    pub(crate) fn stored(
        (sku, warehouse_id, condition, on_hand, reserved, version, update_time): Row,
    ) -> Result<Self> {
        Ok(Self {
            sku: sku.parse().map_err(|_| Error::corrupt("a SKU", &sku))?,
            warehouse_id: WarehouseId::from_uuid(warehouse_id),
            condition: Condition::stored(&condition)?,
            on_hand,
            reserved,
            version,
            update_time,
        })
    }
}
