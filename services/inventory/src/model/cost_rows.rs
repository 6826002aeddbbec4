//! How cost layers are stored. Whoever reads what is left of them has their levels locked.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Tx, cached_sql};
use types::{CostLayerId, Currency, Money, Sku, StockDocumentId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::cost_layer::{CostPlace, lines_of_documents};
use crate::model::{CostLayer, CostLayers, Movement, Part, Sold, Stock};

/// A layer, in the order of the columns of `cost_layers`.
pub(crate) type LayerRow =
    (Uuid, String, Option<i64>, Option<String>, i64, String, Option<Uuid>, DateTime<Utc>);
/// Their types.
pub(crate) type LayerColumns =
    (SqlUuid, Text, Nullable<BigInt>, Nullable<Text>, BigInt, Text, Nullable<SqlUuid>, Timestamptz);

/// How much of a queue is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What the movements can reach: a layer has at least one unit.
    Needed,
    /// All of it.
    Whole,
}

impl CostLayers {
    /// The layers that the shipments posted to `stock` may take from; reads nothing when there are none.
    pub async fn of_shipments(tx: &mut Tx, stock: &Stock) -> Result<Self> {
        let mut leaving: BTreeMap<CostPlace, i64> = BTreeMap::new();
        for (_, _, posting) in lines_of_documents(stock) {
            let place = (posting.sku.clone(), posting.warehouse_id, posting.condition);
            *leaving.entry(place).or_default() -= posting.delta.on_hand;
        }
        Self::load(tx, &leaving).await
    }

    /// The layers that `movements` may take from.
    pub async fn of_movements(tx: &mut Tx, movements: &[Movement], depth: Depth) -> Result<Self> {
        let mut leaving: BTreeMap<CostPlace, i64> = BTreeMap::new();
        for movement in movements.iter().filter(|movement| movement.units < 0) {
            let place = (movement.sku.clone(), movement.warehouse_id, movement.condition);
            let units = leaving.entry(place).or_default();
            *units = match depth {
                Depth::Needed => units.saturating_sub(movement.units),
                Depth::Whole => i64::MAX,
            };
        }
        Self::load(tx, &leaving).await
    }

