//! Compares two databases: both are read in the order of one key and merged, so memory does not grow with them.

use std::cmp::Ordering;
use std::pin::Pin;

use futures_util::TryStreamExt;
use tokio_postgres::{Row, RowStream};

use crate::books::Books;
use crate::check::Check;
use crate::finding::{Finding, Finds};
use crate::unreadable::Unreadable;

/// Two statements and what their rows owe each other. The first column is the key, the second the value, others are more ids;
/// all are text. Both are ordered by the key, byte by byte.
#[derive(Debug)]
pub(crate) struct Pair {
    /// What is believed: a key comes once.
    pub(crate) book: Side,
    /// What is compared with it: a key may come often.
    pub(crate) copy: Side,
    /// Whether the values of a key agree; `None` where one of them has no such key.
    pub(crate) agree: fn(book: Option<&str>, copy: Option<&str>) -> bool,
}

/// One of the two statements.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) database: &'static str,
    pub(crate) sql: &'static str,
}

/// Both have it, with one value.
pub(crate) fn same(book: Option<&str>, copy: Option<&str>) -> bool {
    book == copy
}

/// What is in the copy is in the book, with one value; the book may have more.
pub(crate) fn in_book(book: Option<&str>, copy: Option<&str>) -> bool {
    copy.is_none() || book == copy
}

/// Where both have it the values are the same.
pub(crate) fn same_where_both(book: Option<&str>, copy: Option<&str>) -> bool {
    book.is_none() || copy.is_none() || book == copy
}

/// Merges the two.
pub(crate) async fn look(
    books: &Books,
    check: &Check,
    pair: &Pair,
    finds: &mut Finds<'_>,
) -> Result<(), Unreadable> {
    let mut book = Reader::open(books, &pair.book).await?;
    let mut copy = Reader::open(books, &pair.copy).await?;
    let databases = [pair.book.database, pair.copy.database];
    let mut compare = |entry: Option<&Line>, one: Option<&Line>| {
        let value = |line: Option<&Line>| line.map(|line| line.value.clone());
        let (expected, found) = (value(entry), value(one));
        if let Some(line) = one.or(entry)
            && !(pair.agree)(expected.as_deref(), found.as_deref())
        {
            let shown = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
            finds.take(Finding::of(check, databases, line.ids.clone(), (shown(expected), shown(found))));
        }
    };

    let (mut entry, mut one, mut has_copy) = (book.next().await?, copy.next().await?, false);
    loop {
        let order = match (&entry, &one) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(entry), Some(one)) => entry.key.cmp(&one.key),
        };
        match order {
            Ordering::Less => {
                if !has_copy {
                    compare(entry.as_ref(), None);
                }
                (entry, has_copy) = (book.next().await?, false);
            }
            Ordering::Greater => {
                compare(None, one.as_ref());
                one = copy.next().await?;
            }
            Ordering::Equal => {
                compare(entry.as_ref(), one.as_ref());
                (one, has_copy) = (copy.next().await?, true);
            }
        }
    }
}

/// A row of one side.
struct Line {
    key: String,
    value: String,
    /// Names of the columns that are ids, and what is in them.
    ids: Vec<(String, String)>,
}

struct Reader {
    service: &'static str,
    rows: Pin<Box<RowStream>>,
}

impl Reader {
    async fn open(books: &Books, side: &Side) -> Result<Self, Unreadable> {
        let rows = Box::pin(books.stream(side.database, side.sql).await?);
        Ok(Self { service: side.database, rows })
    }

    async fn next(&mut self) -> Result<Option<Line>, Unreadable> {
        let broken = |error| Unreadable::database(self.service, &error);
        match self.rows.try_next().await.map_err(broken)? {
            None => Ok(None),
            Some(row) => line(&row).map(Some).map_err(broken),
        }
    }
}

fn line(row: &Row) -> Result<Line, tokio_postgres::Error> {
    let text = |at: usize| Ok(row.try_get::<_, Option<&str>>(at)?.unwrap_or("nothing").to_owned());
    let mut ids = Vec::with_capacity(row.len() - 1);
    for (at, column) in row.columns().iter().enumerate().filter(|(at, _)| *at != 1) {
        ids.push((column.name().to_owned(), text(at)?));
    }
    Ok(Line { key: text(0)?, value: text(1)?, ids })
}
