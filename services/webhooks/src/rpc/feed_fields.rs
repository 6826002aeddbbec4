//! Reads what a reader of the feed wants: from where, of what, and of whom.

use ::rpc::{Actor, Call, Fields, Shops};
use types::{KeyId, ShopId};

use crate::Webhooks;
use crate::error::{Error, Result};
use crate::feed::cursor::Cursor;
use crate::feed::page::Wanted;
use crate::kinds::{self, EventKind};
use crate::model::Audience;

const TYPES_MAX: usize = 100;
const CURSOR_LENGTH_MAX: usize = 1_000;
const LATEST: &str = "latest";

/// What both requests say.
pub(super) struct Said<'a> {
    pub(super) after: &'a str,
    pub(super) types: &'a [String],
    pub(super) shop_id: &'a str,
    pub(super) except_own: bool,
}

/// From where a reader goes on.
pub(super) enum From {
    Nowhere,
    Latest,
    Cursor(Cursor),
}

/// Reads it into `fields`, which may have more to say.
pub(super) fn read(
    webhooks: &Webhooks,
    call: &Call,
    mut fields: Fields,
    said: &Said<'_>,
    limit: usize,
) -> Result<(Wanted, From)> {
    let from = match said.after {
        "" => From::Nowhere,
        LATEST => From::Latest,
        text => {
            let known =
                if text.len() > CURSOR_LENGTH_MAX { None } else { Cursor::open(&webhooks.store, text) };
            let problem = "a cursor as it was answered, \"latest\", or nothing";
            fields.check(known.is_some(), "after", "MALFORMED", problem);
            From::Cursor(known.unwrap_or_default())
        }
    };
    let shop: Option<ShopId> = fields.parse_optional("shop_id", said.shop_id);
    let named = types(&mut fields, said.types);
    fields.finish()?;

    let kinds = kinds_for(call, named)?;
    let own = match &call.caller.actor {
        Actor::Key(key) if said.except_own => Some(*key),
        _ => None,
    };
    let audience = audience(call, shop, own)?;
    Ok((Wanted { kinds, audience, limit }, from))
}

/// The cursor behind everything.
pub(super) async fn latest(webhooks: &Webhooks) -> Result<Cursor> {
    let names: Vec<&'static str> = webhooks.streams.all().iter().map(|stream| stream.name).collect();
    let mut cursor = Cursor::default();
    for (stream, (_, place)) in webhooks.ends_of(&names).await?.into_iter().enumerate() {
        cursor.set(stream, place);
    }
    Ok(cursor)
}

fn types(fields: &mut Fields, names: &[String]) -> Vec<&'static EventKind> {
    if names.len() > TYPES_MAX {
        fields.list_length("types", names.len(), TYPES_MAX);
        return Vec::new();
    }
    let mut found: Vec<&'static EventKind> = Vec::with_capacity(names.len());
    for (at, name) in names.iter().enumerate() {
        match kinds::named(name) {
            Some(kind) if found.iter().any(|known| known.name == kind.name) => {}
            Some(kind) => found.push(kind),
            None => {
                let problem = "no kind of change; GET /v1/event-types lists them";
                fields.refuse(format!("types[{at}]"), "UNKNOWN_VALUE", problem);
            }
        }
    }
    found
}

/// The kinds that were named, all of which the caller must be allowed to read; or all that it is.
fn kinds_for(call: &Call, named: Vec<&'static EventKind>) -> Result<Vec<&'static EventKind>> {
    if named.is_empty() {
        let held: Vec<_> = kinds::all().iter().filter(|kind| call.caller.may(kind.scope())).collect();
        return if held.is_empty() { Err(Error::ScopeNotHeld { scope: "orders.read" }) } else { Ok(held) };
    }
    match named.iter().map(|kind| kind.scope()).find(|scope| !call.caller.may(scope)) {
        Some(scope) => Err(Error::ScopeNotHeld { scope }),
        None => Ok(named),
    }
}

fn audience(call: &Call, shop: Option<ShopId>, own: Option<KeyId>) -> Result<Audience> {
    let except_keys: Vec<KeyId> = own.into_iter().collect();
    Ok(match (shop, &call.caller.shops) {
        (Some(shop), shops) if !shops.allow(shop) => return Err(Error::ShopNotFound(shop)),
        (Some(shop), _) => Audience { all_shops: false, shops: vec![shop], except_keys },
        (None, Shops::All) => Audience { all_shops: true, shops: Vec::new(), except_keys },
        (None, Shops::Only(shops)) => Audience { all_shops: false, shops: shops.clone(), except_keys },
    })
}
