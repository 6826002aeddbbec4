//! The rows of endpoints.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Store, Tx};
use types::{KeyId, ShopId, WebhookEndpointId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::Audience;
use crate::model::endpoint::{Cause, Details, Disabled, Endpoint, Health};
use crate::model::signature::Secret;
use crate::schema::webhook_endpoints as rows;

const DELETED: &str = "deleted";

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = rows, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
struct Row {
    endpoint_id: Uuid,
    url: String,
    title: String,
    all_shops: bool,
    shop_ids: Vec<Uuid>,
    event_types: Vec<String>,
    except_key_ids: Vec<Uuid>,
    made_by: String,
    secret: Vec<u8>,
    previous_secret: Option<Vec<u8>>,
    grace_expire_time: Option<DateTime<Utc>>,
    state: String,
    disable_cause: String,
    disable_time: Option<DateTime<Utc>>,
    version: i64,
    create_time: DateTime<Utc>,
    failing_since: Option<DateTime<Utc>>,
    failed_rounds: i32,
    retry_time: Option<DateTime<Utc>>,
    last_failure: String,
    last_success_time: Option<DateTime<Utc>>,
}

/// One endpoint that was not deleted.
pub(crate) async fn find(
    store: &Store,
    connection: &mut AsyncPgConnection,
    id: WebhookEndpointId,
) -> Result<Option<Endpoint>> {
    let row: Option<Row> = rows::table
        .find(id.uuid())
        .filter(rows::state.ne(DELETED))
        .select(Row::as_select())
        .first(connection)
        .await
        .optional()?;
    row.map(|row| row.read(store)).transpose()
}

/// The same, locked until the transaction ends.
pub(crate) async fn lock(store: &Store, tx: &mut Tx, id: WebhookEndpointId) -> Result<Option<Endpoint>> {
    let row: Option<Row> = rows::table
        .find(id.uuid())
        .filter(rows::state.ne(DELETED))
        .select(Row::as_select())
        .for_update()
        .first(tx.conn())
        .await
        .optional()?;
    row.map(|row| row.read(store)).transpose()
}

/// Endpoints after `after`, oldest first, whose shops are among `shops` as [`Endpoint::is_visible_to`] has it.
pub(crate) async fn list(
    store: &Store,
    connection: &mut AsyncPgConnection,
    shops: Option<Vec<Uuid>>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Endpoint>> {
    let all = rows::table.filter(rows::state.ne(DELETED)).select(Row::as_select());
    let mut query = all.order(rows::endpoint_id).limit(limit).into_boxed();
    if let Some(after) = after {
        query = query.filter(rows::endpoint_id.gt(after));
    }
    if let Some(shops) = shops {
        query = query.filter(rows::all_shops.eq(false));
        query = if shops.is_empty() {
            query.filter(rows::shop_ids.eq(Vec::<Uuid>::new()))
        } else {
            query.filter(rows::shop_ids.ne(Vec::<Uuid>::new())).filter(rows::shop_ids.is_contained_by(shops))
        };
    }
    let found: Vec<Row> = query.load(connection).await?;
    found.into_iter().map(|row| row.read(store)).collect()
}

/// How many endpoints have exactly these shops.
pub(crate) async fn count(tx: &mut Tx, audience: &Audience) -> Result<i64> {
    let shops: Vec<Uuid> = audience.shops.iter().map(ShopId::uuid).collect();
    let alike = rows::table
        .filter(rows::state.ne(DELETED))
        .filter(rows::all_shops.eq(audience.all_shops))
        .filter(rows::shop_ids.eq(shops));
    Ok(alike.count().get_result(tx.conn()).await?)
}

/// Those that `made_by` made and that are told.
pub(crate) async fn enabled_of(tx: &mut Tx, made_by: &str) -> Result<Vec<WebhookEndpointId>> {
    let ids: Vec<Uuid> = rows::table
        .filter(rows::made_by.eq(made_by))
        .filter(rows::state.eq("enabled"))
        .select(rows::endpoint_id)
        .order(rows::endpoint_id)
        .load(tx.conn())
        .await?;
    Ok(ids.into_iter().map(WebhookEndpointId::from_uuid).collect())
}

pub(crate) async fn insert(store: &Store, tx: &mut Tx, endpoint: &Endpoint) -> Result<()> {
    let row = Row::of(store, endpoint);
    diesel::insert_into(rows::table).values(row).execute(tx.conn()).await?;
    Ok(())
}

pub(crate) async fn update(store: &Store, tx: &mut Tx, endpoint: &Endpoint) -> Result<()> {
    let row = Row::of(store, endpoint);
    diesel::update(rows::table.find(endpoint.id.uuid())).set(row).execute(tx.conn()).await?;
    Ok(())
}

/// How it fares, and nothing else.
pub(crate) async fn note_health(tx: &mut Tx, id: WebhookEndpointId, health: &Health) -> Result<()> {
    diesel::update(rows::table.find(id.uuid()))
        .set((
            rows::failing_since.eq(health.failing_since),
            rows::failed_rounds.eq(health.failed_rounds),
            rows::retry_time.eq(health.retry_time),
            rows::last_failure.eq(&health.last_failure),
            rows::last_success_time.eq(health.last_success_time),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Takes an endpoint away; what it was sent stays readable in history only. Its secret is gone at once.
pub(crate) async fn delete(tx: &mut Tx, id: WebhookEndpointId, time: DateTime<Utc>) -> Result<()> {
    diesel::update(rows::table.find(id.uuid()))
        .set((
            rows::state.eq(DELETED),
            rows::disable_cause.eq(Cause::Asked.code()),
            rows::disable_time.eq(time),
            rows::secret.eq(Vec::<u8>::new()),
            rows::previous_secret.eq(None::<Vec<u8>>),
            rows::grace_expire_time.eq(None::<DateTime<Utc>>),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

impl Row {
    fn of(store: &Store, endpoint: &Endpoint) -> Self {
        let Endpoint { details, health, .. } = endpoint;
        let context = endpoint.id.to_string();
        let seal = |secret: &Secret| store.seal(secret.bytes(), &context);
        let disabled = endpoint.disabled.as_ref();
        Self {
            endpoint_id: endpoint.id.uuid(),
            url: details.url.clone(),
            title: details.title.clone(),
            all_shops: details.audience.all_shops,
            shop_ids: details.audience.shops.iter().map(ShopId::uuid).collect(),
            event_types: details.event_types.clone(),
            except_key_ids: details.audience.except_keys.iter().map(KeyId::uuid).collect(),
            made_by: endpoint.made_by.clone(),
            secret: seal(&endpoint.secret),
            previous_secret: endpoint.previous.as_ref().map(|(secret, _)| seal(secret)),
            grace_expire_time: endpoint.previous.as_ref().map(|(_, until)| *until),
            state: if disabled.is_some() { "disabled" } else { "enabled" }.to_owned(),
            disable_cause: disabled.map_or("", |disabled| disabled.cause.code()).to_owned(),
            disable_time: disabled.map(|disabled| disabled.time),
            version: endpoint.version,
            create_time: endpoint.create_time,
            failing_since: health.failing_since,
            failed_rounds: health.failed_rounds,
            retry_time: health.retry_time,
            last_failure: health.last_failure.clone(),
            last_success_time: health.last_success_time,
        }
    }

    fn read(self, store: &Store) -> Result<Endpoint> {
        let id = WebhookEndpointId::from_uuid(self.endpoint_id);
        let context = id.to_string();
        let unseal = |sealed: &[u8]| Ok::<_, Error>(Secret::from_bytes(store.unseal(sealed, &context)?));
        let previous = match (&self.previous_secret, self.grace_expire_time) {
            (Some(secret), Some(until)) => Some((unseal(secret)?, until)),
            _ => None,
        };
        let disabled = match (Cause::read(&self.disable_cause), self.disable_time) {
            (Some(cause), Some(time)) => Some(Disabled { cause, time }),
            _ => None,
        };
        Ok(Endpoint {
            id,
            details: Details {
                url: self.url,
                title: self.title,
                audience: Audience::stored(self.all_shops, self.shop_ids, self.except_key_ids),
                event_types: self.event_types,
            },
            made_by: self.made_by,
            secret: unseal(&self.secret)?,
            previous,
            disabled,
            version: self.version,
            create_time: self.create_time,
            health: Health {
                failing_since: self.failing_since,
                failed_rounds: self.failed_rounds,
                retry_time: self.retry_time,
                last_failure: self.last_failure,
                last_success_time: self.last_success_time,
            },
        })
    }
}
