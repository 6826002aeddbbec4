//! Locked stock levels together with what is posted to them: the only way stock changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use store::{Tx, cached_sql};
use types::{Sku, StockDocumentId, WarehouseId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{Cause, Condition, Delta, Document, Movement, Posting, StockLevel, WriteOffReason};

/// Locked levels, the documents and the ledger rows to be written with them: the three cannot part.
#[derive(Debug, Clone, Default)]
pub struct Stock {
    levels: BTreeMap<Sku, Vec<StockLevel>>,
    documents: Vec<Document>,
    postings: Vec<Posting>,
}

/// A row of `stock_levels`, in the order of its columns.
type Row = (String, Uuid, String, i64, i64, i64, DateTime<Utc>);
/// Their types.
pub(crate) type StockLevelColumns = (Text, SqlUuid, Text, BigInt, BigInt, BigInt, Timestamptz);
/// What a level is of.
type Place<'a> = (&'a Sku, WarehouseId, Condition);

impl Stock {
    /// Stock with nothing posted yet. A SKU has at most one level per warehouse and condition.
    pub fn of(levels: impl IntoIterator<Item = StockLevel>) -> Self {
        let mut stock = Self::default();
        for level in levels {
            stock.levels.entry(level.sku.clone()).or_default().push(level);
        }
        stock
    }

    /// The level of a SKU in a warehouse and condition.
    pub fn level(&self, sku: &Sku, warehouse_id: WarehouseId, condition: Condition) -> Option<&StockLevel> {
        let mut levels = self.levels.get(sku)?.iter();
        levels.find(|level| level.warehouse_id == warehouse_id && level.condition == condition)
    }

    /// Units of a SKU that can still be promised from a warehouse; of one that was never there, none.
    pub fn available(&self, sku: &Sku, warehouse_id: WarehouseId) -> i64 {
        self.level(sku, warehouse_id, Condition::Sellable).map_or(0, StockLevel::available)
    }

    /// Whether any unit of a SKU can still be promised.
    pub fn is_free(&self, sku: &Sku) -> bool {
        self.levels.get(sku).into_iter().flatten().any(|level| level.available() > 0)
    }

    /// Everything that is posted to what is on hand belongs to a document.
    pub fn begin(&mut self, document: Document) {
        self.documents.push(document);
    }

    /// A document as it is stored; its number is known when it has been saved.
    pub fn document(&self, id: StockDocumentId) -> Option<&Document> {
        self.documents.iter().find(|document| document.id == id)
    }

    /// Changes a level and writes down why. A level that is not locked came into being after the locks were taken.
    pub fn post(
        &mut self,
        sku: &Sku,
        warehouse_id: WarehouseId,
        condition: Condition,
        delta: Delta,
        cause: &Arc<Cause>,
    ) -> Result<()> {
        let mut levels = self.levels.get_mut(sku).into_iter().flatten();
        let level = levels
            .find(|level| level.warehouse_id == warehouse_id && level.condition == condition)
            .ok_or(Error::Overtaken)?;
        level.change(delta)?;
        let (sku, cause) = (sku.clone(), Arc::clone(cause));
        self.postings.push(Posting { sku, warehouse_id, condition, delta, cause });
        Ok(())
    }

