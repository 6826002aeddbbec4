//! A database per test, cloned from a template that was migrated once.

use std::fs;
use std::path::{Path, PathBuf};

use service::Service;
use sha2::{Digest, Sha256};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// A database that is dropped with this value.
pub struct TestDatabase {
    name: String,
    admin_url: String,
    url: String,
}

impl TestDatabase {
    /// A fresh database of the service `S`.
    pub async fn of<S: Service>() -> Self {
        let admin_url = crate::admin_url().await;
        let admin = connect(&admin_url).await;
        let template = template::<S>(&admin, &admin_url).await;
        let name = format!("t_{}_{}", S::NAME, Uuid::new_v4().simple());
        admin
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .await
            .expect("clone the template");
        let url = url_of(&admin_url, &name);
        Self { name, admin_url, url }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A connection past the service, to look and to break things.
    pub async fn client(&self) -> Client {
        connect(&self.url).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (admin_url, name) = (self.admin_url.clone(), self.name.clone());
        // A runtime of its own: this one may be shutting down.
        let dropped = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let admin = connect(&admin_url).await;
                // Left behind at worst: the server belongs to tests only.
                let _ = admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
            });
        });
        let _ = dropped.join();
    }
}

/// The migrated template of `S`; made by whoever comes first, named by the text of its migrations.
async fn template<S: Service>(admin: &Client, admin_url: &str) -> String {
    let name = format!("tpl_{}_{}", S::NAME, digest_of_migrations(S::NAME));
    admin.batch_execute("SELECT pg_advisory_lock(7100)").await.expect("lock");
    let exists = admin
        .query_opt("SELECT FROM pg_database WHERE datname = $1", &[&name])
        .await
        .expect("look")
        .is_some();
    if !exists {
        let unfinished = format!("{name}_new");
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {unfinished}")).await.expect("drop");
        admin.batch_execute(&format!("CREATE DATABASE {unfinished}")).await.expect("create");
        store::migrate(&url_of(admin_url, &unfinished), S::migrations()).await.expect("migrate");
        // The migrating connection closes a moment after it is dropped, and a database in use cannot be renamed.
        for _ in 0..200 {
            if admin.batch_execute(&format!("ALTER DATABASE {unfinished} RENAME TO {name}")).await.is_ok() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
    admin.batch_execute("SELECT pg_advisory_unlock(7100)").await.expect("unlock");
    name
}

fn digest_of_migrations(service: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let mut hash = Sha256::new();
    for part in ["platform", service] {
        for file in files_below(&root.join(part)) {
            hash.update(fs::read(file).unwrap_or_default());
        }
    }
    hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] })
        .collect();
    files.sort();
    files
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connect to PostgreSQL");
    tokio::spawn(connection);
    client
}

fn url_of(admin_url: &str, database: &str) -> String {
    let (server, _) = admin_url.rsplit_once('/').expect("a URL with a database");
    format!("{server}/{database}")
}
