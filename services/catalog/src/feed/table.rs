//! The rows of a spreadsheet: each is one offer, read as its mapping says. What the file has no column for, or leaves empty,
//! it does not say.

use bytes::Bytes;
use csv::{ByteRecord, Reader, ReaderBuilder};
use tokio::sync::mpsc;
use types::Currency;

use super::offer::{Demand, Field, RawOffer};
use super::reader::Row;
use super::{Source, Unreadable};
use crate::model::{ImportField, ImportMapping};

/// Columns of a file.
const COLUMNS_MAX: usize = 1000;
/// The text of one row, in bytes.
const ROW_BYTES_MAX: usize = 256 << 10;

/// Reads a file row by row.
pub(super) struct Table {
    csv: Reader<Source>,
    mapping: ImportMapping,
    /// What each column of the file says; known when its first row is read.
    columns: Option<Vec<Option<Said>>>,
    currency: Option<Currency>,
    record: ByteRecord,
}

/// What a column says, and what it is called.
#[derive(Debug, Clone)]
struct Said {
    header: String,
    field: ImportField,
    characteristic: String,
}

impl Table {
    pub(super) fn new(
        chunks: mpsc::Receiver<Bytes>,
        mapping: ImportMapping,
        currency: Option<Currency>,
    ) -> Self {
        let source = Source::in_encoding(chunks, mapping.details.encoding.decoded_as());
        let csv = ReaderBuilder::new()
            .delimiter(mapping.details.delimiter)
            .has_headers(false)
            .flexible(true)
            // Cells are trimmed, so a carriage return before the end of a line is lost, and lines are counted right.
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(source);
        Self { csv, mapping, columns: None, currency, record: ByteRecord::new() }
    }

    pub(super) fn read_bytes(&self) -> u64 {
        self.csv.get_ref().read_bytes()
    }

    /// The next row; nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Row>, Unreadable> {
        let columns = match self.columns.take() {
            Some(columns) => columns,
            None => self.read_headers()?,
        };
        let row = self.read_row(&columns);
        self.columns = Some(columns);
        row
    }

    fn read_row(&mut self, columns: &[Option<Said>]) -> Result<Option<Row>, Unreadable> {
        while self.read_record()? {
            if self.record.iter().all(|cell| cell.iter().all(u8::is_ascii_whitespace)) {
                continue;
            }
            return Ok(Some(self.offer(columns)));
        }
        Ok(None)
    }

    /// Whether there was another record.
    fn read_record(&mut self) -> Result<bool, Unreadable> {
        self.csv.get_mut().begin_element();
        self.csv.read_byte_record(&mut self.record).map_err(|error| {
            let line = error.position().map_or(self.csv.position().line(), csv::Position::line);
            Unreadable { line, problem: error.to_string() }
        })
    }

    fn read_headers(&mut self) -> Result<Vec<Option<Said>>, Unreadable> {
        let unreadable = |problem: String| Unreadable { line: 1, problem };
        if !self.read_record()? {
            return Err(unreadable("there is no row of headers".to_owned()));
        }
        if self.record.len() > COLUMNS_MAX {
            return Err(unreadable(format!("a file has at most {COLUMNS_MAX} columns")));
        }
        let headers: Vec<String> = self.record.iter().map(text).collect();
        let mut columns = vec![None; headers.len()];
        for column in &self.mapping.details.columns {
            let mut matching = headers.iter().enumerate().filter(|(_, header)| column.is_headed(header));
            let (at, header) = match (matching.next(), matching.next()) {
                (Some(one), None) => one,
                (Some(_), Some(_)) => {
                    return Err(unreadable(format!("two columns are called {}", column.header)));
                }
                (None, _) if column.field == ImportField::Sku => {
                    return Err(unreadable(format!("there is no column {}", column.header)));
                }
                (None, _) => continue,
            };
            columns[at] = Some(Said {
                header: header.clone(),
                field: column.field,
                characteristic: column.characteristic.clone(),
            });
        }
        Ok(columns)
    }

    fn offer(&self, columns: &[Option<Said>]) -> Row {
        let line = self.record.position().map_or(0, csv::Position::line);
        let mut offer = RawOffer::begin(line);
        let mut said = Vec::new();
        for (cell, column) in self.record.iter().zip(columns) {
            let Some(column) = column else { continue };
            let cell = text(cell);
            if !cell.is_empty() {
                self.say(&mut offer, column.field, &column.characteristic, &cell);
                said.push((column.field, column.characteristic.as_str()));
            }
        }
        for constant in &self.mapping.details.constants {
            if !said.contains(&(constant.field, constant.characteristic.as_str())) {
                self.say(&mut offer, constant.field, &constant.characteristic, &constant.value);
            }
        }
        match offer.parse(self.currency, Demand::Part) {
            Ok(offer) => Row::Offer(Box::new(offer)),
            Err(mut refusal) => {
                let column = columns.iter().flatten().find(|column| element(column.field) == refusal.field);
                if let Some(column) = column {
                    refusal.field.clone_from(&column.header);
                }
                Row::RefusedOffer(refusal)
            }
        }
    }

    fn say(&self, offer: &mut RawOffer, field: ImportField, characteristic: &str, value: &str) {
        match field {
            ImportField::Sku => value.clone_into(&mut offer.id),
            ImportField::Group => value.clone_into(&mut offer.group),
            _ => {
                let text = match field {
                    ImportField::Price | ImportField::OldPrice | ImportField::WeightKilograms => {
                        self.decimal(value)
                    }
                    ImportField::WeightGrams => kilograms(value),
                    _ => value.to_owned(),
                };
                offer.add_field(Field {
                    name: element(field).to_owned(),
                    parameter: characteristic.to_owned(),
                    unit: String::new(),
                    text: String::new(),
                });
                offer.add_text(&text, ROW_BYTES_MAX);
            }
        }
    }

    /// A number as the file writes it, with a point.
    fn decimal(&self, text: &str) -> String {
        let digits: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        match (self.mapping.details.decimal_comma, digits.contains('.')) {
            (true, false) => digits.replace(',', "."),
            // A comma between thousands is not guessed at: the row is refused.
            (true, true) => digits,
            (false, _) => digits.replace(',', " "),
        }
    }
}

/// What a field is called in a feed.
fn element(field: ImportField) -> &'static str {
    match field {
        ImportField::Sku => "id",
        ImportField::Name => "name",
        ImportField::Description => "description",
        ImportField::Vendor => "vendor",
        ImportField::Group => "group_id",
        ImportField::Category => "categoryId",
        ImportField::Barcode => "barcode",
        ImportField::PictureUrl => "picture",
        ImportField::PageUrl => "url",
        ImportField::WeightKilograms | ImportField::WeightGrams => "weight",
        ImportField::Price => "price",
        ImportField::OldPrice => "oldprice",
        ImportField::Currency => "currencyId",
        ImportField::Characteristic => "param",
    }
}

/// Grams as kilograms; what is no whole number stays, and is refused.
fn kilograms(grams: &str) -> String {
    let digits: String = grams.chars().filter(|letter| !letter.is_whitespace()).collect();
    match digits.parse::<u32>() {
        Ok(grams) => format!("{}.{:03}", grams / 1000, grams % 1000),
        Err(_) => format!("{digits} g"),
    }
}

/// A cell: its bytes are UTF-8 already.
fn text(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).trim().to_owned()
}
