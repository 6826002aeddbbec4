//! Reads the audit log of one resource.

use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use proto::r#type::v1 as pb;
use serde_json::Value;

use crate::cached_sql::cached_sql;
use crate::error::Result;
use crate::page::Page;
use crate::pool::Store;

type Row = (i64, chrono::DateTime<chrono::Utc>, String, String, Value, String);

impl Store {
    /// The history of a resource, newest first, and the token of the next page.
    pub async fn history(
        &self,
        resource_id: &str,
        page: &Page<i64>,
    ) -> Result<(Vec<pb::HistoryEntry>, String)> {
        let mut connection = self.connection().await?;
        let rows: Vec<Row> = cached_sql(
            "SELECT sequence, change_time, actor, action, changes::jsonb, trace_id FROM audit_log
             WHERE resource_id = $1 AND ($2 IS NULL OR sequence < $2) ORDER BY sequence DESC LIMIT $3",
        )
        .bind::<Text, _>(resource_id)
        .bind::<Nullable<BigInt>, _>(page.after)
        .bind::<BigInt, _>(page.limit())
        .returns::<(BigInt, Timestamptz, Text, Text, Jsonb, Text)>()
        .load(&mut *connection)
        .await?;
        let (rows, next_page_token) = page.cut(self, rows, |row| row.0);
        Ok((rows.into_iter().map(entry).collect(), next_page_token))
    }
}

fn entry((sequence, time, actor, action, changes, trace_id): Row) -> pb::HistoryEntry {
    let changes = changes.as_array().map(Vec::as_slice).unwrap_or_default();
    pb::HistoryEntry {
        sequence,
        change_time: Some(rpc::wire::time(time)),
        actor,
        action,
        changes: changes.iter().map(change).collect(),
        trace_id,
    }
}

fn change(change: &Value) -> pb::FieldChange {
    pb::FieldChange {
        field: change["field"].as_str().unwrap_or_default().to_owned(),
        old_value: change["old"].to_string(),
        new_value: change["new"].to_string(),
    }
}