    async fn load(tx: &mut Tx, leaving: &BTreeMap<CostPlace, i64>) -> Result<Self> {
        if leaving.is_empty() {
            return Ok(Self::default());
        }
        let rows: Vec<(i32, i64, LayerRow)> = cached_sql(
            "SELECT p.ordinal::integer, c.remaining, l.layer_id, l.sku, l.unit_cost, l.currency, l.received,
                    l.supplier_order, l.document_id, l.receive_time
             FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS p (sku, warehouse_id, condition, units, ordinal)
             CROSS JOIN LATERAL (
                 SELECT layer_id, remaining FROM cost_layer_places
                 WHERE sku = p.sku AND warehouse_id = p.warehouse_id AND condition = p.condition
                 ORDER BY receive_time, layer_id LIMIT p.units
             ) c JOIN cost_layers l USING (layer_id)",
        )
        .bind::<Array<Text>, _>(leaving.keys().map(|(sku, _, _)| sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(leaving.keys().map(|(_, id, _)| id.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(leaving.keys().map(|(_, _, condition)| condition.text()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(leaving.values().copied().collect::<Vec<_>>())
        .returns::<(Integer, BigInt, LayerColumns)>()
        .load(tx.conn())
        .await?;
        let places: Vec<&CostPlace> = leaving.keys().collect();
        let part = |(ordinal, units, row): (i32, i64, LayerRow)| {
            let place = usize::try_from(ordinal).ok().and_then(|at| places.get(at.checked_sub(1)?).copied());
            let place = place.ok_or_else(|| Error::corrupt("a place of cost layers", ordinal))?;
            Ok((place.clone(), Part { layer: Arc::new(CostLayer::stored(row)?), units }))
        };
        Ok(Self::of(rows.into_iter().map(part).collect::<Result<Vec<_>>>()?))
    }

    /// Writes what was opened, taken and brought in one statement, after the ledger rows that it belongs to.
    pub async fn save(&self, tx: &mut Tx) -> Result<()> {
        if self.entries().is_empty() {
            return Ok(());
        }
        let (opened, entries) = (self.opened(), self.entries());
        let changes: Vec<_> = self.changes().collect();
        cached_sql(
            "WITH opened AS (
                INSERT INTO cost_layers (layer_id, sku, unit_cost, currency, received, supplier_order, document_id,
                                         receive_time)
                SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
             ), changed AS (
                SELECT * FROM unnest($9, $10, $11, $12, $13, $14)
                              AS c (sku, warehouse_id, condition, receive_time, layer_id, units)
             ), used_up AS (
                DELETE FROM cost_layer_places AS p USING changed AS c
                WHERE p.sku = c.sku AND p.warehouse_id = c.warehouse_id AND p.condition = c.condition
                  AND p.receive_time = c.receive_time AND p.layer_id = c.layer_id AND p.remaining + c.units = 0
             ), fewer AS (
                UPDATE cost_layer_places AS p SET remaining = p.remaining + c.units FROM changed AS c
                WHERE p.sku = c.sku AND p.warehouse_id = c.warehouse_id AND p.condition = c.condition
                  AND p.receive_time = c.receive_time AND p.layer_id = c.layer_id
                  AND c.units < 0 AND p.remaining + c.units <> 0
             ), more AS (
                INSERT INTO cost_layer_places (sku, warehouse_id, condition, receive_time, layer_id, remaining)
                SELECT sku, warehouse_id, condition, receive_time, layer_id, units FROM changed WHERE units > 0
                ON CONFLICT (sku, warehouse_id, condition, receive_time, layer_id)
                DO UPDATE SET remaining = cost_layer_places.remaining + excluded.remaining
             )
             INSERT INTO stock_costs (sequence, layer_id, units, owner)
             SELECT g.sequence, e.layer_id, sum(e.units), e.owner
             FROM (SELECT DISTINCT document_id FROM unnest($15) AS d (document_id)) d
             CROSS JOIN LATERAL (
                 SELECT sequence, row_number() OVER (ORDER BY sequence) AS line FROM stock_ledger
                 WHERE document_id = d.document_id
             ) g
             JOIN unnest($15, $16, $17, $18, $19) AS e (document_id, line, layer_id, units, owner)
                  ON e.document_id = d.document_id AND e.line = g.line
             GROUP BY g.sequence, e.layer_id, e.owner",
        )
        .bind::<Array<SqlUuid>, _>(opened.iter().map(|one| one.id.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(opened.iter().map(|one| one.sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<Nullable<BigInt>>, _>(
            opened.iter().map(|one| one.unit_cost.map(Money::minor)).collect::<Vec<_>>(),
        )
        .bind::<Array<Nullable<Text>>, _>(
            opened.iter().map(|one| one.unit_cost.map(|cost| cost.currency().code())).collect::<Vec<_>>(),
        )
        .bind::<Array<BigInt>, _>(opened.iter().map(|one| one.received).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(opened.iter().map(|one| one.supplier_order.as_str()).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(
            opened.iter().map(|one| one.document_id.map(Uuid::from)).collect::<Vec<_>>(),
        )
        .bind::<Array<Timestamptz>, _>(opened.iter().map(|one| one.receive_time).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(changes.iter().map(|((sku, _, _), _, _)| sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(changes.iter().map(|((_, id, _), _, _)| id.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(
            changes.iter().map(|((_, _, condition), _, _)| condition.text()).collect::<Vec<_>>(),
        )
        .bind::<Array<Timestamptz>, _>(changes.iter().map(|(_, (time, _), _)| *time).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(changes.iter().map(|(_, (_, id), _)| id.uuid()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(changes.iter().map(|(_, _, units)| *units).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(entries.iter().map(|one| one.document_id.uuid()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(entries.iter().map(|one| one.line as i64).collect::<Vec<_>>())
        .bind::<Array<SqlUuid>, _>(entries.iter().map(|one| one.layer.id.uuid()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(entries.iter().map(|one| one.units).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(entries.iter().map(|one| one.owner.as_deref()).collect::<Vec<_>>())
        .execute(tx.conn())
        .await?;
        Ok(())
    }

    /// What left for `owner` and did not come back, by SKU, the first to leave first.
    pub async fn sold(tx: &mut Tx, owner: &str, skus: &[&str]) -> Result<BTreeMap<Sku, Vec<Sold>>> {
        let rows: Vec<(String, Option<i64>, Option<String>, i64)> = cached_sql(
            "SELECT l.sku, l.unit_cost, l.currency, (-sum(c.units))::bigint
             FROM stock_costs c JOIN cost_layers l USING (layer_id)
             WHERE c.owner = $1 AND l.sku = ANY($2)
             GROUP BY l.sku, l.unit_cost, l.currency HAVING sum(c.units) < 0
             ORDER BY l.sku, min(c.sequence)",
        )
        .bind::<Text, _>(owner)
        .bind::<Array<Text>, _>(skus)
        .returns::<(Text, Nullable<BigInt>, Nullable<Text>, BigInt)>()
        .load(tx.conn())
        .await?;
        let mut sold: BTreeMap<Sku, Vec<Sold>> = BTreeMap::new();
        for (sku, minor, currency, units) in rows {
            let unit_cost = unit_cost(minor, currency.as_deref())?;
            let sku = sku.parse().map_err(|_| Error::corrupt("a SKU", &sku))?;
            sold.entry(sku).or_default().push(Sold { unit_cost, units });
        }
        Ok(sold)
    }
}

impl CostLayer {
    /// What each line of a document, from 1, took or brought, the oldest layer first.
    pub async fn of_document(
        connection: &mut AsyncPgConnection,
        id: StockDocumentId,
    ) -> Result<BTreeMap<usize, Vec<Part>>> {
        let rows: Vec<(i64, i64, LayerRow)> = cached_sql(
            "SELECT g.line, abs(c.units), l.layer_id, l.sku, l.unit_cost, l.currency, l.received, l.supplier_order,
                    l.document_id, l.receive_time
             FROM (SELECT sequence, row_number() OVER (ORDER BY sequence) AS line FROM stock_ledger
                   WHERE document_id = $1) g
             JOIN stock_costs c USING (sequence) JOIN cost_layers l USING (layer_id)
             ORDER BY g.line, l.receive_time, l.layer_id",
        )
        .bind::<SqlUuid, _>(id.uuid())
        .returns::<(BigInt, BigInt, LayerColumns)>()
        .load(connection)
        .await?;
        let mut lines: BTreeMap<usize, Vec<Part>> = BTreeMap::new();
        for (line, units, row) in rows {
            let line = usize::try_from(line).map_err(|_| Error::corrupt("a line of a document", line))?;
            let part = Part { layer: Arc::new(Self::stored(row)?), units };
            lines.entry(line).or_default().push(part);
        }
        Ok(lines)
    }

    /// What the units of ledger rows cost, by the row's number, the oldest layer first.
    pub async fn of_entries(
        connection: &mut AsyncPgConnection,
        sequences: &[i64],
    ) -> Result<BTreeMap<i64, Vec<Part>>> {
        let rows: Vec<(i64, i64, LayerRow)> = cached_sql(
            "SELECT c.sequence, abs(c.units), l.layer_id, l.sku, l.unit_cost, l.currency, l.received, l.supplier_order,
                    l.document_id, l.receive_time
             FROM stock_costs c JOIN cost_layers l USING (layer_id)
             WHERE c.sequence = ANY($1) ORDER BY c.sequence, l.receive_time, l.layer_id",
        )
        .bind::<Array<BigInt>, _>(sequences)
        .returns::<(BigInt, BigInt, LayerColumns)>()
        .load(connection)
        .await?;
        let mut costs: BTreeMap<i64, Vec<Part>> = BTreeMap::new();
        for (sequence, units, row) in rows {
            let part = Part { layer: Arc::new(Self::stored(row)?), units };
            costs.entry(sequence).or_default().push(part);
        }
        Ok(costs)
    }

    /// The supplier's order that each of `skus` last came with.
    pub async fn last_orders(
        connection: &mut AsyncPgConnection,
        skus: &[&str],
    ) -> Result<BTreeMap<Sku, String>> {
        let rows: Vec<(String, String)> = cached_sql(
            "SELECT s.sku, l.supplier_order FROM unnest($1) AS s (sku)
             CROSS JOIN LATERAL (
                 SELECT supplier_order FROM cost_layers
                 WHERE sku = s.sku AND supplier_order <> '' ORDER BY receive_time DESC, layer_id DESC LIMIT 1
             ) l",
        )
        .bind::<Array<Text>, _>(skus)
        .returns::<(Text, Text)>()
        .load(connection)
        .await?;
        let named = |(sku, order): (String, String)| {
            Ok((sku.parse().map_err(|_| Error::corrupt("a SKU", &sku))?, order))
        };
        rows.into_iter().map(named).collect()
    }

    /// The layer of a stored row.
    pub(crate) fn stored(row: LayerRow) -> Result<Self> {
        let (id, sku, minor, currency, received, supplier_order, document_id, receive_time) = row;
        Ok(Self {
            id: CostLayerId::from_uuid(id),
            sku: sku.parse().map_err(|_| Error::corrupt("a SKU", &sku))?,
            unit_cost: unit_cost(minor, currency.as_deref())?,
            received,
            supplier_order,
            document_id: document_id.map(StockDocumentId::from_uuid),
            receive_time,
        })
    }
}

/// A stored sum of money; `None` when nobody knows it.
pub(crate) fn unit_cost(minor: Option<i64>, currency: Option<&str>) -> Result<Option<Money>> {
    let Some((minor, code)) = minor.zip(currency) else { return Ok(None) };
    let currency: Currency = code.parse().map_err(|_| Error::corrupt("a currency", code))?;
    Ok(Some(Money::new(currency, minor)))
}
