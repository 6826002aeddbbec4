//! A shop's YML file, read as a stream: chunks of bytes → text → XML events → rows. Whatever the file's size, a few chunks
//! and two lots of rows are in memory.

mod encoding;
mod offer;
mod reader;
mod refusal;
mod source;

use bytes::Bytes;
use tokio::sync::mpsc;

pub(crate) use offer::{GROUP_PREFIX, Offer};
pub(crate) use reader::{FeedCategory, Row, Rows};
pub(crate) use refusal::Refusal;
pub(crate) use source::Source;

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

/// Reads the file that arrives on `chunks` and hands its rows on in lots; blocks, so it needs a thread of its own. Ends
/// early when nobody takes the lots any more.
pub(crate) fn read(chunks: mpsc::Receiver<Bytes>, lots: &mpsc::Sender<Lot>) -> Result<(), Unreadable> {
    let mut rows = Rows::new(Source::new(chunks));
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

fn next_lot(rows: &mut Rows) -> (Lot, Option<Result<(), Unreadable>>) {
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
    fn read_to(mut self, rows: &Rows) -> Self {
        self.read_bytes = rows.read_bytes();
        self
    }
}
