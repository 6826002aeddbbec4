//! Delivery methods in their table.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use store::{Error as StoreError, Tx};
use types::{CarrierAccountId, DeliveryMethodId, ShopId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::delivery_method::{DeliveryMethod, Kind};
use crate::model::schedule::{Schedule, StoredSchedule};
use crate::model::tariff::{StoredTariff, Tariff};
use crate::schema::delivery_methods as rows;

/// A row of `delivery_methods`.
#[derive(Queryable, Selectable)]
#[diesel(table_name = rows)]
pub struct DeliveryMethodRow {
    pub delivery_method_id: Uuid,
    shop_id: Option<Uuid>,
    kind: String,
    name: String,
    tariffs: Value,
    cash_on_delivery: bool,
    archived: bool,
    pub sort_order: i32,
    version: i64,
    carrier_account_id: Option<Uuid>,
    carrier_service: String,
    schedule: Option<Value>,
    asks_for_code: bool,
    size_max: Option<Value>,
}

impl DeliveryMethodRow {
    /// The method.
    pub fn read(self) -> Result<DeliveryMethod> {
        let stored: Vec<StoredTariff> =
            serde_json::from_value(self.tariffs).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let schedule = self.schedule.map(serde_json::from_value::<StoredSchedule>).transpose();
        let schedule = schedule.map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let schedule = schedule.map(Schedule::try_from).transpose();
        let size_max = self.size_max.map(serde_json::from_value).transpose();
        let tariffs = stored.into_iter().map(Tariff::try_from).collect::<Result<_, _>>();
        Ok(DeliveryMethod {
            id: DeliveryMethodId::from_uuid(self.delivery_method_id),
            shop_id: self.shop_id.map(ShopId::from_uuid),
            kind: Kind::stored(&self.kind)?,
            account_id: self.carrier_account_id.map(CarrierAccountId::from_uuid),
            service: self.carrier_service,
            name: self.name,
            tariffs: tariffs.map_err(|error| StoreError::Corrupt(error.to_string()))?,
            cash_on_delivery: self.cash_on_delivery,
            archived: self.archived,
            sort_order: self.sort_order,
            schedule: schedule.map_err(|error| StoreError::Corrupt(error.to_string()))?,
            asks_for_code: self.asks_for_code,
            size_max: size_max.map_err(|error| StoreError::Corrupt(error.to_string()))?,
            version: self.version,
        })
    }
}

/// The methods with these ids, with one statement.
pub async fn find_all(conn: &mut AsyncPgConnection, ids: &[DeliveryMethodId]) -> Result<Vec<DeliveryMethod>> {
    let ids: Vec<Uuid> = ids.iter().map(DeliveryMethodId::uuid).collect();
    let found =
        rows::table.filter(rows::delivery_method_id.eq_any(ids)).select(DeliveryMethodRow::as_select());
    found.load(conn).await?.into_iter().map(DeliveryMethodRow::read).collect()
}

/// The method, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: DeliveryMethodId) -> Result<Option<DeliveryMethod>> {
    let found = rows::table.find(id.uuid()).select(DeliveryMethodRow::as_select()).for_update();
    found.first(tx.conn()).await.optional()?.map(DeliveryMethodRow::read).transpose()
}

/// Adds a method.
pub async fn insert(tx: &mut Tx, method: &DeliveryMethod) -> Result<()> {
    let now = tx.now();
    diesel::insert_into(rows::table)
        .values((
            rows::delivery_method_id.eq(method.id.uuid()),
            rows::shop_id.eq(method.shop_id.map(|shop| shop.uuid())),
            rows::kind.eq(method.kind.as_str()),
            rows::name.eq(&method.name),
            rows::tariffs.eq(stored(&method.tariffs)?),
            rows::cash_on_delivery.eq(method.cash_on_delivery),
            rows::archived.eq(method.archived),
            rows::sort_order.eq(method.sort_order),
            rows::create_time.eq(now),
            rows::carrier_account_id.eq(method.account_id.map(|account| account.uuid())),
            rows::carrier_service.eq(&method.service),
            rows::schedule.eq(stored_schedule(method)?),
            rows::asks_for_code.eq(method.asks_for_code),
            rows::size_max.eq(stored_size(method)?),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Saves what may change.
pub async fn update(tx: &mut Tx, method: &DeliveryMethod) -> Result<()> {
    diesel::update(rows::table.find(method.id.uuid()))
        .set((
            rows::name.eq(&method.name),
            rows::tariffs.eq(stored(&method.tariffs)?),
            rows::cash_on_delivery.eq(method.cash_on_delivery),
            rows::archived.eq(method.archived),
            rows::sort_order.eq(method.sort_order),
            rows::version.eq(method.version),
            rows::carrier_account_id.eq(method.account_id.map(|account| account.uuid())),
            rows::carrier_service.eq(&method.service),
            rows::schedule.eq(stored_schedule(method)?),
            rows::asks_for_code.eq(method.asks_for_code),
            rows::size_max.eq(stored_size(method)?),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Windows as JSON, for the row and for history.
pub fn stored_schedule(method: &DeliveryMethod) -> Result<Option<Value>> {
    json(method.schedule.as_ref().map(StoredSchedule::from))
}

/// The largest piece as JSON, for the row and for history.
pub fn stored_size(method: &DeliveryMethod) -> Result<Option<Value>> {
    json(method.size_max)
}

fn json<T: serde::Serialize>(value: Option<T>) -> Result<Option<Value>> {
    let json = value.map(serde_json::to_value).transpose();
    Ok(json.map_err(|error| StoreError::Corrupt(error.to_string()))?)
}

/// Tariffs as JSON, for the row and for history.
pub fn stored(tariffs: &[Tariff]) -> Result<Value> {
    let stored: Vec<_> = tariffs.iter().map(StoredTariff::from).collect();
    Ok(serde_json::to_value(stored).map_err(|error| StoreError::Corrupt(error.to_string()))?)
}
