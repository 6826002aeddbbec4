//! One database and one role per service; a role sees its own database only.

use tokio_postgres::{Client, Config, NoTls};

use crate::Error;

/// What every server has already.
const TAKEN_NAMES: [&str; 3] = ["postgres", "template0", "template1"];

/// Roles that begin like this belong to PostgreSQL.
const TAKEN_PREFIX: &str = "pg_";

const NAME_BYTES_MAX: usize = 63;

/// Connects, and drives the connection until the client is dropped.
pub(crate) async fn connect(config: &Config) -> Result<Client, Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to PostgreSQL ended");
        }
    });
    Ok(client)
}

/// Refuses what is no plain identifier, so that a name can stand in SQL, in a URL and in a path as it is.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let starts_well = name.starts_with(|first: char| first.is_ascii_lowercase());
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let free = !TAKEN_NAMES.contains(&name) && !name.starts_with(TAKEN_PREFIX);
    if starts_well && free && name.len() <= NAME_BYTES_MAX && name.bytes().all(plain) {
        Ok(())
    } else {
        Err(Error::DatabaseName { name: name.to_owned() })
    }
}

/// Makes the role and the database `name`, both closed to everyone else. Safe to repeat.
pub(crate) async fn ensure(admin: &Client, name: &str, password: &str) -> Result<(), Error> {
    let exists = |query: &'static str| async move {
        let rows = admin.query(query, &[&name]).await?;
        Ok::<_, Error>(!rows.is_empty())
    };

    let verb = match exists("SELECT 1 FROM pg_roles WHERE rolname = $1").await? {
        true => "ALTER",
        false => "CREATE",
    };
    let rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE";
    admin.batch_execute(&format!(r#"{verb} ROLE "{name}" {rights} PASSWORD '{password}'"#)).await?;
    if !exists("SELECT 1 FROM pg_database WHERE datname = $1").await? {
        admin.batch_execute(&format!(r#"CREATE DATABASE "{name}" OWNER "{name}""#)).await?;
    }
    for database in [name, "postgres", "template1"] {
        admin.batch_execute(&format!(r#"REVOKE ALL ON DATABASE "{database}" FROM PUBLIC"#)).await?;
    }
    Ok(())
}

/// Makes the role `reader`, which reads every table of `database` and writes nothing, anywhere. Safe to repeat.
pub(crate) async fn ensure_reader(
    admin: &Client,
    reader: &str,
    password: &str,
    database: &str,
) -> Result<(), Error> {
    let exists = !admin.query("SELECT 1 FROM pg_roles WHERE rolname = $1", &[&reader]).await?.is_empty();
    let verb = if exists { "ALTER" } else { "CREATE" };
    let rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE";
    admin
        .batch_execute(&format!(
            r#"{verb} ROLE "{reader}" {rights} PASSWORD '{password}';
               ALTER ROLE "{reader}" SET default_transaction_read_only = on;
               GRANT pg_read_all_data TO "{reader}";
               GRANT CONNECT ON DATABASE "{database}" TO "{reader}""#
        ))
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn names_are_plain_identifiers() {
        for good in ["a", "inventory", "orders_2", &"x".repeat(63)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in
            ["", "1a", "_a", "Orders", "a-b", "a\"b", "../a", "é", "postgres", "pg_orders", &"x".repeat(64)]
        {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
