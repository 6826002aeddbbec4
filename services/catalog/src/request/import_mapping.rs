//! Reads a way to read spreadsheets.

use std::collections::HashSet;

use ::rpc::{Fields, Invalid};
use proto::catalog::v1 as pb;

use super::NAME_LENGTH_MAX;
use crate::model::{FileEncoding, ImportColumn, ImportConstant, ImportField, ImportMappingDetails};

const COLUMNS_MAX: usize = 100;
const HEADER_LENGTH_MAX: usize = 200;
const VALUE_LENGTH_MAX: usize = 2000;

/// Everything a caller may set on a mapping.
pub(crate) fn import_mapping(mapping: &pb::ImportMapping) -> Result<ImportMappingDetails, Invalid> {
    let mut fields = Fields::new();
    let name = fields.required_text("import_mapping.name", &mapping.name, NAME_LENGTH_MAX);
    let delimiter = delimiter(&mut fields, &mapping.delimiter);
    let encoding = encoding(&mut fields, mapping.encoding);
    fields.list_length("import_mapping.columns", mapping.columns.len(), COLUMNS_MAX);
    if mapping.constants.len() > COLUMNS_MAX {
        fields.refuse("import_mapping.constants", "TOO_MANY", format!("at most {COLUMNS_MAX} entries"));
    }
    let columns = columns(&mut fields, &mapping.columns);
    let constants = constants(&mut fields, &mapping.constants);
    let found_by_sku = columns.iter().any(|column| column.field == ImportField::Sku);
    let problem = "a column with the SKU is needed: rows are found again by it";
    fields.check(found_by_sku, "import_mapping.columns", "SKU_MISSING", problem);
    fields.finish()?;
    Ok(ImportMappingDetails {
        name,
        delimiter,
        encoding,
        decimal_comma: mapping.decimal_comma,
        columns,
        constants,
        archived: mapping.archived,
    })
}

fn delimiter(fields: &mut Fields, delimiter: &str) -> u8 {
    match delimiter {
        "" => b',',
        "," | ";" | "|" | "\t" => delimiter.as_bytes()[0],
        _ => {
            fields.refuse(
                "import_mapping.delimiter",
                "UNKNOWN_VALUE",
                "a comma, a semicolon, a bar or a tab",
            );
            b','
        }
    }
}

fn encoding(fields: &mut Fields, encoding: i32) -> FileEncoding {
    match pb::FileEncoding::try_from(encoding) {
        Ok(pb::FileEncoding::Unspecified | pb::FileEncoding::Utf8) => FileEncoding::Utf8,
        Ok(pb::FileEncoding::Windows1251) => FileEncoding::Windows1251,
        Err(_) => {
            fields.refuse("import_mapping.encoding", "UNKNOWN_VALUE", "UTF-8 or windows-1251");
            FileEncoding::Utf8
        }
    }
}

fn columns(fields: &mut Fields, columns: &[pb::ImportColumn]) -> Vec<ImportColumn> {
    let (mut headers, mut said, mut read) = (HashSet::new(), HashSet::new(), Vec::new());
    for (at, column) in columns.iter().take(COLUMNS_MAX).enumerate() {
        let at = |name: &str| format!("import_mapping.columns[{at}].{name}");
        let header = fields.required_text(&at("header"), column.header.trim(), HEADER_LENGTH_MAX);
        let known = !headers.insert(header.to_lowercase());
        fields.check(!known || header.is_empty(), &at("header"), "DUPLICATE", "the column is mapped already");
        let field = field(fields, &at("field"), column.field);
        let characteristic = characteristic(fields, &at("characteristic"), field, &column.characteristic);
        if let Some(field) = field {
            let new = said.insert((field, characteristic.clone()));
            let may_repeat = field.repeats() && field != ImportField::Characteristic;
            let twice = !new && !may_repeat;
            fields.check(!twice, &at("field"), "DUPLICATE", "another column says it");
            read.push(ImportColumn { header, field, characteristic });
        }
    }
    read
}

fn constants(fields: &mut Fields, constants: &[pb::ImportConstant]) -> Vec<ImportConstant> {
    let mut read = Vec::new();
    for (at, constant) in constants.iter().take(COLUMNS_MAX).enumerate() {
        let at = |name: &str| format!("import_mapping.constants[{at}].{name}");
        let field = field(fields, &at("field"), constant.field);
        let characteristic = characteristic(fields, &at("characteristic"), field, &constant.characteristic);
        let value = fields.required_text(&at("value"), constant.value.trim(), VALUE_LENGTH_MAX);
        let own = field != Some(ImportField::Sku);
        fields.check(own, &at("field"), "OUT_OF_RANGE", "every row has a SKU of its own");
        read.extend(field.map(|field| ImportConstant { field, characteristic, value }));
    }
    read
}

fn field(fields: &mut Fields, name: &str, field: i32) -> Option<ImportField> {
    let field = match pb::ImportField::try_from(field) {
        Ok(pb::ImportField::Sku) => ImportField::Sku,
        Ok(pb::ImportField::Name) => ImportField::Name,
        Ok(pb::ImportField::Description) => ImportField::Description,
        Ok(pb::ImportField::Vendor) => ImportField::Vendor,
        Ok(pb::ImportField::Group) => ImportField::Group,
        Ok(pb::ImportField::Category) => ImportField::Category,
        Ok(pb::ImportField::Barcode) => ImportField::Barcode,
        Ok(pb::ImportField::PictureUrl) => ImportField::PictureUrl,
        Ok(pb::ImportField::PageUrl) => ImportField::PageUrl,
        Ok(pb::ImportField::WeightKilograms) => ImportField::WeightKilograms,
        Ok(pb::ImportField::WeightGrams) => ImportField::WeightGrams,
        Ok(pb::ImportField::Price) => ImportField::Price,
        Ok(pb::ImportField::OldPrice) => ImportField::OldPrice,
        Ok(pb::ImportField::Currency) => ImportField::Currency,
        Ok(pb::ImportField::Characteristic) => ImportField::Characteristic,
        Ok(pb::ImportField::Unspecified) | Err(_) => {
            fields.refuse(name, "UNKNOWN_VALUE", "name one of the fields");
            return None;
        }
    };
    Some(field)
}

fn characteristic(fields: &mut Fields, name: &str, field: Option<ImportField>, text: &str) -> String {
    if field == Some(ImportField::Characteristic) {
        return fields.required_text(name, text.trim(), HEADER_LENGTH_MAX);
    }
    fields.check(text.is_empty(), name, "NOT_A_CHARACTERISTIC", "only a characteristic has a name");
    String::new()
}
