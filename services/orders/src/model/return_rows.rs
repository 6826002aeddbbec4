//! Reads returns and writes their changes.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::sql_types::{Array, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, json};
use store::{Result, Tx, cached_sql, fragment};
use types::{Currency, CustomerId, Money, OrderId, ReturnId, ShopId, WarehouseId};
use uuid::Uuid;

use crate::model::order_rows::{json as read_json, named};
use crate::model::return_state::ReturnState;
use crate::model::returns::{Return, ReturnLine};
use crate::schema::{return_lines, returns};

/// The place of a return in a list.
pub type ReturnKey = (DateTime<Utc>, Uuid);

/// What a list of returns filters by; absent and empty do not filter.
#[derive(Debug, Clone, Default)]
pub struct ReturnFilter {
    /// The shops the reader may see and wants; `None` for all.
    pub shops: Option<Vec<Uuid>>,
    /// Any of these states.
    pub states: Vec<ReturnState>,
    /// Of this order.
    pub order_id: Option<OrderId>,
    /// Of this customer.
    pub customer_id: Option<CustomerId>,
    /// Asked for at this time or later.
    pub created_from: Option<DateTime<Utc>>,
    /// Asked for before this time.
    pub created_until: Option<DateTime<Utc>>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = returns)]
struct Row {
    return_id: Uuid,
    shop_id: Uuid,
    order_id: Option<Uuid>,
    customer_id: Option<Uuid>,
    state: String,
    currency: String,
    carrier: String,
    tracking_number: String,
    warehouse_id: Option<Uuid>,
    amount: i64,
    credited_total: i64,
    delivery_credit: i64,
    refunds: Value,
    attempts: i32,
    working: Option<Uuid>,
    pending: Option<Value>,
    version: i64,
    create_time: DateTime<Utc>,
    update_time: DateTime<Utc>,
    comment: String,
    explanation: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = return_lines)]
struct LineRow {
    return_id: Uuid,
    position: i32,
    order_position: Option<i32>,
    sku: String,
    quantity: i32,
    reason: String,
    photo_urls: Vec<String>,
    note: String,
    received: Option<Value>,
}

impl Return {
    /// The return, if there is one.
    pub async fn load(conn: &mut AsyncPgConnection, return_id: ReturnId) -> Result<Option<Self>> {
        let rows: Vec<Row> = returns::table
            .filter(returns::return_id.eq(return_id.uuid()))
            .select(Row::as_select())
            .load(conn)
            .await?;
        Ok(complete(conn, rows).await?.pop())
    }

    /// The return as it was at one moment.
    pub async fn snapshot(conn: &mut AsyncPgConnection, return_id: ReturnId) -> Result<Option<Self>> {
        let mut moment = conn.build_transaction().read_only().repeatable_read();
        moment.run(async |conn| Self::load(conn, return_id).await).await
    }

    /// The return, kept from other changes until the transaction ends. Whoever also locks its order locks that first.
    pub async fn lock(tx: &mut Tx, return_id: ReturnId) -> Result<Option<Self>> {
        let locked: Option<(Uuid,)> =
            cached_sql("SELECT return_id FROM returns WHERE return_id = $1 FOR UPDATE")
                .bind::<SqlUuid, _>(return_id.uuid())
                .returns::<(SqlUuid,)>()
                .get_result(tx.conn())
                .await
                .optional()?;
        match locked {
            Some(_) => Self::load(tx.conn(), return_id).await,
            None => Ok(None),
        }
    }

    /// All returns of an order.
    pub async fn of_order(conn: &mut AsyncPgConnection, order_id: OrderId) -> Result<Vec<Self>> {
        let rows: Vec<Row> = returns::table
            .filter(returns::order_id.eq(order_id.uuid()))
            .select(Row::as_select())
            .load(conn)
            .await?;
        complete(conn, rows).await
    }

