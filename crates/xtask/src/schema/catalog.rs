//! Reads tables, columns and primary keys from PostgreSQL's own catalog.

use anyhow::Result;
use tokio_postgres::{Client, Row};

/// One table.
#[derive(Debug)]
pub struct Table {
    /// Its name in SQL.
    pub name: String,
    /// In the order of their creation.
    pub columns: Vec<Column>,
    /// The names of the columns of the primary key, in its order.
    pub primary_key: Vec<String>,
}

/// One column.
#[derive(Debug)]
pub struct Column {
    /// Its name in SQL.
    pub name: String,
    /// The name of its type in the catalog, of its elements' type for an array.
    pub sql_type: String,
    /// One value or many.
    pub shape: Shape,
    /// Whether it may be null.
    pub presence: Presence,
}

/// One value or many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One value.
    Scalar,
    /// An array of values.
    Array,
}

/// Whether a column may be null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Never null.
    Required,
    /// May be null.
    Nullable,
}

/// Partitions are left out: their parent stands for them.
const TABLES: &str = "
    SELECT t.oid, t.relname::text,
           coalesce((SELECT array_agg(c.attname::text ORDER BY k.position)
                       FROM pg_index i
                      CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, position)
                       JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = k.number
                      WHERE i.indrelid = t.oid AND i.indisprimary), '{}')
      FROM pg_class t
     WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition
     ORDER BY t.relname";

/// A domain counts as the type below it.
const COLUMNS: &str = "
    SELECT c.attname::text, coalesce(element.typname, plain.typname)::text, element.oid IS NOT NULL, c.attnotnull
      FROM pg_attribute c
      JOIN pg_type declared ON declared.oid = c.atttypid
      JOIN pg_type plain ON plain.oid = coalesce(nullif(declared.typbasetype, 0), declared.oid)
      LEFT JOIN pg_type element ON element.typarray = plain.oid
     WHERE c.attrelid = $1 AND c.attnum > 0 AND NOT c.attisdropped
     ORDER BY c.attnum";

/// Every table of the database, by name.
pub async fn tables(client: &Client) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for row in client.query(TABLES, &[]).await? {
        let oid: u32 = row.try_get(0)?;
        let columns = client.query(COLUMNS, &[&oid]).await?;
        let columns = columns.iter().map(column).collect::<Result<_>>()?;
        tables.push(Table { name: row.try_get(1)?, columns, primary_key: row.try_get(2)? });
    }
    Ok(tables)
}

fn column(row: &Row) -> Result<Column> {
    Ok(Column {
        name: row.try_get(0)?,
        sql_type: row.try_get(1)?,
        shape: if row.try_get(2)? { Shape::Array } else { Shape::Scalar },
        presence: if row.try_get(3)? { Presence::Required } else { Presence::Nullable },
    })
}
