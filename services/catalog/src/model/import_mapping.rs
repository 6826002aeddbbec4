//! How the columns of a shop's spreadsheets are read.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1251};
use serde_json::{Value, json};
use types::ImportMappingId;
use uuid::Uuid;

use crate::error::Result;
use crate::model::Fact;
use crate::schema::import_mappings;

/// A saved way to read spreadsheets of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ImportMapping {
    pub(crate) id: ImportMappingId,
    pub(crate) details: ImportMappingDetails,
    pub(crate) version: i64,
    pub(crate) create_time: DateTime<Utc>,
}

/// What a caller may set.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ImportMappingDetails {
    pub(crate) name: String,
    pub(crate) delimiter: u8,
    pub(crate) encoding: FileEncoding,
    pub(crate) decimal_comma: bool,
    pub(crate) columns: Vec<ImportColumn>,
    pub(crate) constants: Vec<ImportConstant>,
    pub(crate) archived: bool,
}

/// The encodings of spreadsheets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileEncoding {
    Utf8,
    Windows1251,
}

/// What one column says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ImportColumn {
    pub(crate) header: String,
    pub(crate) field: ImportField,
    /// The name or code, when the field is a characteristic.
    pub(crate) characteristic: String,
}

/// What rows say that do not say otherwise.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ImportConstant {
    pub(crate) field: ImportField,
    pub(crate) characteristic: String,
    pub(crate) value: String,
}

/// What a column may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ImportField {
    Sku,
    Name,
    Description,
    Vendor,
    Group,
    Category,
    Barcode,
    PictureUrl,
    PageUrl,
    WeightKilograms,
    WeightGrams,
    Price,
    OldPrice,
    Currency,
    Characteristic,
}

impl FileEncoding {
    fn code(self) -> &'static str {
        match self {
            Self::Utf8 => "utf_8",
            Self::Windows1251 => "windows_1251",
        }
    }

    /// How its bytes become text.
    pub(crate) fn decoded_as(self) -> &'static Encoding {
        match self {
            Self::Utf8 => UTF_8,
            Self::Windows1251 => WINDOWS_1251,
        }
    }
}

impl ImportField {
    const ALL: [Self; 15] = [
        Self::Sku,
        Self::Name,
        Self::Description,
        Self::Vendor,
        Self::Group,
        Self::Category,
        Self::Barcode,
        Self::PictureUrl,
        Self::PageUrl,
        Self::WeightKilograms,
        Self::WeightGrams,
        Self::Price,
        Self::OldPrice,
        Self::Currency,
        Self::Characteristic,
    ];

    fn code(self) -> &'static str {
        match self {
            Self::Sku => "sku",
            Self::Name => "name",
            Self::Description => "description",
            Self::Vendor => "vendor",
            Self::Group => "group",
            Self::Category => "category",
            Self::Barcode => "barcode",
            Self::PictureUrl => "picture_url",
            Self::PageUrl => "page_url",
            Self::WeightKilograms => "weight_kilograms",
            Self::WeightGrams => "weight_grams",
            Self::Price => "price",
            Self::OldPrice => "old_price",
            Self::Currency => "currency",
            Self::Characteristic => "characteristic",
        }
    }

    fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.code() == code)
    }

    /// Whether a file may have several columns of it.
    pub(crate) fn repeats(self) -> bool {
        matches!(self, Self::Characteristic | Self::Category | Self::Barcode | Self::PictureUrl)
    }
}

impl ImportColumn {
    /// Whether it is the column with this header.
    pub(crate) fn is_headed(&self, header: &str) -> bool {
        header.trim().to_lowercase() == self.header.trim().to_lowercase()
    }
}

impl ImportMappingDetails {
    pub(crate) const FIELDS: [&str; 7] =
        ["name", "delimiter", "encoding", "decimal_comma", "columns", "constants", "archived"];

    pub(crate) fn facts(&self) -> Vec<Fact> {
        vec![
            ("name", json!(self.name)),
            ("delimiter", json!(char::from(self.delimiter).to_string())),
            ("encoding", json!(self.encoding.code())),
            ("decimal_comma", json!(self.decimal_comma)),
            ("columns", columns_as_json(&self.columns)),
            ("constants", constants_as_json(&self.constants)),
            ("archived", json!(self.archived)),
        ]
    }
}

impl ImportMapping {
    /// A new mapping.
    pub(crate) fn new(details: ImportMappingDetails, now: DateTime<Utc>) -> Self {
        Self { id: ImportMappingId::new(), details, version: 1, create_time: now }
    }

    pub(crate) async fn find(
        connection: &mut AsyncPgConnection,
        id: ImportMappingId,
    ) -> Result<Option<Self>> {
        let row = import_mappings::table.find(id.uuid()).select(Row::as_select());
        row.first(connection).await.optional()?.map(Self::try_from).transpose()
    }

