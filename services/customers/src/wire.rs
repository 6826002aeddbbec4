//! Cards as the contract writes them.

use ::rpc::wire::{money, time};
use proto::customers::v1 as pb;

use crate::model::Card;

pub(crate) fn customer(card: Card) -> pb::Customer {
    pb::Customer {
        customer_id: card.id.into(),
        name: card.name,
        phones: card.phones,
        emails: card.emails,
        order_count: i32::try_from(card.purchases.count).unwrap_or(i32::MAX),
        order_totals: card.purchases.sums.into_iter().map(money).collect(),
        last_order_time: card.purchases.last_time.map(time),
        note: card.note,
        etag: card.version.to_string(),
        create_time: Some(time(card.create_time)),
    }
}
