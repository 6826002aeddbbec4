//! Reads orders and writes their changes; new ones are written by the batches.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Uuid as SqlUuid};
use diesel::{
    ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::{Error, Result, Tx, cached_sql};
use types::{Currency, Money, OrderId};
use uuid::Uuid;

use crate::model::buyer::Buyer;
use crate::model::order::{Delivery, Order};
use crate::model::order_line::{LineKind, OrderLine, UnitPrice};
use crate::schema::{order_buyers, order_external_ids, order_lines, orders};

#[derive(Queryable, Selectable)]
#[diesel(table_name = orders)]
struct OrderRow {
    order_id: Uuid,
    number: String,
    shop_id: Uuid,
    legal_entity_id: Option<Uuid>,
    state: String,
    status: String,
    source_id: Uuid,
    channel: String,
    method: String,
    customer_id: Option<Uuid>,
    customer_wanted: bool,
    currency: String,
    goods_total: i64,
    delivery_total: i64,
    total: i64,
    paid: i64,
    refunded: i64,
    payment_method: String,
    delivery_method_id: Option<Uuid>,
    delivery_method_name: String,
    rejection: Option<Value>,
    cancel_reason: String,
    shortages: Option<Value>,
    reservation_id: Option<Uuid>,
    payment_id: Option<Uuid>,
    delivery_plan_id: Option<Uuid>,
    shipment_ids: Vec<Uuid>,
    cancelling: Option<Uuid>,
    version: i64,
    create_time: DateTime<Utc>,
    update_time: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = order_buyers)]
struct BuyerRow {
    name: String,
    phone: String,
    email: String,
    address: Option<Value>,
    comment: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = order_lines)]
struct LineRow {
    position: i32,
    sku: String,
    variant_id: Option<Uuid>,
    name: String,
    kind: String,
    ordered: i32,
    reserved: i32,
    shipped: i32,
    delivered: i32,
    cancelled: i32,
    returned: i32,
    unit_price: Option<i64>,
    price_fixed: bool,
    price_quantity: i32,
    total: i64,
    tax_category: String,
}

impl Order {
    /// The order, if there is one.
    pub async fn load(conn: &mut AsyncPgConnection, order_id: OrderId) -> Result<Option<Self>> {
        let found: Option<(OrderRow, BuyerRow)> = orders::table
            .inner_join(order_buyers::table.on(order_buyers::order_id.eq(orders::order_id)))
            .filter(orders::order_id.eq(order_id.uuid()))
            .select((OrderRow::as_select(), BuyerRow::as_select()))
            .first(conn)
            .await
            .optional()?;
        let Some((order, buyer)) = found else { return Ok(None) };
        let lines: Vec<LineRow> = order_lines::table
            .filter(order_lines::order_id.eq(order_id.uuid()))
            .order(order_lines::position)
            .select(LineRow::as_select())
            .load(conn)
            .await?;
        let external_ids: Vec<(Uuid, String)> = order_external_ids::table
            .filter(order_external_ids::order_id.eq(order_id.uuid()))
            .order(order_external_ids::source_id)
            .select((order_external_ids::source_id, order_external_ids::external_id))
            .load(conn)
            .await?;
        read(order, buyer, lines, external_ids).map(Some)
    }

    /// The order, kept from other changes until the transaction ends.
    pub async fn lock(tx: &mut Tx, order_id: OrderId) -> Result<Option<Self>> {
        let locked: Option<(Uuid,)> =
            cached_sql("SELECT order_id FROM orders WHERE order_id = $1 FOR UPDATE")
                .bind::<SqlUuid, _>(order_id.uuid())
                .returns::<(SqlUuid,)>()
                .get_result(tx.conn())
                .await
                .optional()?;
        match locked {
            Some(_) => Self::load(tx.conn(), order_id).await,
            None => Ok(None),
        }
    }

    /// Writes what may change after the order was placed; it was locked in this transaction.
    pub async fn save(&self, tx: &mut Tx) -> Result<()> {
        diesel::update(orders::table.find(self.order_id.uuid()))
            .set((
                orders::state.eq(self.state.name()),
                orders::status.eq(&self.status),
                orders::customer_id.eq(self.customer_id.map(Uuid::from)),
                orders::customer_wanted.eq(self.customer_wanted),
                orders::paid.eq(self.paid.minor()),
                orders::refunded.eq(self.refunded.minor()),
                orders::cancel_reason.eq(self.cancel_reason.map_or("", |reason| reason.as_str())),
                orders::shortages.eq(self.shortages.as_ref().map(|items| serde_json::json!(items))),
                orders::shipment_ids.eq(self.shipment_ids.iter().map(|id| id.uuid()).collect::<Vec<_>>()),
                orders::cancelling.eq(self.cancelling),
                orders::version.eq(self.version),
                orders::update_time.eq(self.update_time),
            ))
            .execute(tx.conn())
            .await?;
        self.save_quantities(tx).await
    }

