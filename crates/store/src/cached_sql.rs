//! SQL statements that PostgreSQL parses once per connection.
//!
//! Diesel never caches UPDATEs, multi-row inserts and `sql_query`; on the hot path that is a parse per call. A statement
//! given as a constant with `$1, $2 …` and arrays for `unnest` has one text for ever, so it can be cached.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::HasSqlType;
use std::marker::PhantomData;

/// A constant statement with its values; `Row` is the tuple of SQL types it returns.
#[must_use = "a statement does nothing until it is executed"]
pub struct CachedSql<Binds = (), Row = ()> {
    sql: &'static str,
    binds: Binds,
    row: PhantomData<Row>,
}

/// A constant statement; give its values with [`CachedSql::bind`] in the order of `$1, $2 …`.
pub fn cached_sql(sql: &'static str) -> CachedSql {
    CachedSql { sql, binds: (), row: PhantomData }
}

/// The values so far and one more.
pub struct Bound<Previous, ST, Value> {
    previous: Previous,
    value: Value,
    sql_type: PhantomData<ST>,
}

impl<Binds, Row> CachedSql<Binds, Row> {
    /// The next value, of SQL type `ST`.
    pub fn bind<ST, Value>(self, value: Value) -> CachedSql<Bound<Binds, ST, Value>, Row> {
        let binds = Bound { previous: self.binds, value, sql_type: PhantomData };
        CachedSql { sql: self.sql, binds, row: PhantomData }
    }

    /// The SQL types of the returned columns.
    pub fn returns<Columns>(self) -> CachedSql<Binds, Columns> {
        CachedSql { sql: self.sql, binds: self.binds, row: PhantomData }
    }
}

/// Values of a statement.
pub trait Values {
    /// Adds them to the statement in order.
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

impl Values for () {
    fn push<'b>(&'b self, _: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        Ok(())
    }
}

impl<Previous, ST, Value> Values for Bound<Previous, ST, Value>
where
    Previous: Values,
    Pg: HasSqlType<ST>,
    Value: ToSql<ST, Pg>,
{
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.previous.push(out)?;
        out.push_bind_param_value_only(&self.value)
    }
}

impl<Binds: Values, Row> QueryFragment<Pg> for CachedSql<Binds, Row> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.sql);
        self.binds.push(&mut out)
    }
}

impl<Binds, Row> QueryId for CachedSql<Binds, Row> {
    type QueryId = ();
    // The text itself is the key of the cache.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Binds, Row> Query for CachedSql<Binds, Row> {
    type SqlType = Row;
}

impl<Binds, Row, Conn> diesel::RunQueryDsl<Conn> for CachedSql<Binds, Row> {}
