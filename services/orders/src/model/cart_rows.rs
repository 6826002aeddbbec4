//! Reads carts and writes them.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Timestamptz, Uuid as SqlUuid};
use diesel::{
    AsChangeset, BoolExpressionMethods, ExpressionMethods, Insertable, OptionalExtension, QueryDsl,
    Queryable, Selectable, SelectableHelper,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Error, Result, Tx, cached_sql, fragment};
use types::{CartId, OrderId, ShopId, SourceId};
use uuid::Uuid;

use crate::model::cart::{Cart, CartContact, CartContent, CartLine, CartState};
use crate::schema::carts;

/// The place of a cart in a list.
pub type ListKey = (DateTime<Utc>, Uuid);

/// What a list of carts filters by; absent and empty do not filter.
#[derive(Debug, Clone, Default)]
pub struct CartFilter {
    /// The shops the reader may see and wants; `None` for all.
    pub shops: Option<Vec<Uuid>>,
    /// Of any of these states.
    pub states: Vec<CartState>,
    /// Filled, without an order, and untouched since then.
    pub untouched_since: Option<DateTime<Utc>>,
    /// Filled through this account.
    pub source_id: Option<SourceId>,
    /// Only those whose buyer can be written to or called.
    pub reachable: bool,
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = carts)]
#[diesel(treat_none_as_null = true)]
struct Row {
    cart_key: Uuid,
    shop_id: Uuid,
    cart_id: String,
    source_id: Option<Uuid>,
    state: String,
    lines: Value,
    contact_name: String,
    contact_phone: String,
    contact_email: String,
    order_id: Option<Uuid>,
    version: i64,
    event_version: i64,
    create_time: DateTime<Utc>,
    update_time: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
struct StoredLine {
    sku: String,
    quantity: i32,
}

impl Cart {
    /// The cart, if there is one.
    pub async fn load(conn: &mut AsyncPgConnection, key: CartId) -> Result<Option<Self>> {
        let row = carts::table.find(key.uuid()).select(Row::as_select()).first(conn).await.optional()?;
        row.map(read).transpose()
    }

    /// The same, kept from other changes until the transaction ends.
    pub async fn lock(tx: &mut Tx, key: CartId) -> Result<Option<Self>> {
        let query = carts::table.find(key.uuid()).select(Row::as_select()).for_update();
        query.first(tx.conn()).await.optional()?.map(read).transpose()
    }

    /// Writes a new one; false when somebody else has just written it.
    pub async fn insert(&self, tx: &mut Tx) -> Result<bool> {
        let insert = diesel::insert_into(carts::table).values(row(self)).on_conflict_do_nothing();
        Ok(insert.execute(tx.conn()).await? == 1)
    }

