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
    let schemas = runtime.block_on(generate())?;

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
async fn generate() -> Result<Vec<(PathBuf, String)>> {
    let scratch = std::env::temp_dir().join(format!("korob-schema-{}", std::process::id()));
    let settings = Settings { durability: Durability::TestsOnly, ..Settings::at(&scratch) };
    let postgres = Postgres::start(settings).await?;
    let schemas = generate_on(&postgres).await;
    postgres.stop().await?;
    fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))?;
    schemas
}

async fn generate_on(postgres: &Postgres) -> Result<Vec<(PathBuf, String)>> {
    let root = workspace::root();
    let mut schemas = Vec::new();

    let platform = Database::create(postgres, PLATFORM).await?;
    let platform_tables = platform.tables().await?;
    if root.join(PLATFORM_SCHEMA).exists() {
        schemas.push((root.join(PLATFORM_SCHEMA), render::schema(&platform_tables)?));
    }

    for service in services_with_migrations(&root)? {
        let database = Database::create(postgres, &service).await?;
        database.migrate(&service).await?;
        let mut tables = database.tables().await?;
        tables.retain(|table| platform_tables.iter().all(|platform| platform.name != table.name));
        schemas.push((root.join("services").join(&service).join("src/schema.rs"), render::schema(&tables)?));
    }
    Ok(schemas)
}

/// A database with the platform's tables, as every service's database starts.
struct Database(Client);

impl Database {
    async fn create(postgres: &Postgres, name: &str) -> Result<Self> {
        let url = postgres.ensure_database(name).await?;
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
        tokio::spawn(connection);
        let database = Self(client);
        database.migrate(PLATFORM).await?;
        Ok(database)
    }

    async fn migrate(&self, folder: &str) -> Result<()> {
        for migration in migrations(&workspace::root().join("migrations").join(folder))? {
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