    /// Posts what a document moves.
    pub fn post_all(&mut self, document: Document, movements: &[Movement]) -> Result<()> {
        for movement in movements {
            let Movement { sku, warehouse_id, condition, units, kind } = movement;
            self.post(sku, *warehouse_id, *condition, Delta::on_hand(*units), &document.cause(*kind))?;
        }
        self.begin(document);
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

    /// How many units came to a level, or went when negative, by what was posted so far.
    pub fn posted_on_hand(&self, level: &StockLevel) -> i64 {
        let there = self.postings.iter().filter(|posting| posting.place() == level.place());
        there.map(|posting| posting.delta.on_hand).sum()
    }

    /// The levels that something was posted to.
    pub fn changed(&self) -> impl Iterator<Item = &StockLevel> {
        let posted: BTreeSet<Place<'_>> = self.postings.iter().map(Posting::place).collect();
        self.levels().filter(move |level| posted.contains(&level.place()))
    }

    /// Locks the sellable levels of `skus` in every warehouse.
    pub async fn lock(tx: &Tx, skus: &[&str]) -> Result<Self> {
        if skus.is_empty() {
            return Ok(Self::default());
        }
        let rows: Vec<Row> = cached_sql(
            "SELECT sku, warehouse_id, condition, on_hand, reserved, version, update_time FROM stock_levels
             WHERE sku = ANY($1) AND condition = 'sellable' ORDER BY sku, warehouse_id FOR UPDATE",
        )
        .bind::<Array<Text>, _>(skus)
        .returns::<StockLevelColumns>()
        .load(&mut tx.shared())
        .await?;
        Self::stored(rows)
    }

    /// Locks all levels of the SKUs of `places`; places that never were begin with nothing.
    pub async fn open(tx: &mut Tx, places: &BTreeSet<(Sku, WarehouseId, Condition)>) -> Result<Self> {
        let now = tx.now();
        let skus: Vec<&str> = places.iter().map(|(sku, _, _)| sku.as_str()).collect();
        cached_sql(
            "INSERT INTO stock_levels (sku, warehouse_id, condition, on_hand, reserved, version, update_time)
             SELECT p.sku, p.warehouse_id, p.condition, 0, 0, 0, $4
             FROM unnest($1, $2, $3) AS p (sku, warehouse_id, condition)
             ORDER BY p.sku COLLATE \"C\", p.warehouse_id, p.condition COLLATE \"C\" ON CONFLICT DO NOTHING",
        )
        .bind::<Array<Text>, _>(&skus)
        .bind::<Array<SqlUuid>, _>(places.iter().map(|(_, id, _)| id.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(places.iter().map(|(_, _, condition)| condition.text()).collect::<Vec<_>>())
        .bind::<Timestamptz, _>(now)
        .execute(tx.conn())
        .await?;
        let rows: Vec<Row> = cached_sql(
            "SELECT sku, warehouse_id, condition, on_hand, reserved, version, update_time FROM stock_levels
             WHERE sku = ANY($1) ORDER BY sku, warehouse_id, condition FOR UPDATE",
        )
        .bind::<Array<Text>, _>(&skus)
        .returns::<StockLevelColumns>()
        .load(tx.conn())
        .await?;
        Self::stored(rows)
    }

    /// Writes the documents, the ledger rows and the changed levels in one statement.
    pub async fn save(&mut self, tx: &Tx) -> Result<()> {
        if self.postings.is_empty() {
            return Ok(());
        }
        let now = tx.now();
        self.touch(now);
        let (documents, postings, changed) =
            (&self.documents, &self.postings, self.changed().collect::<Vec<_>>());
        let saved = cached_sql(
            "WITH documented AS (
                INSERT INTO stock_documents (document_id, kind, reason, reference, note, author, shop_id, transfer_id,
                                             reverses, post_time)
                SELECT d.document_id, d.kind, d.reason, d.reference, d.note, d.author, d.shop_id, d.transfer_id,
                       d.reverses, $11
                FROM unnest($19, $20, $21, $22, $23, $24, $25, $26, $27) WITH ORDINALITY
                     AS d (document_id, kind, reason, reference, note, author, shop_id, transfer_id, reverses, ordinal)
                ORDER BY d.ordinal
                RETURNING document_id, number
             ), posted AS (
                INSERT INTO stock_ledger (sku, warehouse_id, condition, kind, on_hand_delta, reserved_delta, reference,
                                          note, actor, shop_id, post_time, document_id)
                SELECT p.sku, p.warehouse_id, p.condition, p.kind, p.on_hand_delta, p.reserved_delta, p.reference,
                       p.note, p.actor, p.shop_id, $11, p.document_id
                FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $18) WITH ORDINALITY
                     AS p (sku, warehouse_id, condition, kind, on_hand_delta, reserved_delta, reference, note, actor,
                           shop_id, document_id, ordinal)
                ORDER BY p.ordinal
             ), updated AS (
                UPDATE stock_levels AS l
                SET on_hand = n.on_hand, reserved = n.reserved, version = n.version, update_time = $11
                FROM unnest($12, $13, $14, $15, $16, $17) AS n (sku, warehouse_id, condition, on_hand, reserved, version)
                WHERE l.sku = n.sku AND l.warehouse_id = n.warehouse_id AND l.condition = n.condition
                RETURNING 1
             )
             SELECT (SELECT count(*) FROM updated),
                    (SELECT coalesce(array_agg(document_id ORDER BY number), '{}') FROM documented),
                    (SELECT coalesce(array_agg(number ORDER BY number), '{}') FROM documented)",
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
        .bind::<Array<Nullable<SqlUuid>>, _>(
            postings.iter().map(|posting| posting.cause.document_id.map(Uuid::from)).collect::<Vec<_>>(),
        )
        .bind::<Array<SqlUuid>, _>(documents.iter().map(|document| document.id.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(documents.iter().map(|document| document.kind.text()).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(
            documents.iter().map(|document| document.reason.map(WriteOffReason::text)).collect::<Vec<_>>(),
        )
        .bind::<Array<Text>, _>(documents.iter().map(|document| document.reference.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(documents.iter().map(|document| document.note.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(documents.iter().map(|document| document.author.as_str()).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(
            documents.iter().map(|document| document.shop_id.map(Uuid::from)).collect::<Vec<_>>(),
        )
        .bind::<Array<Nullable<SqlUuid>>, _>(
            documents.iter().map(|document| document.transfer_id.map(Uuid::from)).collect::<Vec<_>>(),
        )
        .bind::<Array<Nullable<SqlUuid>>, _>(
            documents.iter().map(|document| document.reverses.map(Uuid::from)).collect::<Vec<_>>(),
        )
        .returns::<(BigInt, Array<SqlUuid>, Array<BigInt>)>();
        let (updated, ids, numbers): (i64, Vec<Uuid>, Vec<i64>) = saved.get_result(&mut tx.shared()).await?;
        if updated != changed.len() as i64 {
            return Err(Error::corrupt("the number of updated levels", updated));
        }
        let numbers: BTreeMap<Uuid, i64> = ids.into_iter().zip(numbers).collect();
        for document in &mut self.documents {
            document.number = numbers.get(&document.id.uuid()).copied().unwrap_or_default();
        }
        Ok(())
    }

    fn touch(&mut self, now: DateTime<Utc>) {
        let posted: BTreeSet<_> = self.postings.iter().map(Posting::place).collect();
        for level in self.levels.values_mut().flatten() {
            if posted.contains(&level.place()) {
                level.update_time = now;
            }
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

impl StockLevel {
    /// What it is of.
    fn place(&self) -> Place<'_> {
        (&self.sku, self.warehouse_id, self.condition)
    }
}

impl Posting {
    fn place(&self) -> Place<'_> {
        (&self.sku, self.warehouse_id, self.condition)
    }
}
