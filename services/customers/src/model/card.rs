//! A buyer's card.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Error, cached_sql};
use types::{CustomerId, Money};
use uuid::Uuid;

use crate::schema::{customer_shops, customers};

/// A card as a caller may see it.
#[derive(Clone)]
pub(crate) struct Card {
    pub(crate) id: CustomerId,
    pub(crate) name: String,
    pub(crate) note: String,
    pub(crate) version: i64,
    pub(crate) create_time: DateTime<Utc>,
    /// The main one first.
    pub(crate) phones: Vec<String>,
    /// The main one first.
    pub(crate) emails: Vec<String>,
    pub(crate) purchases: Totals,
}

/// What the person has bought in the shops the caller may see.
#[derive(Clone)]
pub(crate) struct Totals {
    pub(crate) count: i64,
    pub(crate) sums: Vec<Money>,
    pub(crate) last_time: Option<DateTime<Utc>>,
}

/// The shops whose customers a caller may see; `None` is all.
type Shops = Option<Vec<Uuid>>;

type Row = (
    Uuid,
    String,
    String,
    i64,
    DateTime<Utc>,
    Vec<String>,
    Vec<String>,
    Option<Vec<String>>,
    Option<Vec<i64>>,
    Option<i64>,
    Option<DateTime<Utc>>,
);
type Columns = (
    SqlUuid,
    Text,
    Text,
    BigInt,
    Timestamptz,
    Array<Text>,
    Array<Text>,
    Nullable<Array<Text>>,
    Nullable<Array<BigInt>>,
    Nullable<BigInt>,
    Nullable<Timestamptz>,
);

impl Card {
    /// The card, when it exists and one of `shops` has seen the person.
    pub(crate) async fn find(
        connection: &mut AsyncPgConnection,
        id: CustomerId,
        shops: Shops,
    ) -> Result<Option<Self>, Error> {
        Ok(Self::load(connection, &[id.uuid()], shops).await?.pop())
    }

    /// The card, locked until the transaction ends.
    pub(crate) async fn lock(
        connection: &mut AsyncPgConnection,
        id: CustomerId,
        shops: Shops,
    ) -> Result<Option<Self>, Error> {
        // Not FOR UPDATE: contacts may be added to the card meanwhile, and those only refer to it.
        let row = customers::table.find(id.uuid()).select(customers::customer_id).for_no_key_update();
        row.first::<Uuid>(connection).await.optional()?;
        Self::find(connection, id, shops).await
    }

    /// Those of the cards that one of `shops` has seen, newest first.
    pub(crate) async fn load(
        connection: &mut AsyncPgConnection,
        ids: &[Uuid],
        shops: Shops,
    ) -> Result<Vec<Self>, Error> {
        let rows: Vec<Row> = cached_sql(
            "SELECT c.customer_id, c.name, c.note, c.version, c.create_time,
                    ARRAY(SELECT value FROM customer_identities i
                          WHERE i.customer_id = c.customer_id AND kind = 'phone' ORDER BY added_time, ordinal),
                    ARRAY(SELECT value FROM customer_identities i
                          WHERE i.customer_id = c.customer_id AND kind = 'email' ORDER BY added_time, ordinal),
                    sums.currencies, sums.totals, sums.order_count,
                    (SELECT max(order_time) FROM purchases p
                     WHERE p.customer_id = c.customer_id AND counted AND ($2 IS NULL OR p.shop_id = ANY($2)))
             FROM customers c
             CROSS JOIN LATERAL (
                 SELECT array_agg(currency ORDER BY currency) AS currencies, array_agg(total ORDER BY currency) AS totals,
                        sum(order_count)::bigint AS order_count
                 FROM (
                     SELECT currency, sum(total)::bigint AS total, sum(order_count) AS order_count
                     FROM purchase_totals t
                     WHERE t.customer_id = c.customer_id AND ($2 IS NULL OR t.shop_id = ANY($2))
                     GROUP BY currency HAVING sum(order_count) > 0
                 ) per_currency
             ) sums
             WHERE c.customer_id = ANY($1)
               AND ($2 IS NULL OR EXISTS (SELECT FROM customer_shops s
                                          WHERE s.customer_id = c.customer_id AND s.shop_id = ANY($2)))
             ORDER BY c.customer_id DESC",
        )
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Nullable<Array<SqlUuid>>, _>(shops)
        .returns::<Columns>()
        .load(connection)
        .await?;
        rows.into_iter().map(Self::of).collect()
    }

    /// Whether the card exists and one of `shops` has seen the person.
    pub(crate) async fn is_visible(
        connection: &mut AsyncPgConnection,
        id: CustomerId,
        shops: Shops,
    ) -> QueryResult<bool> {
        match shops {
            None => {
                diesel::select(diesel::dsl::exists(customers::table.find(id.uuid())))
                    .get_result(connection)
                    .await
            }
            Some(shops) => {
                let seen = customer_shops::table.filter(customer_shops::customer_id.eq(id.uuid()));
                let seen = seen.filter(customer_shops::shop_id.eq_any(shops));
                diesel::select(diesel::dsl::exists(seen)).get_result(connection).await
            }
        }
    }

    fn of(row: Row) -> Result<Self, Error> {
        let (id, name, note, version, create_time, phones, emails, currencies, totals, count, last_time) =
            row;
        let sums = currencies.unwrap_or_default().into_iter().zip(totals.unwrap_or_default());
        let sums = sums.map(|(currency, total)| {
            let currency =
                currency.parse().map_err(|_| Error::Corrupt("the currency of a total".to_owned()))?;
            Ok(Money::new(currency, total))
        });
        let purchases =
            Totals { count: count.unwrap_or(0), sums: sums.collect::<Result<_, Error>>()?, last_time };
        let id = CustomerId::from_uuid(id);
        Ok(Self { id, name, note, version, create_time, phones, emails, purchases })
    }
}
