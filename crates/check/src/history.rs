//! What clients were told, compared with the orders that are there.
//! The README of this crate describes the file.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::pin::pin;

use futures_util::TryStreamExt;
use serde::Deserialize;
use types::{Currency, Money};

use crate::books::Books;
use crate::check::{Check, Told};
use crate::finding::{Finding, Finds};
use crate::unreadable::Unreadable;

const ORDERS: &str = "orders";
const KEYS: &str = "SELECT key, resource_id FROM idempotency_keys
    WHERE method = 'orders.place_order' AND resource_id IS NOT NULL";
const EXTERNAL_IDS: &str =
    "SELECT external_id, 'ord_' || replace(order_id::text, '-', '') FROM order_external_ids";
const PLACED: &str = "SELECT 'ord_' || replace(order_id::text, '-', ''), state, currency, total FROM orders";

/// What clients were told about their orders, by idempotency key.
#[derive(Debug, Default)]
pub struct History {
    asked: BTreeMap<String, Asked>,
}

/// What is known of one order.
#[derive(Debug, Default)]
struct Asked {
    word: Word,
    external_id: Option<String>,
    order_ids: BTreeSet<String>,
    total: Option<String>,
}

/// What a client was told, the weakest first.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    /// Nothing was heard yet.
    #[default]
    Nothing,
    Fail,
    Info,
    Ok,
}

#[derive(Deserialize)]
struct Line {
    op: String,
    kind: String,
    #[serde(default)]
    key: String,
    external_id: Option<String>,
    order_id: Option<String>,
    total: Option<String>,
}

impl History {
    /// Reads a file of JSON lines.
    pub fn read(path: &Path) -> Result<Self, Unreadable> {
        let unreadable = |why: String| Unreadable::History(format!("{}: {why}", path.display()));
        let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
        let mut history = Self::default();
        for (at, line) in BufReader::new(file).lines().enumerate() {
            let line = line.map_err(|error| unreadable(error.to_string()))?;
            if !line.trim().is_empty() {
                history.note(&line).map_err(|why| unreadable(format!("line {}: {why}", at + 1)))?;
            }
        }
        Ok(history)
    }

    fn note(&mut self, line: &str) -> Result<(), String> {
        let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if line.kind != "place_order" {
            return Ok(());
        }
        if line.key.is_empty() {
            return Err("key: is needed".to_owned());
        }
        let word = match line.op.as_str() {
            "invoke" => Word::Nothing,
            "fail" => Word::Fail,
            "info" => Word::Info,
            "ok" if line.order_id.is_none() => return Err("order_id: what is ok has one".to_owned()),
            "ok" => Word::Ok,
            other => return Err(format!("op: {other} is none of invoke, ok, fail, info")),
        };
        let asked = self.asked.entry(line.key).or_default();
        asked.word = asked.word.max(word);
        asked.external_id = line.external_id.or(asked.external_id.take());
        // What a refusal names was rejected, or is somebody else's.
        asked.order_ids.extend(line.order_id.filter(|_| word == Word::Ok));
        asked.total = line.total.or(asked.total.take());
        Ok(())
    }

    /// Looks for every order of it.
    pub(crate) async fn compare(&self, books: &Books) -> Result<Compared<'_>, Unreadable> {
        let external_ids: HashSet<&str> =
            self.asked.values().filter_map(|asked| asked.external_id.as_deref()).collect();
        let by_key = named(books, KEYS, |key| self.asked.contains_key(key)).await?;
        let by_external_id = named(books, EXTERNAL_IDS, |id| external_ids.contains(id)).await?;
        let acknowledged = self.asked.values().flat_map(|asked| &asked.order_ids);
        let wanted: HashSet<&String> =
            acknowledged.chain(by_key.values().chain(by_external_id.values()).flatten()).collect();
        let there = there(books, &wanted).await?;
        Ok(Compared { history: self, by_key, by_external_id, there })
    }
}

/// The orders that a column leads to.
type Leads = HashMap<String, BTreeSet<String>>;

async fn named(books: &Books, sql: &str, of_interest: impl Fn(&str) -> bool) -> Result<Leads, Unreadable> {
    let broken = |error| Unreadable::database(ORDERS, &error);
    let mut rows = pin!(books.stream(ORDERS, sql).await?);
    let mut leads = Leads::new();
    while let Some(row) = rows.try_next().await.map_err(broken)? {
        let name: &str = row.try_get(0).map_err(broken)?;
        if of_interest(name) {
            leads.entry(name.to_owned()).or_default().insert(row.try_get(1).map_err(broken)?);
        }
    }
    Ok(leads)
}