    async fn save_quantities(&self, tx: &mut Tx) -> Result<()> {
        let column = |pick: fn(&OrderLine) -> i32| self.lines.iter().map(pick).collect::<Vec<_>>();
        cached_sql(
            "UPDATE order_lines AS line
             SET reserved = new.reserved, shipped = new.shipped, delivered = new.delivered, cancelled = new.cancelled
             FROM unnest($2, $3, $4, $5, $6) AS new (position, reserved, shipped, delivered, cancelled)
             WHERE line.order_id = $1 AND line.position = new.position
               AND (line.reserved, line.shipped, line.delivered, line.cancelled)
                   IS DISTINCT FROM (new.reserved, new.shipped, new.delivered, new.cancelled)",
        )
        .bind::<SqlUuid, _>(self.order_id.uuid())
        .bind::<Array<Integer>, _>(column(|line| line.position))
        .bind::<Array<Integer>, _>(column(|line| line.reserved))
        .bind::<Array<Integer>, _>(column(|line| line.shipped))
        .bind::<Array<Integer>, _>(column(|line| line.delivered))
        .bind::<Array<Integer>, _>(column(|line| line.cancelled))
        .execute(tx.conn())
        .await?;
        Ok(())
    }
}

/// Ids of orders whose buyer a job must identify, oldest first.
pub async fn without_customer(conn: &mut AsyncPgConnection, limit: i64) -> Result<Vec<OrderId>> {
    let rows: Vec<(Uuid,)> =
        cached_sql("SELECT order_id FROM orders WHERE customer_wanted ORDER BY create_time LIMIT $1")
            .bind::<BigInt, _>(limit)
            .returns::<(SqlUuid,)>()
            .load(conn)
            .await?;
    Ok(rows.into_iter().map(|row| OrderId::from_uuid(row.0)).collect())
}

fn read(
    row: OrderRow,
    buyer: BuyerRow,
    lines: Vec<LineRow>,
    external_ids: Vec<(Uuid, String)>,
) -> Result<Order> {
    let currency: Currency = named(&row.currency)?;
    let money = |minor| Money::new(currency, minor);
    let address = buyer.address.map(json).transpose()?;
    let delivery = row.delivery_method_id.map(|method_id| Delivery {
        method_id: types::DeliveryMethodId::from_uuid(method_id),
        method_name: row.delivery_method_name,
        address,
    });
    Ok(Order {
        order_id: OrderId::from_uuid(row.order_id),
        number: row.number,
        shop_id: types::ShopId::from_uuid(row.shop_id),
        legal_entity_id: row.legal_entity_id.map(types::LegalEntityId::from_uuid),
        state: named(&row.state)?,
        status: row.status,
        source_id: types::SourceId::from_uuid(row.source_id),
        channel: row.channel,
        method: named(&row.method)?,
        external_ids: external_ids
            .into_iter()
            .map(|(source, id)| (types::SourceId::from_uuid(source), id))
            .collect(),
        customer_id: row.customer_id.map(types::CustomerId::from_uuid),
        customer_wanted: row.customer_wanted,
        buyer: Buyer { name: buyer.name, phone: buyer.phone, email: buyer.email, comment: buyer.comment },
        lines: lines.into_iter().map(|line| read_line(line, currency)).collect::<Result<_>>()?,
        delivery,
        currency,
        goods_total: money(row.goods_total),
        delivery_total: money(row.delivery_total),
        total: money(row.total),
        paid: money(row.paid),
        refunded: money(row.refunded),
        payment_method: named(&row.payment_method)?,
        rejection: row.rejection.map(json).transpose()?,
        cancel_reason: if row.cancel_reason.is_empty() { None } else { Some(named(&row.cancel_reason)?) },
        shortages: row.shortages.map(json).transpose()?,
        reservation_id: row.reservation_id.map(types::ReservationId::from_uuid),
        payment_id: row.payment_id.map(types::PaymentId::from_uuid),
        delivery_plan_id: row.delivery_plan_id.map(types::DeliveryPlanId::from_uuid),
        shipment_ids: row.shipment_ids.into_iter().map(types::ShipmentId::from_uuid).collect(),
        cancelling: row.cancelling,
        version: row.version,
        create_time: row.create_time,
        update_time: row.update_time,
    })
}

fn read_line(row: LineRow, currency: Currency) -> Result<OrderLine> {
    let money = |minor| Money::new(currency, minor);
    Ok(OrderLine {
        position: row.position,
        sku: named(&row.sku)?,
        variant_id: row.variant_id.map(types::VariantId::from_uuid),
        name: row.name,
        kind: if row.kind == LineKind::Service.name() { LineKind::Service } else { LineKind::Goods },
        ordered: row.ordered,
        reserved: row.reserved,
        shipped: row.shipped,
        delivered: row.delivered,
        cancelled: row.cancelled,
        returned: row.returned,
        unit_price: match (row.unit_price, row.price_fixed) {
            (None, _) => UnitPrice::Open,
            (Some(minor), true) => UnitPrice::Fixed(money(minor)),
            (Some(minor), false) => UnitPrice::Quoted(money(minor)),
        },
        price_quantity: row.price_quantity,
        total: money(row.total),
        tax_category: row.tax_category,
    })
}

/// Reads a name that this service wrote.
fn named<T>(text: &str) -> Result<T>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| Error::Corrupt(error.to_string()))
}

fn json<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| Error::Corrupt(error.to_string()))
}
