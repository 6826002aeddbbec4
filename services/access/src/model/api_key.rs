//! A partner's key and its secret.

use ::rpc::Caller;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use sha2::{Digest, Sha256};
use types::{KeyId, ShopId};
use uuid::Uuid;

use crate::model::{Fact, retired_secret};
use crate::schema::api_keys;

/// Requests per second of a key that states none.
pub(crate) const RATE_LIMIT_DEFAULT: i32 = 100;
/// The highest rate a key can state.
pub(crate) const RATE_LIMIT_MAX: i32 = 10_000;

const SECRET_PREFIX: &str = "korob_";
const SECRET_BYTES: usize = 32;
const HINT_LENGTH: usize = 12;

/// A secret in clear: shown once, never stored, never printed.
pub(crate) struct Secret(String);

impl Secret {
    /// A new one of 256 random bits, from the generator meant for keys.
    pub(crate) fn mint() -> Self {
        let random: [u8; SECRET_BYTES] = rand::random();
        Self(format!("{SECRET_PREFIX}{}", URL_SAFE_NO_PAD.encode(random)))
    }

    /// What the owner recognises it by; the prefix leaves 36 bits, far from enough to guess the rest.
    fn hint(&self) -> String {
        self.0.chars().take(HINT_LENGTH).collect()
    }

    fn digest(&self) -> Vec<u8> {
        Sha256::digest(self.0.as_bytes()).to_vec()
    }

    /// Gives it to its owner.
    pub(crate) fn reveal(self) -> String {
        self.0
    }
}

/// A key. Selects everything but the digest of its secret.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys, check_for_backend(diesel::pg::Pg))]
pub(crate) struct ApiKey {
    key_id: Uuid,
    pub(crate) name: String,
    pub(crate) hint: String,
    shop_ids: Vec<Uuid>,
    pub(crate) scopes: Vec<String>,
    pub(crate) rate_limit: i32,
    pub(crate) version: i64,
    pub(crate) create_time: DateTime<Utc>,
    pub(crate) revoke_time: Option<DateTime<Utc>>,
}

impl ApiKey {
    pub(crate) fn new(
        name: String,
        secret: &Secret,
        shops: &[ShopId],
        scopes: Vec<String>,
        rate_limit: i32,
        create_time: DateTime<Utc>,
    ) -> Self {
        Self {
            key_id: KeyId::new().uuid(),
            name,
            hint: secret.hint(),
            shop_ids: shops.iter().map(ShopId::uuid).collect(),
            scopes,
            rate_limit,
            version: 1,
            create_time,
            revoke_time: None,
        }
    }

    pub(crate) fn id(&self) -> KeyId {
        KeyId::from_uuid(self.key_id)
    }

    pub(crate) fn shops(&self) -> impl Iterator<Item = ShopId> {
        self.shop_ids.iter().copied().map(ShopId::from_uuid)
    }

    pub(crate) fn facts(&self) -> [Fact; 5] {
        [
            ("name", json!(self.name)),
            ("hint", json!(self.hint)),
            ("shop_ids", json!(self.shops().map(String::from).collect::<Vec<_>>())),
            ("scopes", json!(self.scopes)),
            ("rate_limit", json!(self.rate_limit)),
        ]
    }

    /// Whether `caller` holds all that this key grants; to others it does not exist.
    pub(crate) fn could_be_made_by(&self, caller: &Caller) -> bool {
        self.shops().all(|shop| caller.shops.allow(shop)) && self.scopes.iter().all(|scope| caller.may(scope))
    }

    /// Looked up by digest in an index: the time it takes tells nothing about the secret.
    pub(crate) async fn find_valid(
        connection: &mut AsyncPgConnection,
        digest: &[u8],
    ) -> QueryResult<Option<Self>> {
        let valid = api_keys::table
            .filter(api_keys::secret_sha256.eq(digest))
            .filter(api_keys::revoke_time.is_null());
        valid.select(Self::as_select()).first(connection).await.optional()
    }

    /// The same by a secret that was replaced and still works.
    pub(crate) async fn find_valid_by_retired(
        connection: &mut AsyncPgConnection,
        digest: &[u8],
        now: DateTime<Utc>,
    ) -> QueryResult<Option<Self>> {
        let Some(id) = retired_secret::key_of(connection, digest, now).await? else { return Ok(None) };
        let valid = api_keys::table.find(id).filter(api_keys::revoke_time.is_null());
        valid.select(Self::as_select()).first(connection).await.optional()
    }

    pub(crate) async fn lock(connection: &mut AsyncPgConnection, id: KeyId) -> QueryResult<Option<Self>> {
        let row = api_keys::table.find(id.uuid()).select(Self::as_select()).for_update();
        row.first(connection).await.optional()
    }

    /// Keys before `before` that `caller` could have made, newest first.
    pub(crate) async fn list(
        connection: &mut AsyncPgConnection,
        caller: &Caller,
        before: Option<Uuid>,
        limit: i64,
    ) -> QueryResult<Vec<Self>> {
        let keys = api_keys::table.select(Self::as_select()).order(api_keys::key_id.desc()).limit(limit);
        let mut query = keys.into_boxed();
        if let Some(shops) = caller.shops.filter() {
            query = query.filter(api_keys::shop_ids.is_contained_by(shops));
        }
        if !caller.may("*") {
            query = query.filter(api_keys::scopes.is_contained_by(&caller.scopes));
        }
        if let Some(before) = before {
            query = query.filter(api_keys::key_id.lt(before));
        }
        query.load(connection).await
    }

    pub(crate) async fn insert(
        &self,
        connection: &mut AsyncPgConnection,
        secret: &Secret,
    ) -> QueryResult<()> {
        let row = (self, api_keys::secret_sha256.eq(secret.digest()));
        diesel::insert_into(api_keys::table).values(row).execute(connection).await?;
        Ok(())
    }

    /// Gives the key another secret; answers the hint of the one before.
    pub(crate) async fn replace_secret(
        &mut self,
        connection: &mut AsyncPgConnection,
        secret: &Secret,
    ) -> QueryResult<String> {
        self.version += 1;
        let old_hint = std::mem::replace(&mut self.hint, secret.hint());
        diesel::update(api_keys::table.find(self.key_id))
            .set((
                api_keys::version.eq(self.version),
                api_keys::hint.eq(&self.hint),
                api_keys::secret_sha256.eq(secret.digest()),
            ))
            .execute(connection)
            .await?;
        Ok(old_hint)
    }

    pub(crate) async fn revoke(
        &mut self,
        connection: &mut AsyncPgConnection,
        now: DateTime<Utc>,
    ) -> QueryResult<()> {
        self.version += 1;
        self.revoke_time = Some(now);
        diesel::update(api_keys::table.find(self.key_id))
            .set((api_keys::version.eq(self.version), api_keys::revoke_time.eq(self.revoke_time)))
            .execute(connection)
            .await?;
        Ok(())
    }
}
