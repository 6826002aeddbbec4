//! What can be done about a shortage, the best first.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::cached_sql;
use types::{Sku, TransferId, WarehouseId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{CostLayer, Reservation, Shortage, Stock, StockLevel, StockLevelColumns, Warehouses};

/// One thing that can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proposal {
    /// Take units from a warehouse that the order would not use by itself.
    OtherWarehouse { warehouse_id: WarehouseId, quantity: i64 },
    /// Move units to a warehouse that the order uses.
    Transfer { from: WarehouseId, to: WarehouseId, quantity: i64 },
    /// Ship what is held, and the rest later.
    Partial { quantity: i64 },
    /// Order what is missing from the supplier that the SKU last came from.
    Supplier { order: String, quantity: i64 },
    /// Wait for what is under way, or for the next receipt.
    Wait(Option<UnderWay>),
}

/// Units that a transfer brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnderWay {
    /// Which transfer.
    pub transfer_id: TransferId,
    /// From where.
    pub from: WarehouseId,
    /// To where.
    pub to: WarehouseId,
    /// How many.
    pub quantity: i64,
    /// When they should arrive, as far as the sender knew.
    pub expect_time: Option<DateTime<Utc>>,
}

/// What there is of some SKUs, and what is under way.
#[derive(Debug, Clone, Default)]
pub struct Outlook {
    stock: Stock,
    warehouses: Warehouses,
    under_way: BTreeMap<Sku, Vec<UnderWay>>,
    /// The supplier's order that a SKU last came with.
    last_orders: BTreeMap<Sku, String>,
}

/// SKU, transfer, from where, to where, units, when expected.
type Moving = (String, Uuid, Uuid, Uuid, i64, Option<DateTime<Utc>>);

impl Outlook {
    /// What there is of `skus` now. Nothing is locked: a proposal that came too late is refused when it is taken up.
    pub async fn load(connection: &mut AsyncPgConnection, skus: &[&str]) -> Result<Self> {
        let rows = cached_sql(
            "SELECT sku, warehouse_id, condition, on_hand, reserved, version, update_time FROM stock_levels
             WHERE sku = ANY($1) AND condition = 'sellable' ORDER BY sku, warehouse_id",
        )
        .bind::<Array<Text>, _>(skus)
        .returns::<StockLevelColumns>()
        .load(connection)
        .await?;
        let levels: Vec<StockLevel> = rows.into_iter().map(StockLevel::stored).collect::<Result<_>>()?;
        let moving: Vec<Moving> = cached_sql(
            "SELECT l.sku, t.transfer_id, t.from_warehouse_id, t.to_warehouse_id,
                    l.dispatched - l.received - l.lost - l.returned, t.expect_time
             FROM transfer_lines l JOIN transfers t USING (transfer_id)
             WHERE l.sku = ANY($1) AND l.received + l.lost + l.returned < l.dispatched
             ORDER BY t.expect_time NULLS LAST, t.create_time, t.transfer_id",
        )
        .bind::<Array<Text>, _>(skus)
        .returns::<(Text, SqlUuid, SqlUuid, SqlUuid, BigInt, Nullable<Timestamptz>)>()
        .load(connection)
        .await?;
        let mut under_way: BTreeMap<Sku, Vec<UnderWay>> = BTreeMap::new();
        for (sku, transfer_id, from, to, quantity, expect_time) in moving {
            let sku = sku.parse().map_err(|_| Error::corrupt("a SKU", &sku))?;
            let (from, to) = (WarehouseId::from_uuid(from), WarehouseId::from_uuid(to));
            let transfer_id = TransferId::from_uuid(transfer_id);
            let one = UnderWay { transfer_id, from, to, quantity, expect_time };
            under_way.entry(sku).or_default().push(one);
        }
        let warehouses = Warehouses::load(connection).await?;
        let last_orders = CostLayer::last_orders(connection, skus).await?;
        Ok(Self { stock: Stock::of(levels), warehouses, under_way, last_orders })
    }

    /// What can be done about an open shortage: a warehouse that has everything comes before one that has some; taking comes
    /// before moving, moving before shipping less, that before ordering more, and waiting is always possible: first for what
    /// comes first.
    pub fn proposals(&self, reservation: &Reservation, shortage: &Shortage) -> Vec<Proposal> {
        if !shortage.is_open() {
            return Vec::new();
        }
        let (sku, missing) = (&shortage.sku, shortage.missing);
        let usual = reservation.may_take_from(sku, &self.stock, &self.warehouses);
        let has = |id: WarehouseId| self.stock.available(sku, id).min(missing);
        let mut others: Vec<(WarehouseId, i64)> = self
            .warehouses
            .open()
            .filter(|id| !usual.contains(id))
            .map(|id| (id, has(id)))
            .filter(|(_, quantity)| *quantity > 0)
            .collect();
        others.sort_by_key(|(_, quantity)| std::cmp::Reverse(*quantity));

        let take = others
            .iter()
            .map(|&(warehouse_id, quantity)| Proposal::OtherWarehouse { warehouse_id, quantity });
        let to = usual.as_slice().first().copied();
        let carry = others
            .iter()
            .filter_map(|&(from, quantity)| Some(Proposal::Transfer { from, to: to?, quantity }));
        let held: i64 = reservation.lines.iter().map(|line| line.quantity).sum();
        let partial = (held > 0).then_some(Proposal::Partial { quantity: held });
        let order = |order: &String| Proposal::Supplier { order: order.clone(), quantity: missing };
        let supplier = self.last_orders.get(sku).map(order);
        let mut proposals: Vec<Proposal> = take.chain(carry).chain(partial).chain(supplier).collect();
        let coming = self.under_way.get(sku).into_iter().flatten().filter(|one| usual.contains(&one.to));
        let before = proposals.len();
        proposals.extend(coming.map(|one| Proposal::Wait(Some(*one))));
        if proposals.len() == before {
            proposals.push(Proposal::Wait(None));
        }
        proposals
    }
}
