//! Tells where every unit of a number comes from: the levels, their proof, who holds units, and the ledger.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use prost::Message;
use proto::inventory::v1 as pb;
use rpc::{Call, Fields, Shops};
use store::{Page, Tx, cached_sql};
use types::{ShopId, Sku, StockDocumentId, WarehouseId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::{
    Cause, Condition, CostLayer, Delta, Kind, LedgerEntry, Posting, Reservation, State, StockLevel,
};
use crate::rpc::costs;
use crate::schema::{reservation_lines, reservations, stock_ledger, stock_levels};
use crate::{Inventory, wire};

/// The newest reservations that are shown.
const RESERVATIONS_MAX: i64 = 200;

/// Everything as of one moment. Of other shops' reservations a partner learns the quantities only.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ExplainStockRequest,
) -> Result<pb::ExplainStockResponse> {
    let (subject, page) = parse(inventory, &request)?;

    let shops = &call.caller.shops;
    let explained = inventory.store.transaction(call, async |tx: &mut Tx| {
        let connection = tx.conn();
        // One snapshot for all statements: otherwise the sums could differ by what is posted in between.
        connection.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let levels = subject.levels(connection).await?;
        let sums = subject.ledger_sums(connection).await?;
        let reservations = subject.reservations(connection, shops).await?;
        let entries = subject.entries(connection, &page).await?;
        let costs = match costs::are_visible_to(&call.caller) {
            true => CostLayer::of_entries(connection, &numbers(&entries)).await?,
            false => BTreeMap::new(),
        };
        Ok::<_, crate::Error>((levels, sums, reservations, entries, costs))
    });
    let (levels, (ledger_on_hand, ledger_reserved), reservations, entries, costs) = explained.await?;

    let (entries, next_page_token) = page.cut(&inventory.store, entries, |entry| entry.sequence);
    let entry = |entry: LedgerEntry| {
        let parts = costs.get(&entry.sequence).map(Vec::as_slice).unwrap_or_default();
        wire::ledger_entry(&seen_by(shops, entry), parts)
    };
    Ok(pb::ExplainStockResponse {
        levels: levels.iter().map(wire::stock_level).collect(),
        ledger_on_hand,
        ledger_reserved,
        reservations: reservations.iter().map(wire::reservation).collect(),
        entries: entries.into_iter().map(entry).collect(),
        next_page_token,
    })
}

/// The numbers of rows that move what is on hand: others have no cost.
fn numbers(entries: &[LedgerEntry]) -> Vec<i64> {
    let moving = entries.iter().filter(|entry| entry.posting.delta.on_hand != 0);
    moving.map(|entry| entry.sequence).collect()
}

fn parse(inventory: &Inventory, request: &pb::ExplainStockRequest) -> Result<(Subject, Page<i64>)> {
    let mut fields = Fields::new();
    let sku: Option<Sku> = fields.parse("sku", &request.sku);
    let warehouse_id = fields.parse_optional("warehouse_id", &request.warehouse_id);
    let sku = fields.finish_with(sku)?;
    let filter = pb::ExplainStockRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page =
        Page::parse(&inventory.store, request.page_size, &request.page_token, &filter.encode_to_vec())?;
    Ok((Subject { sku, warehouse_id }, page))
}

/// What is explained.
struct Subject {
    sku: Sku,
    warehouse_id: Option<WarehouseId>,
}

type LedgerRow = (
    i64,
    String,
    Uuid,
    String,
    String,
    i64,
    i64,
    String,
    String,
    String,
    Option<Uuid>,
    DateTime<Utc>,
    Option<Uuid>,
);

impl Subject {
    async fn levels(&self, connection: &mut AsyncPgConnection) -> Result<Vec<StockLevel>> {
        let mut query = stock_levels::table
            .filter(stock_levels::sku.eq(self.sku.as_str()))
            .order((stock_levels::warehouse_id, stock_levels::condition))
            .into_boxed();
        if let Some(id) = self.warehouse_id {
            query = query.filter(stock_levels::warehouse_id.eq(id.uuid()));
        }
        let rows = query.load(connection).await?;
        rows.into_iter().map(StockLevel::stored).collect()
    }

