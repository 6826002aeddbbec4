//! A named set of prices: for which currency, when and in which channels it counts.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rpc::Invalid;
use serde_json::json;
use types::{Currency, PriceListId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{Derivation, Fact, Percent, Rounding};
use crate::schema::price_lists;

/// A price list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PriceList {
    pub(crate) id: PriceListId,
    pub(crate) details: PriceListDetails,
    /// Whether it takes the prices of feeds that name no list; one per currency.
    pub(crate) is_default: bool,
    pub(crate) version: i64,
    pub(crate) create_time: DateTime<Utc>,
}

/// What a caller may set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PriceListDetails {
    pub(crate) name: String,
    /// Set once: the prices in the list are in it.
    pub(crate) currency: Currency,
    /// Inclusive.
    pub(crate) valid_from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub(crate) valid_until: Option<DateTime<Utc>>,
    /// Sorted, each once; empty for every channel.
    pub(crate) channels: Vec<String>,
    pub(crate) priority: i32,
    pub(crate) rounding: Option<Rounding>,
    pub(crate) derivation: Option<Derivation>,
}

impl PriceListDetails {
    pub(crate) const FIELDS: [&str; 9] = [
        "name",
        "currency_code",
        "valid_from_time",
        "valid_until_time",
        "channels",
        "priority",
        "rounding",
        "base_price_list_id",
        "percent",
    ];

    pub(crate) fn facts(&self) -> Vec<Fact> {
        vec![
            ("name", json!(self.name)),
            ("currency_code", json!(self.currency.code())),
            ("valid_from_time", json!(self.valid_from)),
            ("valid_until_time", json!(self.valid_until)),
            ("channels", json!(self.channels)),
            ("priority", json!(self.priority)),
            ("rounding", json!(self.rounding.map(|rounding| (rounding.step, rounding.ending)))),
            ("base_price_list_id", json!(self.derivation.map(|derivation| derivation.base.to_string()))),
            ("percent", json!(self.derivation.map(|derivation| derivation.percent.text()))),
        ]
    }
}

impl PriceList {
    /// A new list.
    pub(crate) fn new(details: PriceListDetails, now: DateTime<Utc>) -> Self {
        Self { id: PriceListId::new(), details, is_default: false, version: 1, create_time: now }
    }

    /// The list that takes prices in `currency` when no other is named: always valid, in every channel, lowest priority.
    pub(crate) fn new_default(currency: Currency, now: DateTime<Utc>) -> Self {
        let details = PriceListDetails {
            name: format!("Default {currency}"),
            currency,
            valid_from: None,
            valid_until: None,
            channels: Vec::new(),
            priority: 0,
            rounding: None,
            derivation: None,
        };
        Self { is_default: true, ..Self::new(details, now) }
    }

    pub(crate) async fn find(connection: &mut AsyncPgConnection, id: PriceListId) -> Result<Option<Self>> {
        let row =
            price_lists::table.find(id.uuid()).select(Row::as_select()).first(connection).await.optional()?;
        row.map(Self::try_from).transpose()
    }

    /// Locks the list: its prices are changed by one transaction at a time.
    pub(crate) async fn lock(connection: &mut AsyncPgConnection, id: PriceListId) -> Result<Option<Self>> {
        let row = price_lists::table.find(id.uuid()).select(Row::as_select()).for_no_key_update();
        row.first(connection).await.optional()?.map(Self::try_from).transpose()
    }

    /// Locks the list that shall be `details` and the one it derives from, in the order of their ids; refuses a base that
    /// is absent, in another currency or derived itself, and to derive a list that others derive from.
    pub(crate) async fn refuse_unfit_base(
        connection: &mut AsyncPgConnection,
        id: PriceListId,
        details: &PriceListDetails,
    ) -> Result<()> {
        let Some(Derivation { base, .. }) = details.derivation else { return Ok(()) };
        let field = "price_list.base_price_list_id";
        if base == id {
            return Err(Invalid::field(field, "DERIVED", "a list does not derive from itself").into());
        }
        let lists: Vec<Row> = price_lists::table
            .filter(price_lists::price_list_id.eq_any([id.uuid(), base.uuid()]))
            .order(price_lists::price_list_id)
            .select(Row::as_select())
            .for_no_key_update()
            .load(connection)
            .await?;
        let known = lists.iter().find(|list| list.price_list_id == base.uuid());
        let known = known.ok_or(Error::PriceListNotFound(base))?;
        if known.currency != details.currency.code() {
            let problem = format!("the list is in {}", known.currency);
            return Err(Invalid::field(field, "CURRENCY_MISMATCH", problem).into());
        }
        if known.base_price_list_id.is_some() {
            return Err(Invalid::field(field, "DERIVED", "the list derives from another one itself").into());
        }
        let others = price_lists::table.filter(price_lists::base_price_list_id.eq(id.uuid())).count();
        let others: i64 = others.get_result(connection).await?;
        if others > 0 {
            return Err(Invalid::field(field, "DERIVED", "other lists derive from this one").into());
        }
        Ok(())
    }

