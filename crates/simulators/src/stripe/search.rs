//! Finds intents: the list at once, the search only after a while, as the vendor warns.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::book::Intent;
use super::{Turn, invalid, limit, page_of};
use crate::answer::Answer;

/// How long a new intent is not found by search.
const INDEXED_AFTER: TimeDelta = TimeDelta::seconds(60);

/// Newest first, by pages.
pub(super) fn list(turn: &mut Turn<'_>) -> Answer {
    let limit = limit(turn.asked);
    let after = turn.asked.query("starting_after");
    let since = turn.asked.query("created[gte]").and_then(|text| text.parse::<i64>().ok());
    let mut past = after.is_none();
    let newer = |intent: &&Intent| {
        let skip = !past;
        past |= after.is_some_and(|after| intent.id == after);
        skip
    };
    let found = turn.book.intents.labelled(&turn.account).rev().skip_while(newer);
    let found = found.filter(|intent| since.is_none_or(|since| intent.created.timestamp() >= since));
    let mut items: Vec<Value> = found.take(limit + 1).map(Intent::to_json).collect();
    let has_more = items.len() > limit;
    items.truncate(limit);
    page_of(items, has_more, "/v1/payment_intents")
}

/// `metadata['name']:'value'`, the only query that is understood here.
pub(super) fn search(turn: &mut Turn<'_>) -> Answer {
    let query = turn.asked.query("query").unwrap_or_default();
    let Some((name, value)) = read(query) else {
        return invalid("", "The simulator understands metadata['name']:'value'.", "query");
    };
    let indexed = turn.world.now() - INDEXED_AFTER;
    let fits = |intent: &&Intent| {
        intent.created <= indexed && intent.metadata.iter().any(|pair| pair.0 == name && pair.1 == value)
    };
    let found = turn.book.intents.labelled(&turn.account).rev().filter(fits).take(limit(turn.asked));
    let items: Vec<Value> = found.map(Intent::to_json).collect();
    let body = json!({
        "object": "search_result", "url": "/v1/payment_intents/search", "has_more": false, "data": items,
        "next_page": null,
    });
    Answer::json(200, &body)
}

fn read(query: &str) -> Option<(&str, &str)> {
    let quotes = ['\'', '"'];
    let (name, value) = query.strip_prefix("metadata[")?.split_once("]:")?;
    Some((name.trim_matches(quotes), value.trim().trim_matches(quotes)))
}
