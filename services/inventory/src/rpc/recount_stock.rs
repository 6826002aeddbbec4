//! Makes a level the sum of its ledger, and what is reserved of it what live reservations hold.

use diesel::sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Tx, cached_sql};
use types::{Sku, WarehouseId};

use crate::error::{Error, Result};
use crate::model::{Condition, Kind, Stock, StockLevel, Warehouse};
use crate::post::places;
use crate::{Inventory, wire};

const ACTION: &str = "inventory.recount_stock";

/// The level as it is now.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::RecountStockRequest,
) -> Result<pb::StockLevel> {
    let (sku, warehouse_id, condition) = parse(&request)?;

    let recount = inventory.store.transaction(call, async |tx: &mut Tx| {
        Warehouse::require(tx.conn(), warehouse_id).await?;
        // Whoever posts, reserves or releases waits for the lock, so that the sums are of one moment.
        let stock = Stock::open(tx, &places([&sku], warehouse_id, condition)).await?;
        let before = stock.level(&sku, warehouse_id, condition).ok_or(Error::Overtaken)?.clone();
        let sums = Sums::of(tx, &before).await?;

        let after = sums.applied_to(&before)?;
        let forgotten = sums.held - sums.ledger_reserved;
        if forgotten == 0 && (after.on_hand, after.reserved) == (before.on_hand, before.reserved) {
            return Ok(before);
        }

        let after = StockLevel { version: before.version + 1, update_time: tx.now(), ..after };
        save(tx, &after, forgotten).await?;
        tx.audit(
            Audit::new(ACTION, warehouse_id)
                .set("sku", after.sku.as_str())
                .set("condition", condition.text())
                .change("on_hand", before.on_hand, after.on_hand)
                .change("reserved", before.reserved, after.reserved)
                .change("reserved_by_ledger", sums.ledger_reserved, sums.held),
        );
        Ok::<_, Error>(after)
    });
    Ok(wire::stock_level(&recount.await?))
}

fn parse(request: &pb::RecountStockRequest) -> Result<(Sku, WarehouseId, Condition)> {
    let mut fields = Fields::new();
    let sku: Option<Sku> = fields.parse("sku", &request.sku);
    let warehouse_id: Option<WarehouseId> = fields.parse("warehouse_id", &request.warehouse_id);
    let condition = match pb::Condition::try_from(request.condition) {
        Ok(pb::Condition::Unspecified | pb::Condition::Sellable) => Some(Condition::Sellable),
        Ok(pb::Condition::Quarantine) => Some(Condition::Quarantine),
        Ok(pb::Condition::Damaged) => Some(Condition::Damaged),
        Ok(pb::Condition::InTransit) => Some(Condition::InTransit),
        Err(_) => {
            fields.refuse("condition", "UNKNOWN", "not a condition");
            None
        }
    };
    let ((sku, warehouse_id), condition) = fields.finish_with(sku.zip(warehouse_id).zip(condition))?;
    Ok((sku, warehouse_id, condition))
}

/// What a level is by its ledger and by the reservations.
struct Sums {
    on_hand: i64,
    ledger_reserved: i64,
    held: i64,
}

impl Sums {
    async fn of(tx: &mut Tx, level: &StockLevel) -> Result<Self> {
        let (on_hand, ledger_reserved, held) = cached_sql(
            "SELECT coalesce(sum(on_hand_delta), 0)::bigint, coalesce(sum(reserved_delta), 0)::bigint,
                    (SELECT coalesce(sum(l.quantity), 0)::bigint
                     FROM reservation_lines l JOIN reservations r USING (reservation_id)
                     WHERE r.state = 'held' AND l.sku = $1 AND l.warehouse_id = $2 AND $3 = 'sellable')
             FROM stock_ledger WHERE sku = $1 AND warehouse_id = $2 AND condition = $3",
        )
        .bind::<Text, _>(level.sku.as_str())
        .bind::<SqlUuid, _>(level.warehouse_id.uuid())
        .bind::<Text, _>(level.condition.text())
        .returns::<(BigInt, BigInt, BigInt)>()
        .get_result(tx.conn())
        .await?;
        Ok(Self { on_hand, ledger_reserved, held })
    }

    /// What more is held than there is, a person must count.
    fn applied_to(&self, level: &StockLevel) -> Result<StockLevel> {
        if self.on_hand < 0 || self.held > self.on_hand {
            let (sku, on_hand, held) = (level.sku.clone(), self.on_hand, self.held);
            return Err(Error::StockImpossible { sku, on_hand, held });
        }
        Ok(StockLevel { on_hand: self.on_hand, reserved: self.held, ..level.clone() })
    }
}

/// Writes the level, and into the ledger what was held or given back without a word.
async fn save(tx: &mut Tx, level: &StockLevel, forgotten: i64) -> Result<()> {
    let (now, actor) = (tx.now(), tx.call().caller.who());
    let kind = if forgotten > 0 { Kind::Reserve } else { Kind::Release };
    cached_sql(
        "WITH posted AS (
             INSERT INTO stock_ledger (sku, warehouse_id, condition, kind, on_hand_delta, reserved_delta, reference, note,
                                       actor, post_time)
             SELECT $1, $2, $3, $4, 0, $5, 'recount', 'the level was not what reservations hold', $6, $7 WHERE $5 <> 0
         )
         UPDATE stock_levels SET on_hand = $8, reserved = $9, version = $10, update_time = $7
         WHERE sku = $1 AND warehouse_id = $2 AND condition = $3",
    )
    .bind::<Text, _>(level.sku.as_str())
    .bind::<SqlUuid, _>(level.warehouse_id.uuid())
    .bind::<Text, _>(level.condition.text())
    .bind::<Text, _>(kind.text())
    .bind::<BigInt, _>(forgotten)
    .bind::<Text, _>(actor)
    .bind::<Timestamptz, _>(now)
    .bind::<BigInt, _>(level.on_hand)
    .bind::<BigInt, _>(level.reserved)
    .bind::<BigInt, _>(level.version)
    .execute(tx.conn())
    .await?;
    Ok(())
}
