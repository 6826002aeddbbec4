//! Finds orders by what people type: a number, an external id, the end of a phone, words of a name.

use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::{Result, cached_sql, fragment};
use uuid::Uuid;

use crate::model::buyer::{phone_key, words};
use crate::schema::orders;

/// Fewer digits are no part of a phone worth looking for.
const PHONE_DIGITS_MIN: usize = 4;
/// Orders that a text may lead to before they are looked for among the newest.
const FOUND_MAX: i64 = 1000;

/// A text that somebody looks for, as the ways to find it.
pub struct TextSearch {
    exact: String,
    upper_case: String,
    phone_prefix: Option<String>,
    name_query: Option<String>,
}

/// What a text leads to.
pub enum Found {
    /// These orders.
    Few(Vec<Uuid>),
    /// So many orders that a page of them is soon found by looking at the newest.
    Many(TextSearch),
}

impl TextSearch {
    /// Reads the text.
    pub fn new(text: &str) -> Self {
        let is_name = text.chars().any(char::is_alphabetic);
        let key = phone_key(text);
        // Words are letters and digits only, so they need no escaping; each may be the beginning of one in the name.
        let name = words(text).iter().map(|word| format!("'{word}':*")).collect::<Vec<_>>().join(" & ");
        Self {
            exact: text.to_owned(),
            upper_case: text.to_uppercase(),
            phone_prefix: (!is_name && key.len() >= PHONE_DIGITS_MIN).then(|| format!("{key}%")),
            name_query: is_name.then_some(name),
        }
    }

    /// Orders whose number or external id is the text, whose phone ends with its digits, or whose name has all its words.
    pub async fn find(self, conn: &mut AsyncPgConnection) -> Result<Found> {
        let rows: Vec<(Uuid,)> = cached_sql(
            "SELECT order_id FROM orders WHERE number IN ($1, $2)
             UNION ALL SELECT order_id FROM order_external_ids WHERE external_id = $1
             UNION ALL SELECT order_id FROM order_buyers WHERE phone_key <> '' AND phone_key LIKE $3
             UNION ALL SELECT order_id FROM order_buyers WHERE lexemes(name_words) @@ $4::text::tsquery
             LIMIT $5",
        )
        .bind::<Text, _>(&self.exact)
        .bind::<Text, _>(&self.upper_case)
        .bind::<Nullable<Text>, _>(&self.phone_prefix)
        .bind::<Nullable<Text>, _>(&self.name_query)
        .bind::<BigInt, _>(FOUND_MAX + 1)
        .returns::<(SqlUuid,)>()
        .load(conn)
        .await?;
        if rows.len() as i64 > FOUND_MAX {
            return Ok(Found::Many(self));
        }
        Ok(Found::Few(rows.into_iter().map(|row| row.0).collect()))
    }

    /// The same as a condition on each order.
    pub fn matches(self) -> Box<dyn diesel::BoxableExpression<orders::table, Pg, SqlType = Bool>> {
        Box::new(
            fragment::<Bool>("(orders.number IN (")
                .bind::<Text, _>(self.exact.clone())
                .sql(", ")
                .bind::<Text, _>(self.upper_case)
                .sql(") OR EXISTS (SELECT FROM order_external_ids e WHERE e.order_id = orders.order_id AND e.external_id = ")
                .bind::<Text, _>(self.exact)
                .sql(") OR EXISTS (SELECT FROM order_buyers b WHERE b.order_id = orders.order_id AND (b.phone_key LIKE ")
                .bind::<Nullable<Text>, _>(self.phone_prefix)
                .sql(" OR lexemes(b.name_words) @@ ")
                .bind::<Nullable<Text>, _>(self.name_query)
                .sql("::text::tsquery)))"),
        )
    }
}
