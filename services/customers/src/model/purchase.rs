//! An order as a purchase: what the newest event says it counts for, and for whom.
//!
//! Every event carries the order's whole state, so the newest one known decides: what an older state had added is taken
//! back exactly, whatever came twice, late or out of order.

use anyhow::ensure;
use chrono::{DateTime, Utc};
use diesel::OptionalExtension;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::cached_sql;
use types::{CustomerId, Money, OrderId, ShopId};
use uuid::Uuid;

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

/// One counted order in a person's totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) customer: CustomerId,
    pub(crate) shop: ShopId,
    pub(crate) worth: Money,
}

/// What was counted for the order before.
enum Before {
    /// The event is older than what is known.
    Newer,
    Counted(Option<Tally>),
}

impl Purchase {
    /// Takes the state in, once.
    pub(crate) async fn count(&self, connection: &mut AsyncPgConnection) -> anyhow::Result<()> {
        let Before::Counted(before) = self.save_if_newest(connection).await? else { return Ok(()) };

        let now = self.tally();
        if before == now {
            return Ok(());
        }
        if let Some(tally) = before {
            tally.take_back(connection).await?;
        }
        if let Some(tally) = now {
            tally.add(connection).await?;
        }
        Ok(())
    }

    fn tally(&self) -> Option<Tally> {
        let (customer, worth) = self.customer.zip(self.worth)?;
        Some(Tally { customer, shop: self.shop, worth })
    }

    async fn save_if_newest(&self, connection: &mut AsyncPgConnection) -> anyhow::Result<Before> {
        type Counted = (Option<Uuid>, Option<Uuid>, Option<String>, Option<i64>);
        let before: Option<Counted> = cached_sql(
            "WITH before AS (
                 SELECT customer_id, shop_id, currency, total FROM purchases
                 WHERE order_id = $1 AND counted AND customer_id IS NOT NULL
             ), saved AS (
                 INSERT INTO purchases AS p
                     (order_id, version, customer_id, shop_id, currency, total, counted, order_time)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                 ON CONFLICT (order_id) DO UPDATE SET version = $2, customer_id = $3, shop_id = $4, currency = $5,
                     total = $6, counted = $7, order_time = $8
                 WHERE p.version < $2
                 RETURNING order_id
             )
             SELECT before.customer_id, before.shop_id, before.currency, before.total
             FROM saved LEFT JOIN before ON true",
        )
        .bind::<SqlUuid, _>(self.order.uuid())
        .bind::<BigInt, _>(self.version)
        .bind::<Nullable<SqlUuid>, _>(self.customer.map(|customer| customer.uuid()))
        .bind::<SqlUuid, _>(self.shop.uuid())
        .bind::<Text, _>(self.worth.map_or("", |worth| worth.currency().code()))
        .bind::<BigInt, _>(self.worth.map_or(0, Money::minor))
        .bind::<Bool, _>(self.worth.is_some())
        .bind::<Timestamptz, _>(self.time)
        .returns::<(Nullable<SqlUuid>, Nullable<SqlUuid>, Nullable<Text>, Nullable<BigInt>)>()
        .get_result(connection)
        .await
        .optional()?;
        Ok(match before {
            None => Before::Newer,
            Some((Some(customer), Some(shop), Some(currency), Some(total))) => Before::Counted(Some(Tally {
                customer: CustomerId::from_uuid(customer),
                shop: ShopId::from_uuid(shop),
                worth: Money::new(currency.parse()?, total),
            })),
            Some(_) => Before::Counted(None),
        })
    }
}

impl Tally {
    async fn add(self, connection: &mut AsyncPgConnection) -> anyhow::Result<()> {
        cached_sql(
            "INSERT INTO purchase_totals AS t (customer_id, shop_id, currency, order_count, total)
             VALUES ($1, $2, $3, 1, $4)
             ON CONFLICT (customer_id, shop_id, currency)
             DO UPDATE SET order_count = t.order_count + 1, total = t.total + $4",
        )
        .bind::<SqlUuid, _>(self.customer.uuid())
        .bind::<SqlUuid, _>(self.shop.uuid())
        .bind::<Text, _>(self.worth.currency().code())
        .bind::<BigInt, _>(self.worth.minor())
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn take_back(self, connection: &mut AsyncPgConnection) -> anyhow::Result<()> {
        let taken = cached_sql(
            "UPDATE purchase_totals SET order_count = order_count - 1, total = total - $4
             WHERE customer_id = $1 AND shop_id = $2 AND currency = $3",
        )
        .bind::<SqlUuid, _>(self.customer.uuid())
        .bind::<SqlUuid, _>(self.shop.uuid())
        .bind::<Text, _>(self.worth.currency().code())
        .bind::<BigInt, _>(self.worth.minor())
        .execute(connection)
        .await?;
        ensure!(taken == 1, "there are no totals of {} to take an order from", self.customer);
        Ok(())
    }
}
