//! Generates the Diesel schema of every service from its migrations, applied to a real PostgreSQL.

mod catalog;
mod render;
mod types;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use embedded_postgres::{Durability, Postgres, Settings};
use tokio_postgres::{Client, NoTls};

use crate::{
    generated::{self, Mode},
    prerequisites, workspace,
};

const PLATFORM: &str = "platform";

/// The crate whose tables every service's database has; its schema is generated if it keeps one.
const PLATFORM_SCHEMA: &str = "crates/store/src/schema.rs";

/// Writes or checks every generated schema.
pub fn run(mode: Mode) -> Result<()> {
    prerequisites::ensure_postgres()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let schemas = runtime.block_on(generate(&workspace::root()))?;

    let failures: Vec<_> = schemas
        .iter()
        .filter_map(|(path, text)| generated::settle(path, text, mode, "schema").err())
        .collect();
    if let [first, others @ ..] = failures.as_slice() {
        others.iter().for_each(|failure| eprintln!("error: {failure:#}"));
        bail!("{first:#}");
    }
    Ok(())
}

/// The generated text of every schema file.
async fn generate(root: &Path) -> Result<Vec<(PathBuf, String)>> {
    let scratch = std::env::temp_dir().join(format!("korob-schema-{}", std::process::id()));
    let settings = Settings { durability: Durability::TestsOnly, ..Settings::at(&scratch) };
    let postgres = Postgres::start(settings).await?;
    let schemas = generate_on(&postgres, root).await;
    postgres.stop().await?;
    fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))?;
    schemas
}

async fn generate_on(postgres: &Postgres, root: &Path) -> Result<Vec<(PathBuf, String)>> {
    let migrations = root.join("migrations");
    let mut schemas = Vec::new();

    let platform = Database::create(postgres, PLATFORM, &migrations.join(PLATFORM)).await?;
    let platform_tables = platform.tables().await?;
    if root.join(PLATFORM_SCHEMA).exists() {
        schemas.push((root.join(PLATFORM_SCHEMA), render::schema(&platform_tables)?));
    }

    for service in services_with_migrations(root)? {
        let database = Database::create(postgres, &service, &migrations.join(PLATFORM)).await?;
        database.migrate(&migrations.join(&service)).await?;
        let mut tables = database.tables().await?;
        tables.retain(|table| platform_tables.iter().all(|platform| platform.name != table.name));
        schemas.push((root.join("services").join(&service).join("src/schema.rs"), render::schema(&tables)?));
    }
    Ok(schemas)
}

/// A database with the platform's tables, as every service's database starts.
struct Database(Client);

impl Database {
    async fn create(postgres: &Postgres, name: &str, platform: &Path) -> Result<Self> {
        let url = postgres.ensure_database(name).await?;
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::spawn(connection);
        let database = Self(client);
        database.migrate(platform).await?;
        Ok(database)
    }

    async fn migrate(&self, folder: &Path) -> Result<()> {
        for migration in migrations(folder)? {
            let sql = fs::read_to_string(&migration)?;
            let applied = self.0.batch_execute(&sql).await;
            applied.map_err(|error| explain(&migration, &error))?;
        }
        Ok(())
    }

    async fn tables(&self) -> Result<Vec<catalog::Table>> {
        catalog::tables(&self.0).await
    }
}

/// Every `up.sql` below `folder`, oldest first: the names of their directories begin with the time.
fn migrations(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<_> =
        subdirectories(folder)?.iter().map(|name| folder.join(name).join("up.sql")).collect();
    files.retain(|file| file.exists());
    Ok(files)
}

fn services_with_migrations(root: &Path) -> Result<Vec<String>> {
    let mut services = subdirectories(&root.join("services"))?;
    services.retain(|service| root.join("migrations").join(service).is_dir());
    Ok(services)
}

fn subdirectories(folder: &Path) -> Result<Vec<String>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", workspace::short(folder)))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn explain(migration: &Path, error: &tokio_postgres::Error) -> anyhow::Error {
    let reason = error.as_db_error().map_or_else(|| error.to_string(), |refusal| refusal.to_string());
    anyhow::anyhow!("{}: {reason}", workspace::short(migration))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().expect("a parent")).expect("creates");
        fs::write(path, text).expect("writes");
    }

    #[tokio::test]
    async fn a_service_gets_its_own_tables_in_the_order_of_its_migrations() {
        let root = std::env::temp_dir().join(format!("korob-schema-test-{}", std::process::id()));
        let migration = |name: &str| root.join("migrations").join(name).join("up.sql");
        write(&migration("platform/001_create_events"), "CREATE TABLE events (position bigint PRIMARY KEY)");
        write(
            &migration("shelf/001_create_books"),
            "CREATE DOMAIN isbn AS text;
             CREATE TABLE books (shelf uuid, type isbn, prices bigint[] NOT NULL, added timestamptz NOT NULL,
                                 cover bytea, extra jsonb, PRIMARY KEY (type, shelf)) PARTITION BY HASH (shelf);
             CREATE TABLE books_0 PARTITION OF books FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
        );
        write(&migration("shelf/002_drop_cover"), "ALTER TABLE books DROP COLUMN cover");
        fs::create_dir_all(root.join("services/shelf")).expect("creates");
        fs::create_dir_all(root.join("services/without_tables")).expect("creates");

        let schemas = generate(&root).await.expect("generates");
        fs::remove_dir_all(&root).expect("removes");

        let [(path, text)] = schemas.as_slice() else { panic!("one schema, not {schemas:?}") };
        assert_eq!(*path, root.join("services/shelf/src/schema.rs"));
        let (_, table) = text.split_once("\n\n").expect("a header");
        assert_eq!(
            table,
            r#"diesel::table! {
    books (type_, shelf) {
        shelf -> Uuid,
        #[sql_name = "type"]
        type_ -> Text,
        prices -> Array<Int8>,
        added -> Timestamptz,
        extra -> Nullable<Jsonb>,
    }
}
"#
        );
    }
}