    /// Writes a changed one; it was locked in this transaction.
    pub async fn save(&self, tx: &mut Tx) -> Result<()> {
        diesel::update(carts::table.find(self.key().uuid())).set(row(self)).execute(tx.conn()).await?;
        Ok(())
    }
}

impl CartFilter {
    /// The rows after `after`, those touched last first.
    pub async fn page(
        &self,
        conn: &mut AsyncPgConnection,
        after: Option<ListKey>,
        limit: i64,
    ) -> Result<Vec<Cart>> {
        let mut query = carts::table.into_boxed();
        // One value is compared as one: then the index's order is the list's.
        query = match self.shops.as_deref() {
            None => query,
            Some([shop]) => query.filter(carts::shop_id.eq(*shop)),
            Some(shops) => query.filter(carts::shop_id.eq_any(shops)),
        };
        if !self.states.is_empty() {
            let names: Vec<&str> = self.states.iter().map(|state| state.name()).collect();
            query = query.filter(carts::state.eq_any(names));
        }
        if let Some(since) = self.untouched_since {
            query =
                query.filter(carts::update_time.le(since).and(carts::state.eq_any(["open", "abandoned"])));
        }
        if let Some(source_id) = self.source_id {
            query = query.filter(carts::source_id.eq(source_id.uuid()));
        }
        if self.reachable {
            query = query.filter(carts::contact_phone.ne("").or(carts::contact_email.ne("")));
        }
        if let Some((time, key)) = after {
            query = query.filter(
                fragment::<Bool>("(carts.update_time, carts.cart_key) < (")
                    .bind::<Timestamptz, _>(time)
                    .sql(", ")
                    .bind::<SqlUuid, _>(key)
                    .sql(")"),
            );
        }
        let rows = query
            .order((carts::update_time.desc(), carts::cart_key.desc()))
            .limit(limit)
            .select(Row::as_select())
            .load(conn)
            .await?;
        rows.into_iter().map(read).collect()
    }
}

/// Carts that were left alone since `since` are abandoned now, longest first. Answers them.
pub async fn abandon(tx: &mut Tx, since: DateTime<Utc>, limit: i64) -> Result<Vec<Cart>> {
    let rows: Vec<(Uuid,)> = cached_sql(
        "UPDATE carts SET state = 'abandoned', event_version = event_version + 1
         WHERE cart_key = ANY(ARRAY(
             SELECT cart_key FROM carts WHERE state = 'open' AND update_time <= $1
             ORDER BY update_time LIMIT $2 FOR UPDATE SKIP LOCKED))
         RETURNING cart_key",
    )
    .bind::<Timestamptz, _>(since)
    .bind::<BigInt, _>(limit)
    .returns::<(SqlUuid,)>()
    .load(tx.conn())
    .await?;
    load_all(tx, rows.into_iter().map(|row| row.0).collect()).await
}

/// Carts that orders were placed from, with the orders; a cart that another order has stays as it is. Answers those that
/// changed.
pub async fn mark_ordered(tx: &mut Tx, carts_of_orders: &[(CartId, OrderId)]) -> Result<Vec<Cart>> {
    let rows: Vec<(Uuid,)> = cached_sql(
        "WITH ordered AS (
            SELECT DISTINCT ON (cart_key) cart_key, order_id FROM unnest($1, $2) AS new (cart_key, order_id)
         ), locked AS (
            SELECT cart_key FROM carts WHERE cart_key = ANY($1) ORDER BY cart_key FOR UPDATE
         )
         UPDATE carts SET state = 'ordered', order_id = ordered.order_id, event_version = event_version + 1
         FROM ordered JOIN locked USING (cart_key)
         WHERE carts.cart_key = ordered.cart_key AND carts.order_id IS NULL
         RETURNING carts.cart_key",
    )
    .bind::<Array<SqlUuid>, _>(carts_of_orders.iter().map(|(cart, _)| cart.uuid()).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(carts_of_orders.iter().map(|(_, order)| order.uuid()).collect::<Vec<_>>())
    .returns::<(SqlUuid,)>()
    .load(tx.conn())
    .await?;
    load_all(tx, rows.into_iter().map(|row| row.0).collect()).await
}

/// Forgets carts that were touched last before `before`, a few at a time. Answers how many.
pub async fn forget(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<usize> {
    let forgotten = cached_sql(
        "DELETE FROM carts WHERE cart_key = ANY(ARRAY(
             SELECT cart_key FROM carts WHERE update_time < $1 ORDER BY update_time LIMIT $2
             FOR UPDATE SKIP LOCKED))",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<BigInt, _>(limit)
    .execute(tx.conn())
    .await?;
    Ok(forgotten)
}

async fn load_all(tx: &mut Tx, keys: Vec<Uuid>) -> Result<Vec<Cart>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows =
        carts::table.filter(carts::cart_key.eq_any(keys)).select(Row::as_select()).load(tx.conn()).await?;
    rows.into_iter().map(read).collect()
}

fn row(cart: &Cart) -> Row {
    let content = &cart.content;
    let line = |line: &CartLine| StoredLine { sku: line.sku.to_string(), quantity: line.quantity.get() };
    Row {
        cart_key: cart.key().uuid(),
        shop_id: cart.shop_id.uuid(),
        cart_id: cart.cart_id.clone(),
        source_id: content.source_id.map(Uuid::from),
        state: cart.state.name().to_owned(),
        lines: json!(content.lines.iter().map(line).collect::<Vec<_>>()),
        contact_name: content.contact.name.clone(),
        contact_phone: content.contact.phone.clone(),
        contact_email: content.contact.email.clone(),
        order_id: cart.order_id.map(Uuid::from),
        version: cart.version,
        event_version: cart.event_version,
        create_time: cart.create_time,
        update_time: cart.update_time,
    }
}

fn read(row: Row) -> Result<Cart> {
    let corrupt = || Error::Corrupt("the lines of a cart".to_owned());
    let lines: Vec<StoredLine> = serde_json::from_value(row.lines).map_err(|_| corrupt())?;
    let line = |line: StoredLine| -> Result<CartLine> {
        Ok(CartLine {
            sku: line.sku.parse().map_err(|_| corrupt())?,
            quantity: line.quantity.try_into().map_err(|_| corrupt())?,
        })
    };
    Ok(Cart {
        shop_id: ShopId::from_uuid(row.shop_id),
        cart_id: row.cart_id,
        state: row.state.parse().map_err(Error::Corrupt)?,
        content: CartContent {
            source_id: row.source_id.map(SourceId::from_uuid),
            contact: CartContact {
                name: row.contact_name,
                phone: row.contact_phone,
                email: row.contact_email,
            },
            lines: lines.into_iter().map(line).collect::<Result<_>>()?,
        },
        order_id: row.order_id.map(OrderId::from_uuid),
        version: row.version,
        event_version: row.event_version,
        create_time: row.create_time,
        update_time: row.update_time,
    })
}
