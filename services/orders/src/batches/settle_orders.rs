//! Settles orders: those that are placed and those that are rejected, each with its event, history and finished saga.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use proto::orders::v1::{OrderPlaced, OrderRejected};
use rpc::Call;
use saga::Finished;
use serde_json::{Value, json};
use store::{Audit, Store, Tx, cached_sql};
use tonic::Status;
use types::OrderId;
use uuid::Uuid;

use crate::batches::{order_carts, write_offers};
use crate::error::{Error, Result};
use crate::model::order::Order;
use crate::model::order_line::OrderLine;
use crate::model::order_rows;
use crate::model::order_state::OrderState;
use crate::sagas::place_order::Settled;
use crate::wire;

/// An order that left the state placing, and the call that moved it.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// Placed or rejected.
    pub order: Order,
    /// The saga's.
    pub call: Call,
}

/// What became of a settlement.
#[derive(Debug)]
pub(super) enum End {
    /// The order was written as it is.
    Written { version: i64, time: DateTime<Utc> },
    /// Inventory had news of the order's stock before; this is the order with them.
    Overtaken(Box<Order>),
    /// Somebody else has finished the saga.
    NotOurs,
}

/// The answer to a settlement that is committed.
pub(super) async fn settled(
    store: &Store,
    Settlement { order, .. }: Settlement,
    end: End,
) -> Result<Settled> {
    match end {
        End::Written { version, time } => Ok(Arc::new(Order { version, update_time: time, ..order })),
        End::Overtaken(order) => Ok(Arc::new(*order)),
        End::NotOurs => settled_before(store, order.order_id).await,
    }
}

/// Another process ran the saga to its end, or is about to.
async fn settled_before(store: &Store, order_id: OrderId) -> Result<Settled> {
    let mut connection = store.connection().await?;
    let order = Order::load(&mut connection, order_id).await?.ok_or(Error::OrderNotFound)?;
    match order.state {
        OrderState::Placing => Err(Error::Answered(Status::aborted("another process unwinds the saga"))),
        _ => Ok(Arc::new(order)),
    }
}

/// Ends the sagas of a batch. Answers those that were open: they are to be [written](write).
pub(super) async fn finish<'a>(tx: &Tx, batch: &[&'a Settlement]) -> Result<Vec<&'a Settlement>> {
    let (rejected, placed): (Vec<_>, Vec<_>) =
        batch.iter().partition(|one| one.order.state == OrderState::Rejected);
    let ids = |part: Vec<&&Settlement>| part.iter().map(|one| one.order.order_id.uuid()).collect::<Vec<_>>();
    let mut open = HashSet::with_capacity(batch.len());
    for (part, outcome) in [(ids(placed), Finished::Done), (ids(rejected), Finished::Undone)] {
        if !part.is_empty() {
            open.extend(saga::finish(tx, &part, outcome).await?);
        }
    }
    Ok(batch.iter().filter(|one| open.contains(&one.order.order_id.uuid())).copied().collect())
}

/// Writes what belongs to the orders that were written, tells of them, and what became of each of the batch.
pub(super) async fn tell(
    tx: &mut Tx,
    batch: &[&Settlement],
    open: &[&Settlement],
    written: &[Written],
) -> Result<Vec<End>> {
    if !open.is_empty() {
        order_carts::mark(tx, open).await?;
        write_offers::write(tx, &open.iter().map(|one| &one.order).collect::<Vec<_>>()).await?;
    }
    let mut ends = Vec::with_capacity(batch.len());
    for settlement in batch {
        let row = written.iter().find(|row| row.order_id == settlement.order.order_id.uuid());
        ends.push(match row {
            Some(row) => tell_one(tx, settlement, row).await?,
            None => End::NotOurs,
        });
    }
    Ok(ends)
}

/// A row as it was written.
pub(super) struct Written {
    order_id: Uuid,
    version: i64,
    /// Inventory had news of the order's stock before it was settled; they are kept.
    overtaken: bool,
}

