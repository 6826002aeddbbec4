//! A maker's or seller's mark, and the spellings it comes in.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use store::cached_sql;
use types::BrandId;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{Edit, Fact, folded};

/// A brand.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Brand {
    pub(crate) id: BrandId,
    pub(crate) details: BrandDetails,
    pub(crate) version: i64,
    pub(crate) create_time: DateTime<Utc>,
}

/// What a caller may set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BrandDetails {
    pub(crate) name: String,
    /// In their order, none spelt like the name or another.
    pub(crate) aliases: Vec<String>,
    pub(crate) archived: bool,
}

type Row = (Uuid, String, bool, i64, DateTime<Utc>, Vec<String>);
type Columns = (SqlUuid, Text, Bool, BigInt, Timestamptz, Array<Text>);

impl BrandDetails {
    pub(crate) const FIELDS: [&str; 3] = ["name", "aliases", "archived"];

    pub(crate) fn facts(&self) -> Vec<Fact> {
        vec![("name", json!(self.name)), ("aliases", json!(self.aliases)), ("archived", json!(self.archived))]
    }

    fn spellings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}

impl Brand {
    /// A new brand.
    pub(crate) fn new(details: BrandDetails, now: DateTime<Utc>) -> Self {
        Self { id: BrandId::new(), details, version: 1, create_time: now }
    }

    /// One brand, locked until the transaction ends.
    pub(crate) async fn lock(connection: &mut AsyncPgConnection, id: BrandId) -> Result<Option<Self>> {
        cached_sql("SELECT FROM brands WHERE brand_id = $1 FOR NO KEY UPDATE")
            .bind::<SqlUuid, _>(id.uuid())
            .execute(connection)
            .await?;
        Self::find(connection, id).await
    }

    /// One brand.
    pub(crate) async fn find(connection: &mut AsyncPgConnection, id: BrandId) -> Result<Option<Self>> {
        let rows: Vec<Row> = cached_sql(
            "SELECT b.brand_id, b.name, b.archived, b.version, b.create_time,
                    ARRAY(SELECT n.name FROM brand_names n WHERE n.brand_id = b.brand_id AND n.position > 0
                          ORDER BY n.position)
             FROM brands b WHERE b.brand_id = $1",
        )
        .bind::<SqlUuid, _>(id.uuid())
        .returns::<Columns>()
        .load(connection)
        .await?;
        Ok(rows.into_iter().next().map(Self::from))
    }

