//! What is in the database after calls: history and events, written exactly once.

use crate::office::Office;

impl Office {
    /// The actions in the history of a resource, oldest first.
    pub async fn history_of(&self, resource_id: &str) -> Vec<String> {
        let client = self.world.database("access").client().await;
        let sql = "SELECT action FROM audit_log WHERE resource_id = $1 ORDER BY sequence";
        client.query(sql, &[&resource_id]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// The types of the events of an aggregate, in the order of their versions.
    pub async fn events_of(&self, aggregate_id: &str) -> Vec<String> {
        let client = self.world.database("access").client().await;
        let sql = "SELECT type FROM event_log WHERE aggregate_id = $1 ORDER BY version";
        client.query(sql, &[&aggregate_id]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// Everything stored, wherever it is; bytes are in hexadecimal.
    pub async fn everything(&self) -> String {
        let client = self.world.database("access").client().await;
        let tables = client
            .query(
                "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'",
                &[],
            )
            .await
            .unwrap();
        let mut text = String::new();
        for table in tables {
            let table: String = table.get(0);
            let sql = format!("SELECT t::text FROM {table} t");
            for row in client.query(&sql, &[]).await.unwrap() {
                text.push_str(row.get(0));
            }
        }
        text
    }
}
