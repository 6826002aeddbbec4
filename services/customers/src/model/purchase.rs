//! An order as a purchase: what the newest event says it counts for, and for whom.
//!
//! Every event carries the order's whole state, so the newest one known decides: what an older state had added is taken
//! back exactly, whatever came twice, late or out of order.

use std::collections::BTreeMap;

use anyhow::ensure;
use chrono::{DateTime, Utc};
use diesel::OptionalExtension;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Tx, cached_sql};
use types::{Currency, CustomerId, Money, OrderId, ShopId};
use uuid::Uuid;

use crate::error::Result;

/// One state of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Purchase {
    pub(crate) order: OrderId,
    /// That of the event.
    pub(crate) version: i64,
    /// `None` until the buyer is identified.
    pub(crate) customer: Option<CustomerId>,
    pub(crate) shop: ShopId,
    /// `None` when the order is cancelled or was never placed.
    pub(crate) worth: Option<Money>,
    pub(crate) time: DateTime<Utc>,
}

impl Purchase {
    /// Takes states in, each once: one statement, however many. Of several states of one order the newest counts.
    pub(crate) async fn count(
        connection: &mut AsyncPgConnection,
        purchases: Vec<Self>,
    ) -> anyhow::Result<()> {
        let newest = newest(purchases);
        let all = || newest.values();
        let (missing,): (i64,) = cached_sql(
            "WITH new AS (
                 SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
                     AS new (order_id, version, customer_id, shop_id, currency, total, counted, order_time)
             ), before AS (
                 SELECT order_id, p.customer_id, p.shop_id, p.currency, p.total FROM purchases p JOIN new USING (order_id)
                 WHERE p.counted AND p.customer_id IS NOT NULL
             ), saved AS (
                 INSERT INTO purchases AS p
                     (order_id, version, customer_id, shop_id, currency, total, counted, order_time)
                 SELECT * FROM new ORDER BY order_id
                 ON CONFLICT (order_id) DO UPDATE SET version = excluded.version, customer_id = excluded.customer_id,
                     shop_id = excluded.shop_id, currency = excluded.currency, total = excluded.total,
                     counted = excluded.counted, order_time = excluded.order_time
                 WHERE p.version < excluded.version
                 RETURNING order_id
             ), change AS (
                 SELECT customer_id, shop_id, currency, sum(orders)::bigint AS orders, sum(total)::bigint AS total
                 FROM (
                     SELECT customer_id, shop_id, currency, 1 AS orders, total FROM new JOIN saved USING (order_id)
                     WHERE counted AND customer_id IS NOT NULL
                     UNION ALL
                     SELECT customer_id, shop_id, currency, -1, -total FROM before JOIN saved USING (order_id)
                 ) one
                 GROUP BY customer_id, shop_id, currency
             ), taken AS (
                 -- What is less than before was counted before, so its row is there.
                 UPDATE purchase_totals t SET order_count = t.order_count + c.orders, total = t.total + c.total
                 FROM change c
                 WHERE (t.customer_id, t.shop_id, t.currency) = (c.customer_id, c.shop_id, c.currency)
                   AND (c.orders <= 0 OR c.total < 0)
                 RETURNING 1
             ), added AS (
                 INSERT INTO purchase_totals AS t (customer_id, shop_id, currency, order_count, total)
                 SELECT * FROM change WHERE orders > 0 AND total >= 0 ORDER BY customer_id, shop_id, currency
                 ON CONFLICT (customer_id, shop_id, currency)
                 DO UPDATE SET order_count = t.order_count + excluded.order_count, total = t.total + excluded.total
             )
             SELECT (SELECT count(*) FROM change WHERE orders <= 0 OR total < 0) - (SELECT count(*) FROM taken)",
        )
        .bind::<Array<SqlUuid>, _>(all().map(|one| one.order.uuid()).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(all().map(|one| one.version).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(
            all().map(|one| one.customer.map(|customer| customer.uuid())).collect::<Vec<_>>(),
        )
        .bind::<Array<SqlUuid>, _>(all().map(|one| one.shop.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(
            all().map(|one| one.worth.map_or("", |worth| worth.currency().code())).collect::<Vec<_>>(),
        )
        .bind::<Array<BigInt>, _>(all().map(|one| one.worth.map_or(0, Money::minor)).collect::<Vec<_>>())
        .bind::<Array<Bool>, _>(all().map(|one| one.worth.is_some()).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(all().map(|one| one.time).collect::<Vec<_>>())
        .returns::<(BigInt,)>()
        .get_result(connection)
        .await?;
        ensure!(missing == 0, "there are no totals of {missing} customers to take orders from");
        Ok(())
    }

    /// What is known of an order.
    pub(crate) async fn load(connection: &mut AsyncPgConnection, order: OrderId) -> Result<Option<Self>> {
        let row: Option<Row> = cached_sql(
            "SELECT order_id, version, customer_id, shop_id, currency, total, counted, order_time FROM purchases
             WHERE order_id = $1",
        )
        .bind::<SqlUuid, _>(order.uuid())
        .returns::<(SqlUuid, BigInt, Nullable<SqlUuid>, SqlUuid, Text, BigInt, Bool, Timestamptz)>()
        .get_result(connection)
        .await
        .optional()?;
        row.map(read).transpose()
    }

    /// Keeps events from being counted until the transaction ends. An operator's repairs are rare, and short.
    pub(crate) async fn lock_all(tx: &mut Tx) -> Result<()> {
        cached_sql("LOCK TABLE purchases IN SHARE ROW EXCLUSIVE MODE").execute(tx.conn()).await?;
        Ok(())
    }

    /// Takes `purchase` for what is known of an order, whatever its version; sums are not touched.
    pub(crate) async fn replace(tx: &mut Tx, order: OrderId, purchase: Option<&Self>) -> Result<()> {
        cached_sql("DELETE FROM purchases WHERE order_id = $1")
            .bind::<SqlUuid, _>(order.uuid())
            .execute(tx.conn())
            .await?;
        let Some(purchase) = purchase else { return Ok(()) };
        cached_sql(
            "INSERT INTO purchases (order_id, version, customer_id, shop_id, currency, total, counted, order_time)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind::<SqlUuid, _>(purchase.order.uuid())
        .bind::<BigInt, _>(purchase.version)
        .bind::<Nullable<SqlUuid>, _>(purchase.customer.map(|customer| customer.uuid()))
        .bind::<SqlUuid, _>(purchase.shop.uuid())
        .bind::<Text, _>(purchase.worth.map_or("", |worth| worth.currency().code()))
        .bind::<BigInt, _>(purchase.worth.map_or(0, Money::minor))
        .bind::<Bool, _>(purchase.worth.is_some())
        .bind::<Timestamptz, _>(purchase.time)
        .execute(tx.conn())
        .await?;
        Ok(())
    }

    /// Makes the sums of customers those of their purchases; answers how many sums were others.
    pub(crate) async fn add_up(tx: &mut Tx, customers: &[CustomerId]) -> Result<i64> {
        let (changed,): (i64,) = cached_sql(
            "WITH sums AS (
                 SELECT customer_id, shop_id, currency, count(*) AS orders, sum(total)::bigint AS total FROM purchases
                 WHERE counted AND customer_id = ANY($1) GROUP BY customer_id, shop_id, currency
             ), written AS (
                 INSERT INTO purchase_totals AS t (customer_id, shop_id, currency, order_count, total)
                 SELECT * FROM sums
                 ON CONFLICT (customer_id, shop_id, currency) DO UPDATE
                 SET order_count = excluded.order_count, total = excluded.total
                 WHERE (t.order_count, t.total) <> (excluded.order_count, excluded.total)
                 RETURNING 1
             ), emptied AS (
                 UPDATE purchase_totals t SET order_count = 0, total = 0
                 WHERE t.customer_id = ANY($1) AND (t.order_count, t.total) <> (0, 0) AND NOT EXISTS (
                     SELECT FROM sums s
                     WHERE (s.customer_id, s.shop_id, s.currency) = (t.customer_id, t.shop_id, t.currency))
                 RETURNING 1
             )
             SELECT (SELECT count(*) FROM written) + (SELECT count(*) FROM emptied)",
        )
        .bind::<Array<SqlUuid>, _>(customers.iter().map(|customer| customer.uuid()).collect::<Vec<_>>())
        .returns::<(BigInt,)>()
        .get_result(tx.conn())
        .await?;
        Ok(changed)
    }
}

/// A row of `purchases`.
type Row = (Uuid, i64, Option<Uuid>, Uuid, String, i64, bool, DateTime<Utc>);

fn read(row: Row) -> Result<Purchase> {
    let (order, version, customer, shop, currency, total, counted, time) = row;
    let worth = match counted {
        true => {
            let currency: Currency =
                currency.parse().map_err(|_| store::Error::Corrupt(format!("a currency: {currency}")))?;
            Some(Money::new(currency, total))
        }
        false => None,
    };
    Ok(Purchase {
        order: OrderId::from_uuid(order),
        version,
        customer: customer.map(CustomerId::from_uuid),
        shop: ShopId::from_uuid(shop),
        worth,
        time,
    })
}

fn newest(purchases: Vec<Purchase>) -> BTreeMap<OrderId, Purchase> {
    let mut newest = BTreeMap::<OrderId, Purchase>::new();
    for purchase in purchases {
        let known = newest.get(&purchase.order).is_some_and(|known| known.version >= purchase.version);
        if !known {
            newest.insert(purchase.order, purchase);
        }
    }
    newest
}
