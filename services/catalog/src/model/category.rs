//! A node of the category tree.

use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::{Value, json};
use store::cached_sql;
use types::{CategoryId, SourceId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{ExternalId, Fact};

/// A category.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Category {
    pub(crate) id: CategoryId,
    pub(crate) details: CategoryDetails,
    pub(crate) version: i64,
}

/// What a caller may set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CategoryDetails {
    pub(crate) parent: Option<CategoryId>,
    pub(crate) name: String,
    /// Sorted, each once.
    pub(crate) external_ids: Vec<ExternalId>,
}

type Row = (Uuid, Option<Uuid>, String, i64, Vec<Uuid>, Vec<String>);
type Columns = (SqlUuid, Nullable<SqlUuid>, Text, BigInt, Array<SqlUuid>, Array<Text>);

impl CategoryDetails {
    pub(crate) const FIELDS: [&str; 3] = ["parent_id", "name", "external_ids"];

    pub(crate) fn facts(&self) -> Vec<Fact> {
        vec![
            ("parent_id", json!(self.parent.map(|parent| parent.to_string()))),
            ("name", json!(self.name)),
            ("external_ids", self.external_ids.iter().map(ExternalId::text).collect::<Value>()),
        ]
    }
}

impl Category {
    /// A new category.
    pub(crate) fn new(details: CategoryDetails) -> Self {
        Self { id: CategoryId::new(), details, version: 1 }
    }

    /// Refuses to hang the category below itself; `line` is the new parent and everything above it.
    pub(crate) fn refuse_cycle(id: CategoryId, parent: CategoryId, line: &[CategoryId]) -> Result<()> {
        match (line.contains(&parent), line.contains(&id)) {
            (false, _) => Err(Error::CategoryNotFound(parent)),
            (true, true) => Err(Error::CategoryCycle { id, parent }),
            (true, false) => Ok(()),
        }
    }

    /// Makes this transaction the only one that moves categories: two moves that are right alone may close a circle.
    pub(crate) async fn lock_tree(connection: &mut AsyncPgConnection) -> Result<()> {
        cached_sql("SELECT pg_advisory_xact_lock(7201)").execute(connection).await?;
        Ok(())
    }