    /// The default list of `currency`, when it was made already.
    pub(crate) async fn find_default(
        connection: &mut AsyncPgConnection,
        currency: Currency,
    ) -> Result<Option<Self>> {
        let row = price_lists::table
            .filter(price_lists::is_default)
            .filter(price_lists::currency.eq(currency.code()))
            .select(Row::as_select());
        row.first(connection).await.optional()?.map(Self::try_from).transpose()
    }

    /// Lists after `after`, oldest first.
    pub(crate) async fn list(
        connection: &mut AsyncPgConnection,
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<Self>> {
        let mut query =
            price_lists::table.select(Row::as_select()).order(price_lists::price_list_id).into_boxed();
        if let Some(after) = after {
            query = query.filter(price_lists::price_list_id.gt(after));
        }
        query.limit(limit).load(connection).await?.into_iter().map(Self::try_from).collect()
    }

    pub(crate) async fn insert(&self, connection: &mut AsyncPgConnection) -> Result<()> {
        diesel::insert_into(price_lists::table)
            .values(Row::of(self, self.create_time))
            .execute(connection)
            .await?;
        Ok(())
    }

    pub(crate) async fn save(&self, connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<()> {
        diesel::update(price_lists::table.find(self.id.uuid()))
            .set(Row::of(self, now))
            .execute(connection)
            .await?;
        Ok(())
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = price_lists, primary_key(price_list_id), treat_none_as_null = true)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Row {
    price_list_id: Uuid,
    name: String,
    currency: String,
    valid_from_time: Option<DateTime<Utc>>,
    valid_until_time: Option<DateTime<Utc>>,
    channels: Vec<String>,
    priority: i32,
    is_default: bool,
    version: i64,
    create_time: DateTime<Utc>,
    update_time: DateTime<Utc>,
    rounding_step_minor: Option<i64>,
    rounding_ending_minor: i64,
    base_price_list_id: Option<Uuid>,
    percent_hundredths: Option<i32>,
}

impl Row {
    fn of(list: &PriceList, update_time: DateTime<Utc>) -> Self {
        let details = list.details.clone();
        Self {
            price_list_id: list.id.uuid(),
            name: details.name,
            currency: details.currency.code().to_owned(),
            valid_from_time: details.valid_from,
            valid_until_time: details.valid_until,
            channels: details.channels,
            priority: details.priority,
            is_default: list.is_default,
            version: list.version,
            create_time: list.create_time,
            update_time,
            rounding_step_minor: details.rounding.map(|rounding| rounding.step),
            rounding_ending_minor: details.rounding.map_or(0, |rounding| rounding.ending),
            base_price_list_id: details.derivation.map(|derivation| derivation.base.uuid()),
            percent_hundredths: details.derivation.map(|derivation| derivation.percent.hundredths()),
        }
    }
}

impl TryFrom<Row> for PriceList {
    type Error = crate::error::Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = PriceListId::from_uuid(row.price_list_id);
        let currency = row.currency.parse();
        let details = PriceListDetails {
            name: row.name,
            currency: currency
                .map_err(|_| store::Error::Corrupt(format!("the currency of price list {id}")))?,
            valid_from: row.valid_from_time,
            valid_until: row.valid_until_time,
            channels: row.channels,
            priority: row.priority,
            rounding: row
                .rounding_step_minor
                .map(|step| Rounding { step, ending: row.rounding_ending_minor }),
            derivation: row
                .base_price_list_id
                .zip(row.percent_hundredths.and_then(Percent::of_hundredths))
                .map(|(base, percent)| Derivation { base: PriceListId::from_uuid(base), percent }),
        };
        Ok(Self {
            id,
            details,
            is_default: row.is_default,
            version: row.version,
            create_time: row.create_time,
        })
    }
}