    /// Writes a new return.
    pub async fn insert(&self, tx: &mut Tx) -> Result<()> {
        diesel::insert_into(returns::table)
            .values((
                returns::return_id.eq(self.return_id.uuid()),
                returns::shop_id.eq(self.shop_id.uuid()),
                returns::order_id.eq(self.order_id.map(Uuid::from)),
                returns::customer_id.eq(self.customer_id.map(Uuid::from)),
                returns::state.eq(self.state.name()),
                returns::currency.eq(self.currency.code()),
                returns::carrier.eq(&self.carrier),
                returns::tracking_number.eq(&self.tracking_number),
                returns::amount.eq(self.amount.minor()),
                returns::version.eq(self.version),
                returns::create_time.eq(self.create_time),
                returns::update_time.eq(self.update_time),
                returns::comment.eq(&self.comment),
            ))
            .execute(tx.conn())
            .await?;
        let photos: Vec<Value> = self.lines.iter().map(|line| json!(line.photo_urls)).collect();
        cached_sql(
            "INSERT INTO return_lines (return_id, position, order_position, sku, quantity, reason, photo_urls, note)
             SELECT $1, position, order_position, sku, quantity, reason,
                    ARRAY(SELECT jsonb_array_elements_text(photos)), note
             FROM unnest($2, $3, $4, $5, $6, $7, $8)
                  AS new (position, order_position, sku, quantity, reason, photos, note)",
        )
        .bind::<SqlUuid, _>(self.return_id.uuid())
        .bind::<Array<Integer>, _>(self.lines.iter().map(|line| line.position).collect::<Vec<_>>())
        .bind::<Array<Nullable<Integer>>, _>(
            self.lines.iter().map(|line| line.order_position).collect::<Vec<_>>(),
        )
        .bind::<Array<Text>, _>(self.lines.iter().map(|line| line.sku.as_str()).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(self.lines.iter().map(|line| line.quantity).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(self.lines.iter().map(|line| line.reason.as_str()).collect::<Vec<_>>())
        .bind::<Array<Jsonb>, _>(photos)
        .bind::<Array<Text>, _>(self.lines.iter().map(|line| line.note.as_str()).collect::<Vec<_>>())
        .execute(tx.conn())
        .await?;
        Ok(())
    }

    /// Writes what may change; it was locked in this transaction.
    pub async fn save(&self, tx: &mut Tx) -> Result<()> {
        let pending = Some(json!(self.pending)).filter(|_| !self.pending.is_empty());
        diesel::update(returns::table.find(self.return_id.uuid()))
            .set((
                returns::state.eq(self.state.name()),
                returns::carrier.eq(&self.carrier),
                returns::tracking_number.eq(&self.tracking_number),
                returns::warehouse_id.eq(self.warehouse_id.map(Uuid::from)),
                returns::amount.eq(self.amount.minor()),
                returns::credited_total.eq(self.credited_total.minor()),
                returns::delivery_credit.eq(self.delivery_credit.minor()),
                returns::refunds.eq(json!(self.refunds)),
                returns::attempts.eq(self.attempts),
                returns::working.eq(self.working),
                returns::pending.eq(pending),
                returns::version.eq(self.version),
                returns::update_time.eq(self.update_time),
                returns::explanation.eq(&self.explanation),
            ))
            .execute(tx.conn())
            .await?;
        cached_sql(
            "UPDATE return_lines AS line SET received = new.received
             FROM unnest($2, $3) AS new (position, received)
             WHERE line.return_id = $1 AND line.position = new.position
               AND line.received IS DISTINCT FROM new.received",
        )
        .bind::<SqlUuid, _>(self.return_id.uuid())
        .bind::<Array<Integer>, _>(self.lines.iter().map(|line| line.position).collect::<Vec<_>>())
        .bind::<Array<Nullable<Jsonb>>, _>(
            self.lines
                .iter()
                .map(|line| line.received.as_ref().map(|found| json!(found)))
                .collect::<Vec<_>>(),
        )
        .execute(tx.conn())
        .await?;
        Ok(())
    }

    /// The key of its place in a list.
    pub fn key(&self) -> ReturnKey {
        (self.create_time, self.return_id.uuid())
    }
}

impl ReturnFilter {
    /// At most `limit` returns after `after`, newest first.
    pub async fn page(
        &self,
        conn: &mut AsyncPgConnection,
        after: Option<ReturnKey>,
        limit: i64,
    ) -> Result<Vec<Return>> {
        let rows: Vec<Row> = self
            .query(after)
            .order((returns::create_time.desc(), returns::return_id.desc()))
            .limit(limit)
            .select(Row::as_select())
            .load(conn)
            .await?;
        complete(conn, rows).await
    }

    fn query(&self, after: Option<ReturnKey>) -> returns::BoxedQuery<'_, Pg> {
        let mut query = returns::table.into_boxed();
        // One value is compared as one: then the index's order is the list's.
        query = match self.shops.as_deref() {
            None => query,
            Some([shop]) => query.filter(returns::shop_id.eq(*shop)),
            Some(shops) => query.filter(returns::shop_id.eq_any(shops)),
        };
        query = match self.states.as_slice() {
            [] => query,
            [state] => query.filter(returns::state.eq(state.name())),
            states => query
                .filter(returns::state.eq_any(states.iter().map(|state| state.name()).collect::<Vec<_>>())),
        };
        if let Some(order_id) = self.order_id {
            query = query.filter(returns::order_id.eq(order_id.uuid()));
        }
        if let Some(customer_id) = self.customer_id {
            query = query.filter(returns::customer_id.eq(customer_id.uuid()));
        }
        if let Some(from) = self.created_from {
            query = query.filter(returns::create_time.ge(from));
        }
        if let Some(until) = self.created_until {
            query = query.filter(returns::create_time.lt(until));
        }
        if let Some((time, return_id)) = after {
            query = query.filter(
                fragment::<Bool>("(returns.create_time, returns.return_id) < (")
                    .bind::<Timestamptz, _>(time)
                    .sql(", ")
                    .bind::<SqlUuid, _>(return_id)
                    .sql(")"),
            );
        }
        query
    }
}

async fn complete(conn: &mut AsyncPgConnection, rows: Vec<Row>) -> Result<Vec<Return>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.return_id).collect();
    let lines: Vec<LineRow> = return_lines::table
        .filter(return_lines::return_id.eq_any(&ids))
        .order((return_lines::return_id, return_lines::position))
        .select(LineRow::as_select())
        .load(conn)
        .await?;
    let mut lines_of: std::collections::HashMap<Uuid, Vec<ReturnLine>> = std::collections::HashMap::new();
    for row in lines {
        lines_of.entry(row.return_id).or_default().push(read_line(row)?);
    }
    rows.into_iter()
        .map(|row| {
            let lines = lines_of.remove(&row.return_id).unwrap_or_default();
            read(row, lines)
        })
        .collect()
}

