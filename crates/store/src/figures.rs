//! Figures for operators that are read from the database now and then rather than counted while work is done.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Double, Text, Timestamptz};
use diesel_async::RunQueryDsl;

use crate::cached_sql::cached_sql;
use crate::error::Result;
use crate::pool::Store;

/// One statement and the metrics it gives. It must be cheap however large the tables are: along an index that holds only
/// what is waited for, or with a limit.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// The metrics, in the order of the numbers. What ends in `_total` only grows.
    pub names: &'static [&'static str],
    /// The label that tells the rows from each other; none for a statement of one row.
    pub label: Option<&'static str>,
    /// Values of the label that are there with zeros when the statement does not name them.
    pub values: &'static [&'static str],
    /// Answers the value of the label and a `float8[]` of as many numbers as there are names. `$1` is the time.
    pub sql: &'static str,
}

/// How a database is, as every PostgreSQL tells it to whoever may connect.
pub const DATABASE: [Figure; 3] = [
    Figure {
        names: &[
            "korob_database_size_bytes",
            "korob_database_transactions_total",
            "korob_database_rollbacks_total",
            "korob_database_blocks_read_total",
            "korob_database_blocks_hit_total",
            "korob_database_temporary_bytes_total",
            "korob_database_deadlocks_total",
        ],
        label: None,
        values: &[],
        sql: "SELECT '', ARRAY[pg_database_size(datid), xact_commit, xact_rollback, blks_read, blks_hit, temp_bytes, deadlocks]::float8[]
              FROM pg_stat_database WHERE datname = current_database()",
    },
    Figure {
        names: &[
            "korob_database_oldest_transaction_seconds",
            "korob_database_transaction_ids_used",
            "korob_server_connections",
            "korob_server_connections_max",
        ],
        label: None,
        values: &[],
        sql: "SELECT '', ARRAY[
                  (SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0) FROM pg_stat_activity
                   WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()),
                  (SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()),
                  (SELECT sum(numbackends) FROM pg_stat_database),
                  current_setting('max_connections')::int
              ]::float8[]",
    },
    Figure {
        names: &["korob_wal_archive_failures_total", "korob_wal_archived_total"],
        label: None,
        values: &[],
        sql: "SELECT '', ARRAY[failed_count, archived_count]::float8[] FROM pg_stat_archiver",
    },
];

impl Store {
    /// The rows of a figure: the value of its label, and its numbers.
    pub async fn read_figure(&self, figure: &Figure) -> Result<Vec<(String, Vec<f64>)>> {
        let now: DateTime<Utc> = self.clock().now();
        let mut connection = self.connection().await?;
        let rows = cached_sql(figure.sql)
            .bind::<Timestamptz, _>(now)
            .returns::<(Text, Array<Double>)>()
            .load(&mut *connection)
            .await?;
        Ok(rows)
    }
}