/// Writes the orders. Their sagas were open until this transaction, so they are in state placing.
pub(super) async fn write(tx: &Tx, batch: &[&Settlement]) -> Result<Vec<Written>> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let now = tx.now();
    let orders = || batch.iter().map(|settlement| &settlement.order);
    let placed = || orders().filter(|order| order.state == OrderState::New);
    let lines =
        || placed().flat_map(|order| order.lines.iter().map(move |line| (order.order_id.uuid(), line)));
    let statement = cached_sql(
        "WITH settled AS (
            UPDATE orders AS o
            SET state = new.state, status = new.status, customer_id = new.customer_id,
                customer_wanted = new.customer_wanted, goods_total = new.goods_total,
                delivery_total = new.delivery_total, total = new.goods_total + new.delivery_total,
                delivery_method_name = new.delivery_method_name, rejection = new.rejection,
                shortages = coalesce(o.shortages, new.shortages), reservation_id = new.reservation_id,
                payment_id = new.payment_id, delivery_plan_id = new.delivery_plan_id,
                version = o.version + 1, update_time = $24
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
                 AS new (order_id, state, status, customer_id, customer_wanted, goods_total, delivery_total,
                         delivery_method_name, rejection, shortages, reservation_id, payment_id, delivery_plan_id)
            WHERE o.order_id = new.order_id
            RETURNING o.order_id, o.version, o.shortages IS DISTINCT FROM new.shortages AS overtaken
         ), priced AS (
            UPDATE order_lines AS line
            SET variant_id = new.variant_id, name = new.name, kind = new.kind, unit_price = new.unit_price,
                price_quantity = new.price_quantity, total = new.total, tax_category = new.tax_category,
                components = new.components, weight_grams = new.weight_grams,
                reserved = CASE WHEN new.order_id IN (SELECT order_id FROM settled WHERE overtaken)
                                THEN line.reserved ELSE new.reserved END
            FROM unnest($14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $25, $26)
                 AS new (order_id, position, variant_id, name, kind, unit_price, price_quantity, total, tax_category,
                         reserved, components, weight_grams)
            WHERE line.order_id = new.order_id AND line.position = new.position
         )
         SELECT order_id, version, overtaken FROM settled",
    );
    let statement = statement
        .bind::<Array<SqlUuid>, _>(orders().map(|order| order.order_id.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(orders().map(|order| order.state.name()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(orders().map(|order| order.status.as_str()).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(
            orders().map(|order| order.customer_id.map(Uuid::from)).collect::<Vec<_>>(),
        )
        .bind::<Array<Bool>, _>(orders().map(|order| order.customer_wanted).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(orders().map(|order| order.goods_total.minor()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(orders().map(|order| order.delivery_total.minor()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(orders().map(delivery_method_name).collect::<Vec<_>>())
        .bind::<Array<Nullable<Jsonb>>, _>(orders().map(rejection).collect::<Vec<_>>())
        .bind::<Array<Nullable<Jsonb>>, _>(orders().map(shortages).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(
            orders().map(|order| order.reservation_id.map(Uuid::from)).collect::<Vec<_>>(),
        )
        .bind::<Array<Nullable<SqlUuid>>, _>(
            orders().map(|order| order.payment_id.map(Uuid::from)).collect::<Vec<_>>(),
        )
        .bind::<Array<Nullable<SqlUuid>>, _>(
            orders().map(|order| order.delivery_plan_id.map(Uuid::from)).collect::<Vec<_>>(),
        );
    let rows: Vec<(Uuid, i64, bool)> = statement
        .bind::<Array<SqlUuid>, _>(lines().map(|(order_id, _)| order_id).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(lines().map(|(_, line)| line.position).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(
            lines().map(|(_, line)| line.variant_id.map(Uuid::from)).collect::<Vec<_>>(),
        )
        .bind::<Array<Text>, _>(lines().map(|(_, line)| line.name.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(lines().map(|(_, line)| line.kind.name()).collect::<Vec<_>>())
        .bind::<Array<Nullable<BigInt>>, _>(lines().map(|(_, line)| unit_price(line)).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(lines().map(|(_, line)| line.price_quantity).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(lines().map(|(_, line)| line.total.minor()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(lines().map(|(_, line)| line.tax_category.as_str()).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(lines().map(|(_, line)| line.reserved).collect::<Vec<_>>())
        .bind::<Timestamptz, _>(now)
        .bind::<Array<Nullable<Jsonb>>, _>(
            lines().map(|(_, line)| order_rows::components(line)).collect::<Vec<_>>(),
        )
        .bind::<Array<Integer>, _>(lines().map(|(_, line)| line.weight_grams).collect::<Vec<_>>())
        .returns::<(SqlUuid, BigInt, Bool)>()
        .load(&mut tx.shared())
        .await?;
    Ok(rows
        .into_iter()
        .map(|(order_id, version, overtaken)| Written { order_id, version, overtaken })
        .collect())
}

/// Appends the event and the history of an order that was written.
async fn tell_one(tx: &mut Tx, Settlement { order, call }: &Settlement, row: &Written) -> Result<End> {
    if row.overtaken && order.state == OrderState::New {
        let order = Order::load(tx.conn(), order.order_id).await?.ok_or(Error::OrderNotFound)?;
        append(tx, call, &order, row.version);
        return Ok(End::Overtaken(Box::new(order)));
    }
    append(tx, call, order, row.version);
    Ok(End::Written { version: row.version, time: tx.now() })
}

fn append(tx: &mut Tx, call: &Call, order: &Order, version: i64) {
    let audit = Audit::new("orders.settle_order", order.order_id).shop(order.shop_id.uuid()).change(
        "state",
        OrderState::Placing.name(),
        order.state.name(),
    );
    let (snapshot, shop_id) = (Some(wire::snapshot(order)), Some(order.shop_id));
    match &order.rejection {
        None => {
            tx.audit_for(call, audit.set("total", order.total.amount()));
            let event = OrderPlaced { order: snapshot };
            events::append_for(tx, call, order.order_id, version, shop_id, &event);
        }
        Some(rejection) => {
            tx.audit_for(call, audit.set("rejection", &rejection.reason));
            let event = OrderRejected { order: snapshot, reason: rejection.reason.clone() };
            events::append_for(tx, call, order.order_id, version, shop_id, &event);
        }
    }
}

fn delivery_method_name(order: &Order) -> &str {
    order.delivery.as_ref().map_or("", |delivery| delivery.method_name.as_str())
}

fn rejection(order: &Order) -> Option<Value> {
    order.rejection.as_ref().map(|rejection| json!(rejection))
}

fn shortages(order: &Order) -> Option<Value> {
    order.shortages.as_ref().map(|items| json!(items))
}

fn unit_price(line: &OrderLine) -> Option<i64> {
    line.unit_price.money().map(types::Money::minor)
}
