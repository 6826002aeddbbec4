//! The databases of a suite that is gone, copied for each inconsistency that is planted.

use std::collections::BTreeMap;
use std::path::Path;

use tokio_postgres::{Client, NoTls};

use crate::plants::Plant;

/// Gives up every constraint of a table that could refuse nonsense.
const FREE: &str = "DO $$
    DECLARE named text;
    BEGIN
        FOR named IN SELECT conname FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype IN ('c', 'p', 'u') LOOP
            EXECUTE format('ALTER TABLE {table} DROP CONSTRAINT %I CASCADE', named);
        END LOOP;
        FOR named IN SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = '{table}'::regclass AND indisunique LOOP
            EXECUTE 'DROP INDEX ' || named;
        END LOOP;
    END $$";

/// The databases of a suite that is gone. What is copied must be in use by nobody, so they are read in copies only.
pub struct Copies {
    /// Where the suite's own are, by service.
    pub originals: BTreeMap<String, String>,
    /// Where they can be read.
    readable: BTreeMap<String, String>,
    admin_url: String,
}

impl Copies {
    /// Of the suite that `configuration` belongs to.
    pub async fn of(configuration: &Path) -> Self {
        let (originals, admin_url) = (urls(configuration), testing::admin_url().await);
        let admin = connect(&admin_url).await;
        let mut readable = BTreeMap::new();
        for (service, url) in &originals {
            readable.insert(service.clone(), copy(&admin, url, "read").await);
        }
        Self { originals, readable, admin_url }
    }

    /// The databases, with a fresh copy of `service`'s that may be spoilt. One at a time per service.
    pub async fn with_fresh(&self, service: &str) -> BTreeMap<String, String> {
        let admin = connect(&self.admin_url).await;
        let fresh = copy(&admin, &self.originals[service], "spoilt").await;
        let mut urls = self.readable.clone();
        urls.insert(service.to_owned(), fresh);
        urls
    }

    /// Drops them all.
    pub async fn drop_all(&self) {
        let admin = connect(&self.admin_url).await;
        for url in self.originals.values() {
            let original = database_of(url);
            for name in [original.to_owned(), format!("{original}_read"), format!("{original}_spoilt")] {
                admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.unwrap();
            }
        }
    }
}

/// Where a configuration says that the databases are, by service.
pub fn urls(configuration: &Path) -> BTreeMap<String, String> {
    let table: toml::Table = toml::from_str(&std::fs::read_to_string(configuration).unwrap()).unwrap();
    let url = |(name, service): (&String, &toml::Value)| {
        (name.clone(), service["database_url"].as_str().unwrap().to_owned())
    };
    table["services"].as_table().unwrap().iter().map(url).collect()
}

async fn copy(admin: &Client, url: &str, suffix: &str) -> String {
    let original = database_of(url);
    let name = format!("{original}_{suffix}");
    admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.unwrap();
    let create = format!("CREATE DATABASE {name} TEMPLATE {original}");
    // A connection that was just closed lingers for a moment.
    testing::eventually("the database is copied", async || admin.batch_execute(&create).await.ok()).await;
    url.replace(original, &name)
}

/// Plants it; answers the ids that it is about.
pub async fn sow(url: &str, plant: &Plant) -> Vec<String> {
    let client = connect(url).await;
    client.batch_execute("SET session_replication_role = replica").await.unwrap();
    for table in plant.freed {
        client.batch_execute(&FREE.replace("{table}", table)).await.unwrap();
    }
    let rows = client.query(plant.sql, &[]).await;
    let rows = rows.unwrap_or_else(|error| panic!("{}: {:?}", plant.check, error.as_db_error()));
    rows.iter().map(|row| row.get(0)).collect()
}

/// A connection past the suite.
pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

fn database_of(url: &str) -> &str {
    url.rsplit_once('/').unwrap().1
}
