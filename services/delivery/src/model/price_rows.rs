//! What carriers said that carts cost, in their table: every process finds what a buyer was told by another one.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Binary, Jsonb, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Error as StoreError, Tx, cached_sql};
use types::{CarrierAccountId, Currency, Money};
use uuid::Uuid;

use crate::carriers::ServicePrice;
use crate::error::Result;
use crate::schema::carrier_prices as rows;

/// What was asked of whom: the account, and a digest of everything the price depends on.
pub type Asked = (CarrierAccountId, Vec<u8>);

#[derive(Serialize, Deserialize)]
struct StoredPrice {
    service: String,
    price: i64,
    currency: String,
    days_min: i32,
    days_max: i32,
}

/// What is known of these questions at `now`.
pub async fn find_all(
    conn: &mut AsyncPgConnection,
    asked: &[Asked],
    now: DateTime<Utc>,
) -> Result<HashMap<Asked, Vec<ServicePrice>>> {
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(Uuid, Vec<u8>, Value)> = cached_sql(
        "SELECT p.carrier_account_id, p.question, p.prices FROM carrier_prices AS p
         JOIN unnest($1, $2) AS asked (account, question)
              ON p.carrier_account_id = asked.account AND p.question = asked.question
         WHERE p.expire_time > $3",
    )
    .bind::<Array<SqlUuid>, _>(asked.iter().map(|(account, _)| account.uuid()).collect::<Vec<_>>())
    .bind::<Array<Binary>, _>(asked.iter().map(|(_, question)| question.as_slice()).collect::<Vec<_>>())
    .bind::<Timestamptz, _>(now)
    .returns::<(SqlUuid, Binary, Jsonb)>()
    .load(conn)
    .await?;
    let read = |(account, question, prices): (Uuid, Vec<u8>, Value)| {
        Ok(((CarrierAccountId::from_uuid(account), question), read(prices)?))
    };
    found.into_iter().map(read).collect()
}

/// Keeps an answer until `until`, instead of an older one.
pub async fn keep(tx: &mut Tx, asked: &Asked, prices: &[ServicePrice], until: DateTime<Utc>) -> Result<()> {
    let stored: Vec<StoredPrice> = prices.iter().map(StoredPrice::from).collect();
    let stored = serde_json::to_value(stored).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    diesel::insert_into(rows::table)
        .values((
            rows::carrier_account_id.eq(asked.0.uuid()),
            rows::question.eq(&asked.1),
            rows::prices.eq(&stored),
            rows::expire_time.eq(until),
        ))
        .on_conflict((rows::carrier_account_id, rows::question))
        .do_update()
        .set((rows::prices.eq(&stored), rows::expire_time.eq(until)))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets answers that are too old, at most `limit`. Answers how many.
pub async fn forget_before(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<usize> {
    let gone = cached_sql(
        "DELETE FROM carrier_prices AS p USING (
            SELECT carrier_account_id, question FROM carrier_prices
            WHERE expire_time <= $1 ORDER BY expire_time LIMIT $2 FOR UPDATE SKIP LOCKED
         ) AS old WHERE p.carrier_account_id = old.carrier_account_id AND p.question = old.question",
    )
    .bind::<Timestamptz, _>(before)
    .bind::<diesel::sql_types::BigInt, _>(limit)
    .execute(tx.conn())
    .await?;
    Ok(gone)
}

fn read(prices: Value) -> Result<Vec<ServicePrice>> {
    let stored: Vec<StoredPrice> =
        serde_json::from_value(prices).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let prices = stored.into_iter().map(ServicePrice::try_from).collect::<Result<_, _>>();
    Ok(prices.map_err(|error: types::MoneyError| StoreError::Corrupt(error.to_string()))?)
}

impl From<&ServicePrice> for StoredPrice {
    fn from(price: &ServicePrice) -> Self {
        Self {
            service: price.service.clone(),
            price: price.price.minor(),
            currency: price.price.currency().code().to_owned(),
            days_min: price.days_min,
            days_max: price.days_max,
        }
    }
}

impl TryFrom<StoredPrice> for ServicePrice {
    type Error = types::MoneyError;

    fn try_from(stored: StoredPrice) -> Result<Self, Self::Error> {
        let currency: Currency = stored.currency.parse()?;
        Ok(Self {
            service: stored.service,
            price: Money::new(currency, stored.price),
            days_min: stored.days_min,
            days_max: stored.days_max,
        })
    }
}
