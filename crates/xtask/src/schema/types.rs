//! Which Diesel type stands for which PostgreSQL type.

use super::catalog::{Column, Presence, Shape};

/// The Diesel type of `column`, or `None` when Diesel has none for it.
pub fn diesel_type(column: &Column) -> Option<String> {
    let scalar = match column.sql_type.as_str() {
        "bool" => "Bool",
        "int2" => "Int2",
        "int4" => "Int4",
        "int8" => "Int8",
        "float4" => "Float4",
        "float8" => "Float8",
        "numeric" => "Numeric",
        "text" | "varchar" => "Text",
        "bytea" => "Bytea",
        "uuid" => "Uuid",
        "json" => "Json",
        "jsonb" => "Jsonb",
        "date" => "Date",
        "time" => "Time",
        "timestamp" => "Timestamp",
        "timestamptz" => "Timestamptz",
        "interval" => "Interval",
        _ => return None,
    };
    let value = match column.shape {
        Shape::Scalar => scalar.to_owned(),
        Shape::Array => format!("Array<{scalar}>"),
    };
    Some(match column.presence {
        Presence::Required => value,
        Presence::Nullable => format!("Nullable<{value}>"),
    })
}

/// Words that cannot name a column in Rust, by the language or by what `table!` itself generates.
const RESERVED: &str = "
    abstract all_columns as async await become box break columns const continue crate do dsl dyn else enum
    extern false final fn for gen if impl in let loop macro match mod move mut override priv pub ref return
    self star static struct super table trait true try type typeof unsafe unsized use virtual where while yield";

/// The name of `column` in Rust; it differs from the one in SQL when that is a reserved word.
pub fn rust_name(column: &str) -> String {
    let reserved = RESERVED.split_ascii_whitespace().any(|word| word == column);
    if reserved { format!("{column}_") } else { column.to_owned() }
}
