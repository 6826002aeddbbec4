//! What a run has seen, beyond the lot in hand: in a temporary table, because a file may be longer than memory.

use std::collections::{HashMap, HashSet};

use diesel::sql_types::{Array, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use store::{Connection, Store, cached_sql};
use types::SourceId;

use crate::error::{Error, Result};

/// The memory of one run, on a connection of its own that ends with it.
pub(crate) struct Ledger {
    connection: Option<Connection>,
}

/// What a dry run would have changed: by (kind, key), such as a SKU and who would have it.
pub(crate) type Entries = HashMap<(Kind, String), String>;

/// Kinds of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// An offer of the file.
    Offer,
    Sku,
    Barcode,
    Group,
    /// The product of a group whose rows have the organisation's own ids.
    GroupProduct,
}

impl Kind {
    const fn code(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Sku => "sku",
            Self::Barcode => "barcode",
            Self::Group => "group",
            Self::GroupProduct => "group_product",
        }
    }

    fn of_code(code: &str) -> Option<Self> {
        [Self::Offer, Self::Sku, Self::Barcode, Self::Group, Self::GroupProduct]
            .into_iter()
            .find(|kind| kind.code() == code)
    }
}

impl Ledger {
    /// Begins a run.
    pub(crate) async fn open(store: &Store) -> Result<Self> {
        let mut connection = store.own_connection().await?;
        let table = "CREATE TEMPORARY TABLE feed_ledger (
            kind text NOT NULL, key text COLLATE \"C\" NOT NULL, value text NOT NULL, PRIMARY KEY (kind, key))";
        connection.batch_execute(table).await?;
        Ok(Self { connection: Some(connection) })
    }

    /// Makes this the only run of `source` that writes; refused when there is another.
    pub(crate) async fn claim(&mut self, source: SourceId) -> Result<()> {
        // A run that ended a moment ago may hold it still: the lock timeout of the connection is the patience.
        let claimed = cached_sql("SELECT pg_advisory_lock(7202, hashtext($1))")
            .bind::<Text, _>(source.to_string())
            .execute(self.connection()?)
            .await
            .map_err(store::Error::from);
        match claimed {
            Ok(_) => Ok(()),
            Err(error) if matches!(error, store::Error::Statement(_)) && error.is_transient() => {
                Err(Error::ImportRunning)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The connection, for reading outside transactions.
    pub(crate) fn connection(&mut self) -> Result<&mut AsyncPgConnection> {
        let lost = || store::Error::Unreachable("the connection of the import is gone".into());
        Ok(&mut **self.connection.as_mut().ok_or_else(lost)?)
    }

    /// Notes offers; answers those that this run had not seen.
    pub(crate) async fn note_offers(&mut self, ids: &[&str]) -> Result<HashSet<String>> {
        let rows: Vec<(String,)> = cached_sql(
            "INSERT INTO feed_ledger (kind, key, value) SELECT 'offer', id, '' FROM unnest($1) AS u (id)
             ON CONFLICT DO NOTHING RETURNING key",
        )
        .bind::<Array<Text>, _>(ids)
        .returns::<(Text,)>()
        .load(self.connection()?)
        .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// What was remembered under these keys.
    pub(crate) async fn recall(&mut self, keys: &[(Kind, &str)]) -> Result<Entries> {
        let rows: Vec<(String, String, String)> = cached_sql(
            // Nobody analyzes a temporary table; this walks its index all the same.
            "SELECT wanted.kind, wanted.key, found.value FROM unnest($1, $2) AS wanted (kind, key)
             CROSS JOIN LATERAL (
                SELECT value FROM feed_ledger l WHERE l.kind = wanted.kind AND l.key = wanted.key LIMIT 1) found",
        )
        .bind::<Array<Text>, _>(keys.iter().map(|(kind, _)| kind.code()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(keys.iter().map(|(_, key)| *key).collect::<Vec<_>>())
        .returns::<(Text, Text, Text)>()
        .load(self.connection()?)
        .await?;
        Ok(rows
            .into_iter()
            .filter_map(|(kind, key, value)| Some(((Kind::of_code(&kind)?, key), value)))
            .collect())
    }

    /// Remembers entries for later lots.
    pub(crate) async fn remember(&mut self, entries: &Entries) -> Result<()> {
        cached_sql(
            "INSERT INTO feed_ledger (kind, key, value) SELECT * FROM unnest($1, $2, $3)
             ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value",
        )
        .bind::<Array<Text>, _>(entries.keys().map(|(kind, _)| kind.code()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(entries.keys().map(|(_, key)| key.as_str()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(entries.values().map(String::as_str).collect::<Vec<_>>())
        .execute(self.connection()?)
        .await?;
        Ok(())
    }

    /// Lets PostgreSQL look at tables that have just been filled, so that nobody's statement is planned for empty ones. A
    /// table that is being looked at already is skipped, and a failure is no reason to call a finished import failed.
    pub(crate) async fn analyze(&mut self) -> Result<()> {
        let tables = "ANALYZE (SKIP_LOCKED) products, product_categories, product_external_ids, variants,
                      variant_barcodes, variant_external_ids, variant_values, prices, price_changes, price_lists,
                      categories";
        if let Err(error) = self.connection()?.batch_execute(tables).await {
            tracing::warn!(%error, "the tables of the catalog could not be analyzed");
        }
        Ok(())
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        // Not back into the pool: with the connection its table and its lock end.
        if let Some(connection) = self.connection.take() {
            connection.close();
        }
    }
}