    /// One mapping, locked until the transaction ends.
    pub(crate) async fn lock(
        connection: &mut AsyncPgConnection,
        id: ImportMappingId,
    ) -> Result<Option<Self>> {
        let row = import_mappings::table.find(id.uuid()).select(Row::as_select()).for_no_key_update();
        row.first(connection).await.optional()?.map(Self::try_from).transpose()
    }

    /// Mappings after `after`, oldest first.
    pub(crate) async fn list(
        connection: &mut AsyncPgConnection,
        include_archived: bool,
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<Self>> {
        let mut query = import_mappings::table
            .select(Row::as_select())
            .order(import_mappings::import_mapping_id)
            .into_boxed();
        if !include_archived {
            query = query.filter(import_mappings::archived.eq(false));
        }
        if let Some(after) = after {
            query = query.filter(import_mappings::import_mapping_id.gt(after));
        }
        query.limit(limit).load(connection).await?.into_iter().map(Self::try_from).collect()
    }

    pub(crate) async fn insert(&self, connection: &mut AsyncPgConnection) -> Result<()> {
        diesel::insert_into(import_mappings::table)
            .values(Row::of(self, self.create_time))
            .execute(connection)
            .await?;
        Ok(())
    }

    pub(crate) async fn save(&self, connection: &mut AsyncPgConnection, now: DateTime<Utc>) -> Result<()> {
        diesel::update(import_mappings::table.find(self.id.uuid()))
            .set(Row::of(self, now))
            .execute(connection)
            .await?;
        Ok(())
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = import_mappings, primary_key(import_mapping_id), check_for_backend(diesel::pg::Pg))]
struct Row {
    import_mapping_id: Uuid,
    name: String,
    delimiter: String,
    encoding: String,
    decimal_comma: bool,
    mapped_columns: Value,
    constants: Value,
    archived: bool,
    version: i64,
    create_time: DateTime<Utc>,
    update_time: DateTime<Utc>,
}

impl Row {
    fn of(mapping: &ImportMapping, update_time: DateTime<Utc>) -> Self {
        let details = &mapping.details;
        Self {
            import_mapping_id: mapping.id.uuid(),
            name: details.name.clone(),
            delimiter: char::from(details.delimiter).to_string(),
            encoding: details.encoding.code().to_owned(),
            decimal_comma: details.decimal_comma,
            mapped_columns: columns_as_json(&details.columns),
            constants: constants_as_json(&details.constants),
            archived: details.archived,
            version: mapping.version,
            create_time: mapping.create_time,
            update_time,
        }
    }
}

impl TryFrom<Row> for ImportMapping {
    type Error = crate::error::Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = ImportMappingId::from_uuid(row.import_mapping_id);
        let corrupt = || store::Error::Corrupt(format!("import mapping {id}"));
        let encodings = [FileEncoding::Utf8, FileEncoding::Windows1251];
        let encoding = encodings.into_iter().find(|encoding| encoding.code() == row.encoding);
        let entries = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let field =
            |entry: &Value| entry["field"].as_str().and_then(ImportField::of_code).ok_or_else(corrupt);
        let column = |entry: &Value| {
            let characteristic = text(entry, "characteristic");
            Ok::<_, store::Error>(ImportColumn {
                header: text(entry, "header"),
                field: field(entry)?,
                characteristic,
            })
        };
        let constant = |entry: &Value| {
            let characteristic = text(entry, "characteristic");
            Ok::<_, store::Error>(ImportConstant {
                field: field(entry)?,
                characteristic,
                value: text(entry, "value"),
            })
        };
        let details = ImportMappingDetails {
            name: row.name,
            delimiter: row.delimiter.bytes().next().ok_or_else(corrupt)?,
            encoding: encoding.ok_or_else(corrupt)?,
            decimal_comma: row.decimal_comma,
            columns: entries(&row.mapped_columns).iter().map(column).collect::<Result<_, _>>()?,
            constants: entries(&row.constants).iter().map(constant).collect::<Result<_, _>>()?,
            archived: row.archived,
        };
        Ok(Self { id, details, version: row.version, create_time: row.create_time })
    }
}

fn columns_as_json(columns: &[ImportColumn]) -> Value {
    let column = |one: &ImportColumn| json!({"header": one.header, "field": one.field.code(), "characteristic": one.characteristic});
    columns.iter().map(column).collect()
}

fn constants_as_json(constants: &[ImportConstant]) -> Value {
    let constant = |one: &ImportConstant| json!({"field": one.field.code(), "characteristic": one.characteristic, "value": one.value});
    constants.iter().map(constant).collect()
}
