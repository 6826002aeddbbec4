//! Something that changes while it is being read.

use std::time::Duration;

use tokio_postgres::Client;

use crate::refusal::eventually;

/// Does `change` in a transaction that keeps readers out of `table` until `read` waits for it.
pub async fn during<A: Send + 'static>(
    database: &Client,
    table: &str,
    change: &str,
    read: impl Future<Output = A> + Send + 'static,
) -> A {
    let begin = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; {change}");
    database.batch_execute(&begin).await.expect("the table is kept");
    let read = tokio::spawn(read);
    let waits = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
                 WHERE NOT granted AND datname = current_database()";
    eventually("the reader waits", async || {
        let waiting: i64 = database.query_one(waits, &[]).await.expect("a query").get(0);
        (waiting > 0).then_some(())
    })
    .await;
    database.batch_execute("COMMIT").await.expect("the change is written");
    tokio::time::timeout(Duration::from_secs(10), read).await.expect("the reader goes on").expect("an answer")
}
