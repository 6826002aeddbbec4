//! A shop: one storefront, one price language.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use store::Error;
use types::{Currency, LegalEntityId, ShopId, WarehouseId};
use uuid::Uuid;

use crate::model::{Country, Fact, Locale, PageUrl, PublicStatusNames};
use crate::schema::shops;

/// A shop.
#[derive(Debug, Clone)]
pub(crate) struct Shop {
    pub(crate) id: ShopId,
    pub(crate) details: ShopDetails,
    pub(crate) version: i64,
    pub(crate) create_time: DateTime<Utc>,
}

/// What a caller may set.
#[derive(Debug, Clone)]
pub(crate) struct ShopDetails {
    pub(crate) legal_entity: LegalEntityId,
    pub(crate) name: String,
    pub(crate) time_zone: Tz,
    pub(crate) locale: Locale,
    pub(crate) currency: Currency,
    pub(crate) shortage_policy: ShortagePolicy,
    pub(crate) number_prefix: String,
    /// In the order in which stock is taken.
    pub(crate) warehouses: Vec<WarehouseId>,
    pub(crate) country: Country,
    /// How long an unpaid order that must be paid first is kept; 0 for ever.
    pub(crate) pay_by_minutes: i32,
    pub(crate) split_allowed: bool,
    /// How long a quoted price holds.
    pub(crate) quote_minutes: i32,
    pub(crate) public_status_names: PublicStatusNames,
    /// Where buyers follow their orders.
    pub(crate) page_url: Option<PageUrl>,
}

/// What happens to an order whose stock cannot be reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShortagePolicy {
    Refuse,
    Accept,
}

impl ShopDetails {
    pub(crate) const FIELDS: [&str; 14] = [
        "legal_entity_id",
        "name",
        "time_zone",
        "locale",
        "currency_code",
        "shortage_policy",
        "number_prefix",
        "warehouse_ids",
        "country_code",
        "pay_by_minutes",
        "split_allowed",
        "quote_minutes",
        "public_status_names",
        "page_url",
    ];

    pub(crate) fn facts(&self) -> [Fact; 14] {
        [
            ("legal_entity_id", json!(self.legal_entity.to_string())),
            ("name", json!(self.name)),
            ("time_zone", json!(self.time_zone.name())),
            ("locale", json!(self.locale.as_str())),
            ("currency_code", json!(self.currency.code())),
            ("shortage_policy", json!(self.shortage_policy.code())),
            ("number_prefix", json!(self.number_prefix)),
            ("warehouse_ids", json!(self.warehouses.iter().map(WarehouseId::to_string).collect::<Vec<_>>())),
            ("country_code", json!(self.country.to_string())),
            ("pay_by_minutes", json!(self.pay_by_minutes)),
            ("split_allowed", json!(self.split_allowed)),
            ("quote_minutes", json!(self.quote_minutes)),
            ("public_status_names", self.public_status_names.to_json()),
            ("page_url", json!(self.page_url_text())),
        ]
    }

    /// The address, empty when there is none.
    pub(crate) fn page_url_text(&self) -> String {
        self.page_url.as_ref().map(PageUrl::to_string).unwrap_or_default()
    }
}

impl ShortagePolicy {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Accept => "accept",
        }
    }

    fn of_code(code: &str) -> Option<Self> {
        [Self::Refuse, Self::Accept].into_iter().find(|policy| policy.code() == code)
    }
}

impl Shop {
    pub(crate) fn new(details: ShopDetails, create_time: DateTime<Utc>) -> Self {
        Self { id: ShopId::new(), details, version: 1, create_time }
    }

    pub(crate) async fn find(connection: &mut AsyncPgConnection, id: ShopId) -> Result<Option<Self>, Error> {
        let row = shops::table.find(id.uuid()).select(Row::as_select()).first(connection).await.optional()?;
        row.map(Self::try_from).transpose()
    }

    pub(crate) async fn lock(connection: &mut AsyncPgConnection, id: ShopId) -> Result<Option<Self>, Error> {
        let row = shops::table.find(id.uuid()).select(Row::as_select()).for_update();
        row.first(connection).await.optional()?.map(Self::try_from).transpose()
    }