/// The totals of the orders that are there and were not rejected.
async fn there(books: &Books, wanted: &HashSet<&String>) -> Result<HashMap<String, Vec<String>>, Unreadable> {
    let broken = |error| Unreadable::database(ORDERS, &error);
    let mut rows = pin!(books.stream(ORDERS, PLACED).await?);
    let mut there: HashMap<String, Vec<String>> = HashMap::new();
    while let Some(row) = rows.try_next().await.map_err(broken)? {
        let order_id: String = row.try_get(0).map_err(broken)?;
        let (state, currency): (&str, &str) =
            (row.try_get(1).map_err(broken)?, row.try_get(2).map_err(broken)?);
        if wanted.contains(&order_id) && state != "rejected" {
            let minor: i64 = row.try_get(3).map_err(broken)?;
            let total = match currency.parse::<Currency>() {
                Ok(currency) => Money::new(currency, minor).amount(),
                Err(_) => minor.to_string(),
            };
            there.entry(order_id).or_default().push(total);
        }
    }
    Ok(there)
}

/// A history beside the orders that are there.
pub(crate) struct Compared<'a> {
    history: &'a History,
    by_key: Leads,
    by_external_id: Leads,
    there: HashMap<String, Vec<String>>,
}

impl Compared<'_> {
    /// What is wrong in one respect.
    pub(crate) fn look(&self, check: &Check, asked_of: Told, finds: &mut Finds<'_>) {
        for (key, asked) in &self.history.asked {
            let values = match asked_of {
                Told::Lost => self.lost(asked),
                Told::Doubled => self.doubled(key, asked),
                Told::Altered => self.altered(asked),
                Told::Refused => self.refused(key, asked),
            };
            let Some(values) = values else { continue };
            let mut ids = vec![("key", key.clone())];
            ids.extend(asked.external_id.iter().map(|id| ("external_id", id.clone())));
            ids.extend(asked.order_ids.first().map(|id| ("order_id", id.clone())));
            finds.take(Finding::of(check, [ORDERS], ids, values));
        }
    }

    fn lost(&self, asked: &Asked) -> Option<(String, String)> {
        let lost: Vec<&str> =
            asked.order_ids.iter().filter(|id| !self.there.contains_key(*id)).map(String::as_str).collect();
        (!lost.is_empty()).then(|| ("the acknowledged order".to_owned(), format!("no {}", lost.join(", "))))
    }

    fn doubled(&self, key: &str, asked: &Asked) -> Option<(String, String)> {
        let live = self.live(key, asked);
        let rows: usize = live.iter().filter_map(|id| self.there.get(*id)).map(Vec::len).sum();
        let listed = live.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        (asked.word != Word::Fail && rows > 1)
            .then(|| ("at most 1 order".to_owned(), format!("{rows}: {listed}")))
    }

    fn altered(&self, asked: &Asked) -> Option<(String, String)> {
        let total = asked.total.as_deref().filter(|_| asked.word == Word::Ok)?;
        let totals = asked.order_ids.iter().filter_map(|id| self.there.get(id)).flatten();
        let other = totals.into_iter().find(|is| plain(is) != plain(total))?;
        Some((format!("total {total}"), format!("total {other}")))
    }

    fn refused(&self, key: &str, asked: &Asked) -> Option<(String, String)> {
        let live = self.live(key, asked);
        let first = live.first().filter(|_| asked.word == Word::Fail)?;
        Some(("no order: it was refused".to_owned(), (*first).clone()))
    }

    /// The orders of one key that are there.
    fn live<'a>(&'a self, key: &str, asked: &'a Asked) -> BTreeSet<&'a String> {
        let by_external_id = asked.external_id.as_ref().and_then(|id| self.by_external_id.get(id));
        let found = self.by_key.get(key).into_iter().chain(by_external_id).flatten();
        found.chain(&asked.order_ids).filter(|id| self.there.contains_key(*id)).collect()
    }
}

/// 500.00 is 500.
fn plain(amount: &str) -> &str {
    match amount.contains('.') {
        true => amount.trim_end_matches('0').trim_end_matches('.'),
        false => amount,
    }
}