fn read(row: Row, lines: Vec<ReturnLine>) -> Result<Return> {
    let currency: Currency = named(&row.currency)?;
    let money = |minor| Money::new(currency, minor);
    Ok(Return {
        return_id: ReturnId::from_uuid(row.return_id),
        shop_id: ShopId::from_uuid(row.shop_id),
        order_id: row.order_id.map(OrderId::from_uuid),
        customer_id: row.customer_id.map(CustomerId::from_uuid),
        state: named(&row.state)?,
        currency,
        lines,
        carrier: row.carrier,
        tracking_number: row.tracking_number,
        warehouse_id: row.warehouse_id.map(WarehouseId::from_uuid),
        amount: money(row.amount),
        credited_total: money(row.credited_total),
        delivery_credit: money(row.delivery_credit),
        refunds: read_json(row.refunds)?,
        attempts: row.attempts,
        working: row.working,
        pending: row.pending.map(read_json).transpose()?.unwrap_or_default(),
        comment: row.comment,
        explanation: row.explanation,
        version: row.version,
        create_time: row.create_time,
        update_time: row.update_time,
    })
}

fn read_line(row: LineRow) -> Result<ReturnLine> {
    Ok(ReturnLine {
        position: row.position,
        order_position: row.order_position,
        sku: named(&row.sku)?,
        quantity: row.quantity,
        reason: named(&row.reason)?,
        photo_urls: row.photo_urls,
        note: row.note,
        received: row.received.map(read_json).transpose()?,
    })
}
