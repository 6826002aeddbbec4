//! Looks into the databases past the services: what a bench claims is asked of the books.

use anyhow::Context;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

/// A connection to one database.
pub struct Books(Client);

impl Books {
    /// Connects.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let (client, connection) =
            tokio_postgres::connect(url, NoTls).await.context("look into a database")?;
        // Ends with the client; an error is told by the next statement.
        tokio::spawn(connection);
        Ok(Self(client))
    }

    /// The only number of an answer.
    pub async fn number(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> anyhow::Result<i64> {
        Ok(self.0.query_one(sql, values).await?.try_get(0)?)
    }

    /// The only text of an answer.
    pub async fn text(&self, sql: &str) -> anyhow::Result<String> {
        Ok(self.0.query_one(sql, &[]).await?.try_get(0)?)
    }

    /// The only numbers of an answer, in pairs.
    pub async fn pairs(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> anyhow::Result<Vec<(i64, i64)>> {
        let rows = self.0.query(sql, values).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }

    /// Statements that answer nothing.
    pub async fn run(&self, sql: &str) -> anyhow::Result<()> {
        Ok(self.0.batch_execute(sql).await?)
    }

    /// One statement with values that answers nothing.
    pub async fn execute(&self, sql: &str, values: &[&(dyn ToSql + Sync)]) -> anyhow::Result<u64> {
        Ok(self.0.execute(sql, values).await?)
    }

    /// How many transactions have written anything, on the whole server, since it was made.
    pub async fn writing_transactions(&self) -> anyhow::Result<i64> {
        self.number("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint", &[]).await
    }
}
