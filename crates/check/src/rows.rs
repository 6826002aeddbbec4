//! Looks into one database: every row that a statement answers is wrong.

use std::pin::pin;

use futures_util::TryStreamExt;
use serde_json::{Map, Value};

use crate::books::Books;
use crate::check::Check;
use crate::finding::{Finding, Finds, shown};
use crate::unreadable::Unreadable;

/// Runs `sql` in the database of `service`.
pub(crate) async fn look(
    books: &Books,
    check: &Check,
    service: &str,
    sql: &str,
    finds: &mut Finds<'_>,
) -> Result<(), Unreadable> {
    let sql = format!("SELECT row_to_json(wrong)::text FROM ({sql}) AS wrong");
    let mut rows = pin!(books.stream(service, &sql).await?);
    let broken = |error| Unreadable::database(service, &error);
    while let Some(row) = rows.try_next().await.map_err(broken)? {
        let text: &str = row.try_get(0).map_err(broken)?;
        let mut columns: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
        let mut take = |name: &str| shown(&columns.remove(name).unwrap_or_default());
        let (expected, found) = (take("expected"), take("found"));
        let ids = columns.iter().map(|(kind, id)| (kind, shown(id)));
        finds.take(Finding::of(check, [service], ids, (expected, found)));
    }
    Ok(())
}
