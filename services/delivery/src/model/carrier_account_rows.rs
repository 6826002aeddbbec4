//! Accounts with carriers in their table; credentials are sealed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use store::{Error as StoreError, Store, Tx};
use types::{CarrierAccountId, ShopId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::carrier_account::{CarrierAccount, CarrierKind, Private};
use crate::schema::carrier_accounts as rows;

/// A row of `carrier_accounts`.
#[derive(Queryable, Selectable)]
#[diesel(table_name = rows)]
pub struct AccountRow {
    carrier_account_id: Uuid,
    shop_id: Option<Uuid>,
    kind: String,
    name: String,
    base_url: String,
    credentials: Vec<u8>,
    settings: Value,
    webhook_url: String,
    webhook_told_url: String,
    webhook_due_time: Option<DateTime<Utc>>,
    enabled: bool,
    version: i64,
    create_time: DateTime<Utc>,
}

impl AccountRow {
    /// What the keyset of a list is made of.
    pub fn key(&self) -> (DateTime<Utc>, Uuid) {
        (self.create_time, self.carrier_account_id)
    }

    /// The account; `store` opens the credentials.
    pub fn read(self, store: &Store) -> Result<CarrierAccount> {
        let id = CarrierAccountId::from_uuid(self.carrier_account_id);
        let opened = store.unseal(&self.credentials, &context(id))?;
        let corrupt = |error: serde_json::Error| StoreError::Corrupt(error.to_string());
        Ok(CarrierAccount {
            id,
            shop_id: self.shop_id.map(ShopId::from_uuid),
            kind: CarrierKind::stored(&self.kind)?,
            name: self.name,
            base_url: self.base_url,
            credentials: Private(serde_json::from_slice(&opened).map_err(corrupt)?),
            settings: Private(serde_json::from_value(self.settings).map_err(corrupt)?),
            webhook_url: self.webhook_url,
            webhook_told_url: self.webhook_told_url,
            webhook_due_time: self.webhook_due_time,
            enabled: self.enabled,
            version: self.version,
            create_time: self.create_time,
        })
    }
}

/// The account with this id.
pub async fn find(
    store: &Store,
    conn: &mut AsyncPgConnection,
    id: CarrierAccountId,
) -> Result<Option<CarrierAccount>> {
    let found = rows::table.find(id.uuid()).select(AccountRow::as_select());
    let found: Option<AccountRow> = found.first(conn).await.optional()?;
    found.map(|row| row.read(store)).transpose()
}

/// The account with this id, which nobody else changes until the transaction ends.
pub async fn lock(store: &Store, tx: &mut Tx, id: CarrierAccountId) -> Result<Option<CarrierAccount>> {
    let found = rows::table.find(id.uuid()).select(AccountRow::as_select()).for_update();
    let found: Option<AccountRow> = found.first(tx.conn()).await.optional()?;
    found.map(|row| row.read(store)).transpose()
}

/// Adds an account.
pub async fn insert(store: &Store, tx: &mut Tx, account: &CarrierAccount) -> Result<()> {
    let credentials = sealed(store, account)?;
    let settings = settings(account)?;
    diesel::insert_into(rows::table)
        .values((
            rows::carrier_account_id.eq(account.id.uuid()),
            rows::shop_id.eq(account.shop_id.map(|shop| shop.uuid())),
            rows::kind.eq(account.kind.as_str()),
            rows::name.eq(&account.name),
            rows::base_url.eq(&account.base_url),
            rows::credentials.eq(credentials),
            rows::settings.eq(settings),
            rows::webhook_url.eq(&account.webhook_url),
            rows::webhook_due_time.eq(account.webhook_due_time),
            rows::enabled.eq(account.enabled),
            rows::create_time.eq(account.create_time),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Saves what may change.
pub async fn update(store: &Store, tx: &mut Tx, account: &CarrierAccount) -> Result<()> {
    let credentials = sealed(store, account)?;
    let settings = settings(account)?;
    diesel::update(rows::table.find(account.id.uuid()))
        .set((
            rows::name.eq(&account.name),
            rows::base_url.eq(&account.base_url),
            rows::credentials.eq(credentials),
            rows::settings.eq(settings),
            rows::webhook_url.eq(&account.webhook_url),
            rows::webhook_told_url.eq(&account.webhook_told_url),
            rows::webhook_due_time.eq(account.webhook_due_time),
            rows::enabled.eq(account.enabled),
            rows::version.eq(account.version),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// A sealed secret opens only in the row it was sealed for.
fn context(id: CarrierAccountId) -> String {
    format!("carrier_accounts/{id}/credentials")
}

fn sealed(store: &Store, account: &CarrierAccount) -> Result<Vec<u8>> {
    let opened =
        serde_json::to_vec(&account.credentials.0).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(store.seal(&opened, &context(account.id)))
}

fn settings(account: &CarrierAccount) -> Result<Value> {
    Ok(serde_json::to_value(&account.settings.0).map_err(|error| StoreError::Corrupt(error.to_string()))?)
}
