//! Reads the parts of orders and writes them.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{ExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Result, Tx, cached_sql};
use types::{Currency, DeliveryMethodId, DeliveryPlanId, FulfilmentId, Money, OrderId, ShipmentId};
use uuid::Uuid;

use crate::model::fulfilment::{Fulfilment, FulfilmentLine};
use crate::model::order::Delivery;
use crate::model::order_rows::{json as read_json, named};
use crate::schema::order_fulfilments;

#[derive(Queryable, Selectable)]
#[diesel(table_name = order_fulfilments)]
struct Row {
    fulfilment_id: Uuid,
    ordinal: i32,
    state: String,
    lines: Value,
    delivery_method_id: Option<Uuid>,
    delivery_method_name: String,
    address: Option<Value>,
    delivery_plan_id: Option<Uuid>,
    shipment_id: Option<Uuid>,
    carrier: String,
    tracking_number: String,
    incident: String,
    delivery_total: i64,
    cash_on_delivery: i64,
    cancelling: Option<Uuid>,
    create_time: DateTime<Utc>,
    update_time: DateTime<Utc>,
    stock_posted: bool,
}

/// Units of one line, as they are stored.
#[derive(Serialize, Deserialize)]
struct LineRow {
    position: i32,
    quantity: i32,
    shipped: i32,
    total: i64,
}

/// The parts of an order, the oldest first.
pub async fn of_order(
    conn: &mut AsyncPgConnection,
    order_id: OrderId,
    currency: Currency,
) -> Result<Vec<Fulfilment>> {
    let rows: Vec<Row> = order_fulfilments::table
        .filter(order_fulfilments::order_id.eq(order_id.uuid()))
        .order(order_fulfilments::ordinal)
        .select(Row::as_select())
        .load(conn)
        .await?;
    rows.into_iter().map(|row| read(row, currency)).collect()
}

/// Writes them as they are now; their order was locked in this transaction.
pub async fn save(tx: &mut Tx, order_id: OrderId, parts: &[Fulfilment]) -> Result<()> {
    if parts.is_empty() {
        return Ok(());
    }
    let texts = |pick: fn(&Fulfilment) -> &str| parts.iter().map(pick).collect::<Vec<_>>();
    let sums =
        |pick: fn(&Fulfilment) -> Money| parts.iter().map(|part| pick(part).minor()).collect::<Vec<_>>();
    let ids = |pick: fn(&Fulfilment) -> Option<Uuid>| parts.iter().map(pick).collect::<Vec<_>>();
    cached_sql(
        "INSERT INTO order_fulfilments (order_id, fulfilment_id, ordinal, state, lines, delivery_method_id,
                                        delivery_method_name, address, delivery_plan_id, shipment_id, carrier,
                                        tracking_number, incident, delivery_total, cash_on_delivery, cancelling,
                                        create_time, update_time)
         SELECT $1, new.* FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
              AS new (fulfilment_id, ordinal, state, lines, delivery_method_id, delivery_method_name, address,
                      delivery_plan_id, shipment_id, carrier, tracking_number, incident, delivery_total,
                      cash_on_delivery, cancelling, create_time, update_time)
         ON CONFLICT (fulfilment_id) DO UPDATE
         SET state = excluded.state, lines = excluded.lines, delivery_method_name = excluded.delivery_method_name,
             shipment_id = excluded.shipment_id, carrier = excluded.carrier,
             tracking_number = excluded.tracking_number, incident = excluded.incident,
             cancelling = excluded.cancelling, update_time = excluded.update_time",
    )
    .bind::<SqlUuid, _>(order_id.uuid())
    .bind::<Array<SqlUuid>, _>(parts.iter().map(|part| part.fulfilment_id.uuid()).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(parts.iter().map(|part| part.ordinal).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(texts(|part| part.state.name()))
    .bind::<Array<Jsonb>, _>(parts.iter().map(lines).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(ids(|part| part.delivery.as_ref().map(|way| way.method_id.uuid())))
    .bind::<Array<Text>, _>(texts(|part| part.delivery.as_ref().map_or("", |way| way.method_name.as_str())))
    .bind::<Array<Nullable<Jsonb>>, _>(parts.iter().map(address).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(ids(|part| part.delivery_plan_id.map(Uuid::from)))
    .bind::<Array<Nullable<SqlUuid>>, _>(ids(|part| part.shipment_id.map(Uuid::from)))
    .bind::<Array<Text>, _>(texts(|part| &part.carrier))
    .bind::<Array<Text>, _>(texts(|part| &part.tracking_number))
    .bind::<Array<Text>, _>(texts(|part| &part.incident))
    .bind::<Array<BigInt>, _>(sums(|part| part.delivery_total))
    .bind::<Array<BigInt>, _>(sums(|part| part.cash_on_delivery))
    .bind::<Array<Nullable<SqlUuid>>, _>(ids(|part| part.cancelling))
    .bind::<Array<Timestamptz>, _>(parts.iter().map(|part| part.create_time).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(parts.iter().map(|part| part.update_time).collect::<Vec<_>>())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What left with the part, or with the parcel, was taken out of stock.
pub async fn note_posted(tx: &mut Tx, order_id: OrderId, part_or_parcel: Uuid) -> Result<()> {
    cached_sql(
        "UPDATE order_fulfilments SET stock_posted = true
         WHERE order_id = $1 AND (fulfilment_id = $2 OR shipment_id = $2)",
    )
    .bind::<SqlUuid, _>(order_id.uuid())
    .bind::<SqlUuid, _>(part_or_parcel)
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn lines(part: &Fulfilment) -> Value {
    let row = |line: &FulfilmentLine| LineRow {
        position: line.position,
        quantity: line.quantity,
        shipped: line.shipped,
        total: line.total.minor(),
    };
    json!(part.lines.iter().map(row).collect::<Vec<_>>())
}

fn address(part: &Fulfilment) -> Option<Value> {
    part.delivery.as_ref()?.address.as_ref().map(|address| json!(address))
}

fn read(row: Row, currency: Currency) -> Result<Fulfilment> {
    let money = |minor| Money::new(currency, minor);
    let address = row.address.map(read_json).transpose()?;
    let line = |line: LineRow| FulfilmentLine {
        position: line.position,
        quantity: line.quantity,
        shipped: line.shipped,
        total: money(line.total),
    };
    Ok(Fulfilment {
        fulfilment_id: FulfilmentId::from_uuid(row.fulfilment_id),
        ordinal: row.ordinal,
        state: named(&row.state)?,
        lines: read_json::<Vec<LineRow>>(row.lines)?.into_iter().map(line).collect(),
        delivery: row.delivery_method_id.map(|method_id| Delivery {
            method_id: DeliveryMethodId::from_uuid(method_id),
            method_name: row.delivery_method_name,
            address,
            price_fixed: false,
        }),
        delivery_plan_id: row.delivery_plan_id.map(DeliveryPlanId::from_uuid),
        shipment_id: row.shipment_id.map(ShipmentId::from_uuid),
        carrier: row.carrier,
        tracking_number: row.tracking_number,
        incident: row.incident,
        delivery_total: money(row.delivery_total),
        cash_on_delivery: money(row.cash_on_delivery),
        cancelling: row.cancelling,
        stock_posted: row.stock_posted,
        create_time: row.create_time,
        update_time: row.update_time,
    })
}