    /// Brands after a name and id, by name.
    pub(crate) async fn list(
        connection: &mut AsyncPgConnection,
        include_archived: bool,
        after: Option<(String, Uuid)>,
        limit: i64,
    ) -> Result<Vec<Self>> {
        let (name, id) = after.unzip();
        let rows: Vec<Row> = cached_sql(
            "SELECT b.brand_id, b.name, b.archived, b.version, b.create_time,
                    ARRAY(SELECT n.name FROM brand_names n WHERE n.brand_id = b.brand_id AND n.position > 0
                          ORDER BY n.position)
             FROM brands b
             WHERE ($1 OR NOT b.archived) AND ($2 IS NULL OR (b.name COLLATE \"C\", b.brand_id) > ($2, $3))
             ORDER BY b.name COLLATE \"C\", b.brand_id LIMIT $4",
        )
        .bind::<Bool, _>(include_archived)
        .bind::<Nullable<Text>, _>(name)
        .bind::<Nullable<SqlUuid>, _>(id)
        .bind::<BigInt, _>(limit)
        .returns::<Columns>()
        .load(connection)
        .await?;
        Ok(rows.into_iter().map(Self::from).collect())
    }

    /// The brands that texts spell, by the folded text; archived ones are given to nobody.
    pub(crate) async fn spelt(
        connection: &mut AsyncPgConnection,
        texts: &[&str],
    ) -> Result<HashMap<String, BrandId>> {
        let rows: Vec<(String, Uuid)> = cached_sql(
            "SELECT n.folded, n.brand_id FROM brand_names n JOIN brands b USING (brand_id)
             WHERE n.folded = ANY($1) AND NOT b.archived",
        )
        .bind::<Array<Text>, _>(texts.iter().map(|text| folded(text)).collect::<Vec<_>>())
        .returns::<(Text, SqlUuid)>()
        .load(connection)
        .await?;
        Ok(rows.into_iter().map(|(folded, id)| (folded, BrandId::from_uuid(id))).collect())
    }

    /// Refuses a name or alias that another brand has.
    pub(crate) async fn refuse_taken(&self, connection: &mut AsyncPgConnection) -> Result<()> {
        let rows: Vec<(String, Uuid)> = cached_sql(
            "SELECT name, brand_id FROM brand_names WHERE folded = ANY($1) AND brand_id <> $2 ORDER BY folded LIMIT 1",
        )
        .bind::<Array<Text>, _>(self.details.spellings().map(folded).collect::<Vec<_>>())
        .bind::<SqlUuid, _>(self.id.uuid())
        .returns::<(Text, SqlUuid)>()
        .load(connection)
        .await?;
        match rows.into_iter().next() {
            Some((name, owner)) => Err(Error::BrandNameTaken { name, owner: BrandId::from_uuid(owner) }),
            None => Ok(()),
        }
    }

    /// Refuses a product of a brand that is not there, and one that shall be of an archived one.
    pub(crate) async fn refuse_unfit(connection: &mut AsyncPgConnection, edit: &Edit) -> Result<()> {
        let before = edit.old.as_ref().and_then(|old| old.details.brand);
        let Some(wanted) = edit.new.details.brand.filter(|wanted| before != Some(*wanted)) else {
            return Ok(());
        };
        match Self::find(connection, wanted).await? {
            None => Err(Error::BrandNotFound(wanted)),
            Some(brand) if brand.details.archived => Err(Error::BrandArchived(wanted)),
            Some(_) => Ok(()),
        }
    }

    pub(crate) async fn insert(&self, connection: &mut AsyncPgConnection) -> Result<()> {
        Self::insert_all(connection, &[self]).await
    }

    /// Writes new brands.
    pub(crate) async fn insert_all(connection: &mut AsyncPgConnection, brands: &[&Self]) -> Result<()> {
        cached_sql(
            "INSERT INTO brands (brand_id, name, archived, version, create_time, update_time)
             SELECT id, name, archived, version, at, at
             FROM unnest($1, $2, $3, $4, $5) AS u (id, name, archived, version, at)",
        )
        .bind::<Array<SqlUuid>, _>(brands.iter().map(|brand| brand.id.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(brands.iter().map(|brand| brand.details.name.as_str()).collect::<Vec<_>>())
        .bind::<Array<Bool>, _>(brands.iter().map(|brand| brand.details.archived).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(brands.iter().map(|brand| brand.version).collect::<Vec<_>>())
        .bind::<Array<Timestamptz>, _>(brands.iter().map(|brand| brand.create_time).collect::<Vec<_>>())
        .execute(connection)
        .await?;
        insert_names(connection, brands).await
    }

    pub(crate) async fn save(&self, connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<()> {
        cached_sql(
            "UPDATE brands SET name = $2, archived = $3, version = $4, update_time = $5 WHERE brand_id = $1",
        )
        .bind::<SqlUuid, _>(self.id.uuid())
        .bind::<Text, _>(&self.details.name)
        .bind::<Bool, _>(self.details.archived)
        .bind::<BigInt, _>(self.version)
        .bind::<Timestamptz, _>(now)
        .execute(connection)
        .await?;
        cached_sql("DELETE FROM brand_names WHERE brand_id = $1")
            .bind::<SqlUuid, _>(self.id.uuid())
            .execute(connection)
            .await?;
        insert_names(connection, &[self]).await
    }
}

async fn insert_names(connection: &mut AsyncPgConnection, brands: &[&Brand]) -> Result<()> {
    let named = brands.iter().flat_map(|brand| {
        let spelt = brand.details.spellings().enumerate();
        spelt.map(move |(at, name)| (brand.id.uuid(), name, i32::try_from(at).unwrap_or(i32::MAX)))
    });
    let named: Vec<(Uuid, &str, i32)> = named.collect();
    cached_sql(
        "INSERT INTO brand_names (brand_id, folded, name, position)
         SELECT * FROM unnest($1, $2, $3, $4) AS u (brand_id, folded, name, position) ORDER BY folded",
    )
    .bind::<Array<SqlUuid>, _>(named.iter().map(|one| one.0).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(named.iter().map(|one| folded(one.1)).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(named.iter().map(|one| one.1).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(named.iter().map(|one| one.2).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

impl From<Row> for Brand {
    fn from((id, name, archived, version, create_time, aliases): Row) -> Self {
        let details = BrandDetails { name, aliases, archived };
        Self { id: BrandId::from_uuid(id), details, version, create_time }
    }
}
