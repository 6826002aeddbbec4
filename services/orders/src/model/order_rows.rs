//! Reads orders; what changes about them is written by `order_writes`, parts by `fulfilment_rows`.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Uuid as SqlUuid};
use diesel::{
    ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Error, Result, Tx, cached_sql};
use types::{Currency, Money, OrderId};
use uuid::Uuid;

use crate::model::adjustment;
use crate::model::buyer::Buyer;
use crate::model::fulfilment::Fulfilment;
use crate::model::fulfilment_rows;
use crate::model::offer::Offer;
use crate::model::order::{Deadlines, Delivery, Order, Progress};
use crate::model::order_line::{LineComponent, LineKind, OrderLine, UnitPrice};
use crate::schema::{
    order_buyers, order_external_ids, order_lines, order_offers, order_progress, order_terms, orders,
};

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
    components: Option<Value>,
    weight_grams: i32,
    adjustments: Option<Value>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = order_offers)]
struct OfferRow {
    quote_id: Option<Uuid>,
    promo_code_id: Option<Uuid>,
    promo_code: String,
    cart_id: String,
}

#[derive(Default, Queryable, Selectable)]
#[diesel(table_name = order_terms)]
struct TermsRow {
    pay_by_time: Option<DateTime<Utc>>,
    ship_by_time: Option<DateTime<Utc>>,
    delivery_price_fixed: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = order_progress)]
struct ProgressRow {
    payments: Value,
    returned_total: i64,
    ordinals: i32,
    lines_made: i32,
    reservation_revision: i32,
    reservation_version: i64,
    editing: Option<Uuid>,
}

/// A component as it is stored.
#[derive(Serialize, Deserialize)]
struct ComponentRow {
    sku: String,
    quantity: i32,
    name: String,
    weight_grams: i32,
}

/// A row of each table that has at most one of an order.
type Rows = (OrderRow, BuyerRow, Option<TermsRow>, Option<ProgressRow>, Option<OfferRow>);

impl Order {
    /// The order, if there is one.
    pub async fn load(conn: &mut AsyncPgConnection, order_id: OrderId) -> Result<Option<Self>> {
        let found: Option<Rows> = orders::table
            .inner_join(order_buyers::table.on(order_buyers::order_id.eq(orders::order_id)))
            .left_join(order_terms::table.on(order_terms::order_id.eq(orders::order_id)))
            .left_join(order_progress::table.on(order_progress::order_id.eq(orders::order_id)))
            .left_join(order_offers::table.on(order_offers::order_id.eq(orders::order_id)))
            .filter(orders::order_id.eq(order_id.uuid()))
            .select((
                OrderRow::as_select(),
                BuyerRow::as_select(),
                Option::<TermsRow>::as_select(),
                Option::<ProgressRow>::as_select(),
                Option::<OfferRow>::as_select(),
            ))
            .first(conn)
            .await
            .optional()?;
        let Some(rows) = found else { return Ok(None) };
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
        // Parts have ordinals: without any there is nothing to look for.
        let parts = match &rows.3 {
            Some(progress) if progress.ordinals > 0 => {
                fulfilment_rows::of_order(conn, order_id, named(&rows.0.currency)?).await?
            }
            _ => Vec::new(),
        };
        read(rows, lines, external_ids, parts).map(Some)
    }

    /// The order as it was at one moment: sagas and events change it while it is being read.
    pub async fn snapshot(conn: &mut AsyncPgConnection, order_id: OrderId) -> Result<Option<Self>> {
        let mut moment = conn.build_transaction().read_only().repeatable_read();
        moment.run(async |conn| Self::load(conn, order_id).await).await
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
}

/// Keeps orders from other changes until the transaction ends: in the order of their ids, which is that of everybody who
/// changes several.
pub async fn lock_all(tx: &mut Tx, order_ids: &[OrderId]) -> Result<()> {
    let order_ids: Vec<Uuid> = order_ids.iter().map(|order_id| order_id.uuid()).collect();
    let _locked: Vec<(Uuid,)> =
        cached_sql("SELECT order_id FROM orders WHERE order_id = ANY($1) ORDER BY order_id FOR UPDATE")
            .bind::<Array<SqlUuid>, _>(order_ids)
            .returns::<(SqlUuid,)>()
            .load(tx.conn())
            .await?;
    Ok(())
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
    (row, buyer, terms, progress, offer): Rows,
    lines: Vec<LineRow>,
    external_ids: Vec<(Uuid, String)>,
    fulfilments: Vec<Fulfilment>,
) -> Result<Order> {
    let terms = terms.unwrap_or_default();
    let currency: Currency = named(&row.currency)?;
    let money = |minor| Money::new(currency, minor);
    let address = buyer.address.map(json).transpose()?;
    let delivery = row.delivery_method_id.map(|method_id| Delivery {
        method_id: types::DeliveryMethodId::from_uuid(method_id),
        method_name: row.delivery_method_name,
        address,
        price_fixed: terms.delivery_price_fixed,
    });
    let (payments, returned_total, progress) = match progress {
        None => (Vec::new(), 0, Progress::default()),
        Some(row) => {
            let progress = Progress {
                ordinals: row.ordinals,
                lines_made: row.lines_made,
                reservation_revision: row.reservation_revision,
                reservation_version: row.reservation_version,
                editing: row.editing,
            };
            (json(row.payments)?, row.returned_total, progress)
        }
    };
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
        offer: offer.map(read_offer).unwrap_or_default(),
        cancelling: row.cancelling,
        version: row.version,
        create_time: row.create_time,
        update_time: row.update_time,
        payments,
        returned_total: money(returned_total),
        fulfilments,
        deadlines: Deadlines { pay_by: terms.pay_by_time, ship_by: terms.ship_by_time },
        progress,
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
        unit_price: UnitPrice::stored(row.unit_price, row.price_fixed, currency),
        price_quantity: row.price_quantity,
        total: money(row.total),
        tax_category: row.tax_category,
        adjustments: row
            .adjustments
            .map_or_else(|| Ok(Vec::new()), |value| adjustment::read(value, currency))?,
        components: read_components(row.components)?,
        weight_grams: row.weight_grams,
    })
}

fn read_offer(row: OfferRow) -> Offer {
    Offer {
        quote_id: row.quote_id.map(types::QuoteId::from_uuid),
        promo_code_id: row.promo_code_id.map(types::PromoCodeId::from_uuid),
        promo_code: row.promo_code,
        cart_id: row.cart_id,
    }
}

/// What a kit is made of, as it is stored; null for anything but a kit.
pub fn components(line: &OrderLine) -> Option<Value> {
    let row = |part: &LineComponent| ComponentRow {
        sku: part.sku.to_string(),
        quantity: part.quantity,
        name: part.name.clone(),
        weight_grams: part.weight_grams,
    };
    let rows: Vec<_> = line.components.iter().map(row).collect();
    Some(serde_json::json!(rows)).filter(|_| !rows.is_empty())
}

/// The same back.
pub(super) fn read_components(stored: Option<Value>) -> Result<Vec<LineComponent>> {
    let rows: Vec<ComponentRow> = stored.map(json).transpose()?.unwrap_or_default();
    rows.into_iter().map(component).collect()
}

fn component(row: ComponentRow) -> Result<LineComponent> {
    let ComponentRow { sku, quantity, name, weight_grams } = row;
    Ok(LineComponent { sku: named(&sku)?, quantity, name, weight_grams })
}

/// Reads a name that this service wrote.
pub(super) fn named<T>(text: &str) -> Result<T>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| Error::Corrupt(error.to_string()))
}

pub(super) fn json<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| Error::Corrupt(error.to_string()))
}