    /// A category and everything above it.
    pub(crate) async fn line(connection: &mut AsyncPgConnection, id: CategoryId) -> Result<Vec<CategoryId>> {
        let rows: Vec<(Uuid,)> = cached_sql(
            "WITH RECURSIVE line (category_id, parent_id) AS (
                SELECT category_id, parent_id FROM categories WHERE category_id = $1
                UNION
                SELECT c.category_id, c.parent_id FROM categories c JOIN line ON c.category_id = line.parent_id)
             SELECT category_id FROM line",
        )
        .bind::<SqlUuid, _>(id.uuid())
        .returns::<(SqlUuid,)>()
        .load(connection)
        .await?;
        Ok(rows.into_iter().map(|(id,)| CategoryId::from_uuid(id)).collect())
    }

    /// One category, locked until the transaction ends.
    pub(crate) async fn lock(connection: &mut AsyncPgConnection, id: CategoryId) -> Result<Option<Self>> {
        cached_sql("SELECT FROM categories WHERE category_id = $1 FOR NO KEY UPDATE")
            .bind::<SqlUuid, _>(id.uuid())
            .execute(connection)
            .await?;
        Ok(Self::load(connection, &[id]).await?.pop())
    }

    /// The categories with these ids, in any order.
    pub(crate) async fn load(connection: &mut AsyncPgConnection, ids: &[CategoryId]) -> Result<Vec<Self>> {
        let rows: Vec<Row> = cached_sql(
            "SELECT c.category_id, c.parent_id, c.name, c.version,
                    ARRAY(SELECT x.source_id FROM category_external_ids x WHERE x.category_id = c.category_id
                          ORDER BY x.source_id, x.external_id),
                    ARRAY(SELECT x.external_id FROM category_external_ids x WHERE x.category_id = c.category_id
                          ORDER BY x.source_id, x.external_id)
             FROM categories c WHERE c.category_id = ANY($1)",
        )
        .bind::<Array<SqlUuid>, _>(uuids(ids))
        .returns::<Columns>()
        .load(connection)
        .await?;
        Ok(rows.into_iter().map(Self::from).collect())
    }

    /// The first of `ids` that no category has.
    pub(crate) async fn missing(
        connection: &mut AsyncPgConnection,
        ids: &[CategoryId],
    ) -> Result<Option<CategoryId>> {
        let rows: Vec<(Uuid,)> = cached_sql(
            "SELECT wanted.id FROM unnest($1) AS wanted (id)
             WHERE NOT EXISTS (SELECT FROM categories WHERE category_id = wanted.id) LIMIT 1",
        )
        .bind::<Array<SqlUuid>, _>(uuids(ids))
        .returns::<(SqlUuid,)>()
        .load(connection)
        .await?;
        Ok(rows.into_iter().next().map(|(id,)| CategoryId::from_uuid(id)))
    }

    /// What each of a source's ids names.
    pub(crate) async fn of_source(
        connection: &mut AsyncPgConnection,
        source: SourceId,
        ids: &[&str],
    ) -> Result<Vec<(String, CategoryId)>> {
        let rows: Vec<(String, Uuid)> = cached_sql(
            "SELECT external_id, category_id FROM category_external_ids
             WHERE source_id = $1 AND external_id = ANY($2)",
        )
        .bind::<SqlUuid, _>(source.uuid())
        .bind::<Array<Text>, _>(ids)
        .returns::<(Text, SqlUuid)>()
        .load(connection)
        .await?;
        Ok(rows.into_iter().map(|(external, id)| (external, CategoryId::from_uuid(id))).collect())
    }

    /// Refuses external ids that another category has.
    pub(crate) async fn refuse_taken(&self, connection: &mut AsyncPgConnection) -> Result<()> {
        for id in &self.details.external_ids {
            let owner = Self::of_source(connection, id.source, &[id.id.as_str()]).await?;
            if let Some((_, owner)) = owner.into_iter().find(|(_, owner)| *owner != self.id) {
                return Err(Error::ExternalIdTaken { id: id.clone(), owner: owner.to_string() });
            }
        }
        Ok(())
    }

    /// Children of `parent`, or with depth the whole tree, parents before children, after the (depth, id) of `after`.
    pub(crate) async fn list(
        connection: &mut AsyncPgConnection,
        parent: Option<CategoryId>,
        after: Option<(i32, Uuid)>,
        limit: i64,
    ) -> Result<Vec<(i32, Self)>> {
        let rows: Vec<(i32, Row)> = cached_sql(
            "WITH RECURSIVE tree (category_id, depth) AS (
                SELECT category_id, 0 FROM categories WHERE parent_id IS NOT DISTINCT FROM $1
                UNION ALL
                SELECT c.category_id, tree.depth + 1 FROM categories c JOIN tree ON c.parent_id = tree.category_id
                WHERE $1 IS NULL)
             SELECT tree.depth, c.category_id, c.parent_id, c.name, c.version,
                    ARRAY(SELECT x.source_id FROM category_external_ids x WHERE x.category_id = c.category_id
                          ORDER BY x.source_id, x.external_id),
                    ARRAY(SELECT x.external_id FROM category_external_ids x WHERE x.category_id = c.category_id
                          ORDER BY x.source_id, x.external_id)
             FROM tree JOIN categories c USING (category_id)
             WHERE $2 IS NULL OR (tree.depth, c.category_id) > ($2, $3)
             ORDER BY tree.depth, c.category_id LIMIT $4",
        )
        .bind::<Nullable<SqlUuid>, _>(parent.map(|parent| parent.uuid()))
        .bind::<Nullable<Integer>, _>(after.map(|(depth, _)| depth))
        .bind::<Nullable<SqlUuid>, _>(after.map(|(_, id)| id))
        .bind::<BigInt, _>(limit)
        .returns::<(Integer, Columns)>()
        .load(connection)
        .await?;
        Ok(rows.into_iter().map(|(depth, row)| (depth, Self::from(row))).collect())
    }

    /// Writes categories, which are new or locked; parents stand before their children.
    pub(crate) async fn save(
        connection: &mut AsyncPgConnection,
        categories: &[&Self],
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<()> {
        cached_sql(
            "INSERT INTO categories (category_id, parent_id, name, version, create_time, update_time)
             SELECT category_id, parent_id, name, version, $5, $5
             FROM unnest($1, $2, $3, $4) AS u (category_id, parent_id, name, version)
             ON CONFLICT (category_id) DO UPDATE SET parent_id = excluded.parent_id, name = excluded.name,
                version = excluded.version, update_time = excluded.update_time",
        )
        .bind::<Array<SqlUuid>, _>(categories.iter().map(|category| category.id.uuid()).collect::<Vec<_>>())
        .bind::<Array<Nullable<SqlUuid>>, _>(
            categories.iter().map(|category| category.details.parent.map(|id| id.uuid())).collect::<Vec<_>>(),
        )
        .bind::<Array<Text>, _>(
            categories.iter().map(|category| category.details.name.as_str()).collect::<Vec<_>>(),
        )
        .bind::<Array<BigInt>, _>(categories.iter().map(|category| category.version).collect::<Vec<_>>())
        .bind::<Timestamptz, _>(now)
        .execute(connection)
        .await?;

        let ids: Vec<Uuid> = categories.iter().map(|category| category.id.uuid()).collect();
        let external = categories.iter().flat_map(|category| {
            category.details.external_ids.iter().map(move |external| (category.id.uuid(), external))
        });
        let (owners, external): (Vec<Uuid>, Vec<&ExternalId>) = external.unzip();
        cached_sql(
            "WITH wanted AS (SELECT * FROM unnest($2, $3, $4) AS w (category_id, source_id, external_id)),
                  removed AS (
                DELETE FROM category_external_ids c WHERE c.category_id = ANY($1) AND NOT EXISTS (
                    SELECT FROM wanted w
                    WHERE (w.category_id, w.source_id, w.external_id) = (c.category_id, c.source_id, c.external_id)))
             INSERT INTO category_external_ids (category_id, source_id, external_id)
             SELECT category_id, source_id, external_id FROM wanted w WHERE NOT EXISTS (
                SELECT FROM category_external_ids c
                WHERE (w.category_id, w.source_id, w.external_id) = (c.category_id, c.source_id, c.external_id))",
        )
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<SqlUuid>, _>(owners)
        .bind::<Array<SqlUuid>, _>(external.iter().map(|external| external.source.uuid()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(external.iter().map(|external| external.id.as_str()).collect::<Vec<_>>())
        .execute(connection)
        .await?;
        Ok(())
    }
}

impl From<Row> for Category {
    fn from((id, parent, name, version, sources, external): Row) -> Self {
        let parent = parent.map(CategoryId::from_uuid);
        let details = CategoryDetails {
            parent,
            name,
            external_ids: ExternalId::of_rows(sources.into_iter().zip(external)),
        };
        Self { id: CategoryId::from_uuid(id), details, version }
    }
}

fn uuids(ids: &[CategoryId]) -> Vec<Uuid> {
    ids.iter().map(CategoryId::uuid).collect()
}
