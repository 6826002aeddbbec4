//! A shop's file, YML or CSV, read as a stream: chunks of bytes → text → elements or records → rows. Whatever the file's
//! size, a few chunks and two lots of rows are in memory. `writer` writes YML.

mod encoding;
mod offer;
mod reader;
mod refusal;
mod source;
mod table;
pub(crate) mod writer;

use bytes::Bytes;
use tokio::sync::mpsc;
use types::Currency;

pub(crate) use offer::{GROUP_PREFIX, Offer};
use reader::Rows;
pub(crate) use reader::{FeedCategory, Row};
pub(crate) use refusal::Refusal;
use source::Source;
use table::Table;

use crate::model::ImportMapping;

/// Rows that are taken in together.
pub(crate) const LOT_ROWS_MAX: usize = 500;
/// Text of the rows that are taken in together, in bytes.
const LOT_BYTES_MAX: usize = 4 << 20;

/// Rows that are taken in together.
#[derive(Debug, Default)]
pub(crate) struct Lot {
    pub(crate) rows: Vec<Row>,
    /// How much of the file was read so far.
    pub(crate) read_bytes: u64,
}

/// Why a file cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) line: u64,
    pub(crate) problem: String,
}

/// What a file is, and how it is read.
#[derive(Debug, Clone)]
pub(crate) enum Format {
    Yml,
    Csv {
        mapping: ImportMapping,
        /// Of prices that name none.
        currency: Option<Currency>,
    },
}

/// The rows of a file.
enum FileRows {
    Yml(Box<Rows>),
    Csv(Box<Table>),
}

impl FileRows {
    fn new(format: Format, chunks: mpsc::Receiver<Bytes>) -> Self {
        match format {
            Format::Yml => Self::Yml(Box::new(Rows::new(Source::new(chunks)))),
            Format::Csv { mapping, currency } => Self::Csv(Box::new(Table::new(chunks, mapping, currency))),
        }
    }

    fn next(&mut self) -> Result<Option<Row>, Unreadable> {
        match self {
            Self::Yml(rows) => rows.next(),
            Self::Csv(table) => table.next(),
        }
    }

    fn read_bytes(&self) -> u64 {
        match self {
            Self::Yml(rows) => rows.read_bytes(),
            Self::Csv(table) => table.read_bytes(),
        }
    }
}

/// Reads the file that arrives on `chunks` and hands its rows on in lots; blocks, so it needs a thread of its own. Ends
/// early when nobody takes the lots any more.
pub(crate) fn read(
    format: Format,
    chunks: mpsc::Receiver<Bytes>,
    lots: &mpsc::Sender<Lot>,
) -> Result<(), Unreadable> {
    let mut rows = FileRows::new(format, chunks);
    loop {
        let (lot, end) = next_lot(&mut rows);
        if !lot.rows.is_empty() && lots.blocking_send(lot).is_err() {
            return Ok(());
        }
        if let Some(end) = end {
            return end;
        }
    }
}

fn next_lot(rows: &mut FileRows) -> (Lot, Option<Result<(), Unreadable>>) {
    let (mut lot, mut bytes) = (Lot::default(), 0);
    while lot.rows.len() < LOT_ROWS_MAX && bytes < LOT_BYTES_MAX {
        match rows.next() {
            Ok(Some(row)) => {
                bytes += row.bytes();
                lot.rows.push(row);
            }
            Ok(None) => return (lot.read_to(rows), Some(Ok(()))),
            Err(unreadable) => return (lot.read_to(rows), Some(Err(unreadable))),
        }
    }
    (lot.read_to(rows), None)
}

impl Lot {
    fn read_to(mut self, rows: &FileRows) -> Self {
        self.read_bytes = rows.read_bytes();
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "\u{FEFF}<?xml version='1.0' encoding='utf-8'?>\r\n<!DOCTYPE yml_catalog SYSTEM \"shops.dtd\">\r\n\
        <yml_catalog><shop><currencies><currency id=\"RUR\" rate=\"1\"/></currencies>\r\n\
        <categories><category id='1'>Посуда &amp; всё</category></categories><offers>\r\n\
        <offer id=\"1\"\r\n group_id='2'><price>10.5</price><name><![CDATA[Кружка]]> &#171;7&#187;</name></offer>\r\n\
        <offer id=\"2\"/><!-- пусто --></offers></shop></yml_catalog>";

    fn rows(file: &[u8], chunk_bytes: usize) -> (Vec<String>, Result<(), Unreadable>) {
        let (chunks, arriving) = mpsc::channel(file.len() + 1);
        for chunk in file.chunks(chunk_bytes) {
            chunks.try_send(Bytes::copy_from_slice(chunk)).expect("there is room");
        }
        drop(chunks);
        let mut rows = Rows::new(Source::new(arriving));
        let mut read = Vec::new();
        loop {
            match rows.next() {
                Ok(Some(row)) => read.push(format!("{row:?}")),
                Ok(None) => return (read, Ok(())),
                Err(unreadable) => return (read, Err(unreadable)),
            }
        }
    }

    proptest! {
        #[test]
        fn chunks_may_end_anywhere(chunk_bytes in 1_usize..800) {
            let whole = rows(FILE.as_bytes(), usize::MAX);
            prop_assert_eq!(whole.0.len(), 3);
            prop_assert_eq!(rows(FILE.as_bytes(), chunk_bytes), whole);
        }

        #[test]
        fn whatever_arrives_is_read_or_refused(
            damage in proptest::collection::vec((0_usize..FILE.len(), any::<u8>()), 0..8),
            length in 0_usize..FILE.len(),
            chunk_bytes in 1_usize..64,
        ) {
            let mut file = FILE.as_bytes().to_vec();
            for (at, byte) in damage {
                file[at] = byte;
            }
            file.truncate(length);
            // Cut off before its end it is never taken for complete.
            prop_assert!(rows(&file, chunk_bytes).1.is_err());
        }
    }
}