    async fn ledger_sums(&self, connection: &mut AsyncPgConnection) -> Result<(i64, i64)> {
        let sums = cached_sql(
            "SELECT coalesce(sum(on_hand_delta), 0)::bigint, coalesce(sum(reserved_delta), 0)::bigint FROM stock_ledger
             WHERE sku = $1 AND ($2 IS NULL OR warehouse_id = $2)",
        )
        .bind::<Text, _>(self.sku.as_str())
        .bind::<Nullable<SqlUuid>, _>(self.warehouse_id.map(Uuid::from))
        .returns::<(BigInt, BigInt)>();
        Ok(sums.get_result(connection).await?)
    }

    async fn reservations(
        &self,
        connection: &mut AsyncPgConnection,
        shops: &Shops,
    ) -> Result<Vec<Reservation>> {
        let mut holding = reservation_lines::table
            .filter(reservation_lines::sku.eq(self.sku.as_str()))
            .select(reservation_lines::reservation_id)
            .into_boxed();
        if let Some(id) = self.warehouse_id {
            holding = holding.filter(reservation_lines::warehouse_id.eq(id.uuid()));
        }
        let mut query = reservations::table
            .filter(reservations::state.eq(State::Held.text()))
            .filter(reservations::reservation_id.eq_any(holding))
            .order((reservations::create_time.desc(), reservations::reservation_id.desc()))
            .limit(RESERVATIONS_MAX)
            .into_boxed();
        if let Some(shops) = shops.filter() {
            query = query.filter(reservations::shop_id.eq_any(shops));
        }
        let rows = query.load(connection).await?;
        Reservation::assemble(connection, rows).await
    }

    async fn entries(
        &self,
        connection: &mut AsyncPgConnection,
        page: &Page<i64>,
    ) -> Result<Vec<LedgerEntry>> {
        let mut query = stock_ledger::table
            .filter(stock_ledger::sku.eq(self.sku.as_str()))
            .order(stock_ledger::sequence.desc())
            .limit(page.limit())
            .into_boxed();
        if let Some(id) = self.warehouse_id {
            query = query.filter(stock_ledger::warehouse_id.eq(id.uuid()));
        }
        if let Some(last) = page.after {
            query = query.filter(stock_ledger::sequence.lt(last));
        }
        let rows: Vec<LedgerRow> = query.load(connection).await?;
        rows.into_iter().map(|row| self.entry(row)).collect()
    }

    fn entry(&self, row: LedgerRow) -> Result<LedgerEntry> {
        let (
            sequence,
            _,
            warehouse_id,
            condition,
            kind,
            on_hand,
            reserved,
            reference,
            note,
            actor,
            shop_id,
            post_time,
            document_id,
        ) = row;
        let document_id = document_id.map(StockDocumentId::from_uuid);
        let shop_id = shop_id.map(ShopId::from_uuid);
        let posting = Posting {
            sku: self.sku.clone(),
            warehouse_id: WarehouseId::from_uuid(warehouse_id),
            condition: Condition::stored(&condition)?,
            delta: Delta { on_hand, reserved },
            cause: Arc::new(Cause {
                kind: Kind::stored(&kind)?,
                reference,
                note,
                actor,
                shop_id,
                document_id,
            }),
        };
        Ok(LedgerEntry { sequence, posting, post_time })
    }
}

/// The row without what belongs to a shop that is not among `shops`.
fn seen_by(shops: &Shops, mut entry: LedgerEntry) -> LedgerEntry {
    let cause = &entry.posting.cause;
    if cause.shop_id.is_some_and(|shop_id| !shops.allow(shop_id)) {
        let (reference, note, actor) = Default::default();
        let (shop_id, document_id) = (None, None);
        entry.posting.cause =
            Arc::new(Cause { kind: cause.kind, reference, note, actor, shop_id, document_id });
    }
    entry
}
