//! The prices there were, and who set them.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Error, cached_sql};
use types::{PriceListId, Sku};
use uuid::Uuid;

use super::price::{PriceColumns, PriceRow};
use crate::error::Result;
use crate::model::Price;

/// A price as it became.
#[derive(Debug, Clone)]
pub(crate) struct PastPrice {
    pub(crate) list: PriceListId,
    pub(crate) price: Price,
    pub(crate) change_time: DateTime<Utc>,
    pub(crate) actor: String,
    pub(crate) action: String,
}

/// Where a page of a SKU's history ended.
pub(crate) type PastPlace = (DateTime<Utc>, Uuid, i64);

type Row = (Uuid, i64, PriceRow, DateTime<Utc>, String, String, String);

impl PastPrice {
    /// The prices of a SKU, in one list or in all, newest first.
    pub(crate) async fn list(
        connection: &mut AsyncPgConnection,
        sku: &Sku,
        list: Option<PriceListId>,
        after: Option<PastPlace>,
        limit: i64,
    ) -> Result<Vec<Self>> {
        let rows: Vec<Row> = cached_sql(
            "SELECT c.price_list_id, c.version, c.amount_minor, c.old_amount_minor, c.promo_amount_minor,
                    c.promo_from_time, c.promo_until_time, c.change_time, c.actor, c.action, l.currency
             FROM price_changes c JOIN price_lists l USING (price_list_id)
             WHERE c.sku = $1 AND ($2 IS NULL OR c.price_list_id = $2)
               AND ($3 IS NULL OR (c.change_time, c.price_list_id, c.version) < ($3, $4, $5))
             ORDER BY c.change_time DESC, c.price_list_id DESC, c.version DESC LIMIT $6",
        )
        .bind::<Text, _>(sku.as_str())
        .bind::<Nullable<SqlUuid>, _>(list.map(|list| list.uuid()))
        .bind::<Nullable<Timestamptz>, _>(after.map(|(time, ..)| time))
        .bind::<Nullable<SqlUuid>, _>(after.map(|(_, list, _)| list))
        .bind::<Nullable<BigInt>, _>(after.map(|(.., version)| version))
        .bind::<BigInt, _>(limit)
        .returns::<(SqlUuid, BigInt, PriceColumns, Timestamptz, Text, Text, Text)>()
        .load(connection)
        .await?;
        let past = |(list, version, price, change_time, actor, action, currency): Row| {
            let list = PriceListId::from_uuid(list);
            let corrupt = |_| Error::Corrupt(format!("the currency of price list {list}"));
            let price = Price::of(price, currency.parse().map_err(corrupt)?, version);
            Ok(Self { list, price, change_time, actor, action })
        };
        rows.into_iter().map(past).collect()
    }

    /// Where a page that ends with it ends.
    pub(crate) fn place(&self) -> PastPlace {
        (self.change_time, self.list.uuid(), self.price.version)
    }
}
