//! Pieces of SQL inside a query of Diesel that PostgreSQL still parses once per connection.
//!
//! Diesel's own `sql` marks the whole query as one that must not be cached: each call would be parsed and planned anew.
//! The text of these pieces is constant, so the text of the query says all that a cache must know.

use std::marker::PhantomData;

use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, TypedExpressionType, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::HasSqlType;

/// An expression of the SQL type `ST`, written as SQL.
#[derive(Debug, Clone)]
#[must_use = "a fragment is part of a query"]
pub struct Fragment<ST, Parts = &'static str> {
    parts: Parts,
    sql_type: PhantomData<ST>,
}

/// An expression that begins with this text.
pub fn fragment<ST>(sql: &'static str) -> Fragment<ST> {
    Fragment { parts: sql, sql_type: PhantomData }
}

/// What stands there so far, then a value.
#[derive(Debug, Clone)]
pub struct Then<Parts, ST, Value> {
    parts: Parts,
    value: Value,
    sql_type: PhantomData<ST>,
}

/// What stands there so far, then more text.
#[derive(Debug, Clone)]
pub struct Joined<Parts> {
    parts: Parts,
    sql: &'static str,
}

impl<ST, Parts> Fragment<ST, Parts> {
    /// Then a value of the SQL type `Bind`.
    pub fn bind<Bind, Value>(self, value: Value) -> Fragment<ST, Then<Parts, Bind, Value>> {
        let parts = Then { parts: self.parts, value, sql_type: PhantomData };
        Fragment { parts, sql_type: PhantomData }
    }

    /// Then more text.
    pub fn sql(self, sql: &'static str) -> Fragment<ST, Joined<Parts>> {
        Fragment { parts: Joined { parts: self.parts, sql }, sql_type: PhantomData }
    }
}

/// What a fragment consists of.
pub trait Parts {
    /// Writes it.
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>;
}

impl Parts for &'static str {
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self);
        Ok(())
    }
}

impl<Before: Parts> Parts for Joined<Before> {
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.parts.push(out)?;
        out.push_sql(self.sql);
        Ok(())
    }
}

impl<Before, ST, Value> Parts for Then<Before, ST, Value>
where
    Before: Parts,
    Pg: HasSqlType<ST>,
    Value: ToSql<ST, Pg>,
{
    fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.parts.push(out)?;
        out.push_bind_param::<ST, Value>(&self.value)
    }
}

impl<ST, P: Parts> QueryFragment<Pg> for Fragment<ST, P> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.parts.push(&mut out)
    }
}

impl<ST, P> QueryId for Fragment<ST, P> {
    type QueryId = ();
    // The text itself is the key of the cache.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST: TypedExpressionType, P> Expression for Fragment<ST, P> {
    type SqlType = ST;
}

impl<ST, P, Source> AppearsOnTable<Source> for Fragment<ST, P> where Self: Expression {}

impl<ST, P, Source> SelectableExpression<Source> for Fragment<ST, P> where Self: Expression {}

impl<ST, P, GroupBy> ValidGrouping<GroupBy> for Fragment<ST, P> {
    type IsAggregate = is_aggregate::Never;
}