    /// Shops after `after`, oldest first; of `only`, when given.
    pub(crate) async fn list(
        connection: &mut AsyncPgConnection,
        only: Option<Vec<Uuid>>,
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<Self>, Error> {
        let mut query = shops::table.select(Row::as_select()).order(shops::shop_id).limit(limit).into_boxed();
        if let Some(only) = only {
            query = query.filter(shops::shop_id.eq_any(only));
        }
        if let Some(after) = after {
            query = query.filter(shops::shop_id.gt(after));
        }
        query.load(connection).await?.into_iter().map(Self::try_from).collect()
    }

    /// The first of `ids` that no shop has.
    pub(crate) async fn missing(
        connection: &mut AsyncPgConnection,
        ids: &[ShopId],
    ) -> QueryResult<Option<ShopId>> {
        let uuids = ids.iter().map(ShopId::uuid).collect::<Vec<_>>();
        let found: Vec<Uuid> =
            shops::table.filter(shops::shop_id.eq_any(uuids)).select(shops::shop_id).load(connection).await?;
        Ok(ids.iter().copied().find(|id| !found.contains(&id.uuid())))
    }

    pub(crate) async fn insert(&self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
        diesel::insert_into(shops::table).values(Row::from(self)).execute(connection).await?;
        Ok(())
    }

    pub(crate) async fn save(&self, connection: &mut AsyncPgConnection) -> QueryResult<()> {
        diesel::update(shops::table.find(self.id.uuid())).set(Row::from(self)).execute(connection).await?;
        Ok(())
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = shops, primary_key(shop_id), check_for_backend(diesel::pg::Pg))]
struct Row {
    shop_id: Uuid,
    legal_entity_id: Uuid,
    name: String,
    time_zone: String,
    locale: String,
    currency: String,
    shortage_policy: String,
    number_prefix: String,
    warehouse_ids: Vec<Uuid>,
    country: String,
    version: i64,
    create_time: DateTime<Utc>,
    pay_by_minutes: i32,
    split_allowed: bool,
    quote_minutes: i32,
    public_status_names: serde_json::Value,
    page_url: String,
}

impl From<&Shop> for Row {
    fn from(shop: &Shop) -> Self {
        let details = &shop.details;
        Self {
            shop_id: shop.id.uuid(),
            legal_entity_id: details.legal_entity.uuid(),
            name: details.name.clone(),
            time_zone: details.time_zone.name().to_owned(),
            locale: details.locale.to_string(),
            currency: details.currency.code().to_owned(),
            shortage_policy: details.shortage_policy.code().to_owned(),
            number_prefix: details.number_prefix.clone(),
            warehouse_ids: details.warehouses.iter().map(WarehouseId::uuid).collect(),
            country: details.country.to_string(),
            version: shop.version,
            create_time: shop.create_time,
            pay_by_minutes: details.pay_by_minutes,
            split_allowed: details.split_allowed,
            quote_minutes: details.quote_minutes,
            public_status_names: details.public_status_names.to_json(),
            page_url: details.page_url_text(),
        }
    }
}

impl TryFrom<Row> for Shop {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let corrupt = |what: &str| Error::Corrupt(format!("the {what} of shop {}", row.shop_id));
        let details = ShopDetails {
            legal_entity: LegalEntityId::from_uuid(row.legal_entity_id),
            name: row.name,
            time_zone: row.time_zone.parse().map_err(|_| corrupt("time zone"))?,
            locale: row.locale.parse().map_err(|_| corrupt("locale"))?,
            currency: row.currency.parse().map_err(|_| corrupt("currency"))?,
            shortage_policy: ShortagePolicy::of_code(&row.shortage_policy)
                .ok_or_else(|| corrupt("shortage policy"))?,
            number_prefix: row.number_prefix,
            warehouses: row.warehouse_ids.into_iter().map(WarehouseId::from_uuid).collect(),
            country: row.country.parse().map_err(|_| corrupt("country"))?,
            pay_by_minutes: row.pay_by_minutes,
            split_allowed: row.split_allowed,
            quote_minutes: row.quote_minutes,
            public_status_names: PublicStatusNames::of_json(row.public_status_names)
                .ok_or_else(|| corrupt("public status names"))?,
            page_url: Some(row.page_url)
                .filter(|url| !url.is_empty())
                .map(|url| url.parse().map_err(|_| corrupt("page")))
                .transpose()?,
        };
        Ok(Self {
            id: ShopId::from_uuid(row.shop_id),
            details,
            version: row.version,
            create_time: row.create_time,
        })
    }
}
