//! Moves orders along their way.

use std::sync::Arc;

use super::book::{Order, Status};
use super::webhook;
use crate::ledger::{Deed, Effect};
use crate::lock;
use crate::parcels::{Move, Moved, Stuck};
use crate::system::System;
use crate::world::World;

/// Statuses of one order; one that moved more often moves no further.
const STATUSES_MAX: usize = 200;

/// Every status, and the number under which webhooks tell it.
pub(super) const CODES: [(&str, &str); 20] = [
    ("ACCEPTED", "0"),
    ("INVALID", "0"),
    ("CREATED", "1"),
    ("REMOVED", "2"),
    ("RECEIVED_AT_SENDER_WAREHOUSE", "3"),
    ("READY_FOR_SHIPMENT_IN_SENDER_CITY", "6"),
    ("RETURNED_TO_SENDER_CITY_WAREHOUSE", "16"),
    ("TAKEN_BY_TRANSPORTER_FROM_SENDER_CITY", "7"),
    ("SENT_TO_TRANSIT_CITY", "21"),
    ("ACCEPTED_IN_TRANSIT_CITY", "22"),
    ("ACCEPTED_AT_TRANSIT_WAREHOUSE", "13"),
    ("SENT_TO_RECIPIENT_CITY", "8"),
    ("ACCEPTED_IN_RECIPIENT_CITY", "9"),
    ("ACCEPTED_AT_RECIPIENT_CITY_WAREHOUSE", "10"),
    ("ACCEPTED_AT_PICK_UP_POINT", "12"),
    ("TAKEN_BY_COURIER", "11"),
    ("RETURNED_TO_RECIPIENT_CITY_WAREHOUSE", "18"),
    ("DELIVERED", "4"),
    ("NOT_DELIVERED", "5"),
    ("UNANNOUNCED", "99"),
];

/// Moves an order by hand, by its number or uuid.
pub(crate) fn advance(world: &Arc<World>, number: &str, step: &Move) -> Result<Moved, Stuck> {
    let mut book = lock(&world.cdek);
    let order = book.orders.get_mut(number).ok_or_else(|| Stuck::Unknown { number: number.to_owned() })?;
    let ended = || Stuck::Ended { number: number.to_owned(), code: order.code().to_owned() };
    let code = match &step.to {
        Some(code) => known(code)?,
        None => next(order).ok_or_else(ended)?,
    };
    if order.cdek_number.is_none() || order.removed || order.statuses.len() >= STATUSES_MAX {
        return Err(ended());
    }
    happen(world, order, code, &step.reason);
    Ok(Moved { system: System::Cdek, number: number.to_owned(), code: code.to_owned() })
}

/// Notes a status without telling it.
pub(super) fn note(world: &World, order: &mut Order, code: &'static str, reason: &str) {
    let (time, city) = (world.now(), order.city.clone());
    order.statuses.push(Status { code, city, reason: reason.to_owned(), time });
}

pub(super) fn happen(world: &Arc<World>, order: &mut Order, code: &'static str, reason: &str) {
    note(world, order, code, reason);
    if code == "DELIVERED" && order.cash > 0 && !order.cash_collected {
        order.cash_collected = true;
        world.write_down(Deed {
            system: System::Cdek,
            effect: Effect::CashCollected,
            object: order.cdek_number.as_deref().unwrap_or_default(),
            reference: &order.number,
            key: "",
            amount_minor: order.cash,
            currency: "RUB",
        });
    }
    webhook::tell_status(world, order, code);
}

/// The next status of an order that everything goes well with.
fn next(order: &Order) -> Option<&'static str> {
    match order.code() {
        "CREATED" => Some("RECEIVED_AT_SENDER_WAREHOUSE"),
        "RECEIVED_AT_SENDER_WAREHOUSE" => Some("READY_FOR_SHIPMENT_IN_SENDER_CITY"),
        "READY_FOR_SHIPMENT_IN_SENDER_CITY" => Some("TAKEN_BY_TRANSPORTER_FROM_SENDER_CITY"),
        "TAKEN_BY_TRANSPORTER_FROM_SENDER_CITY" => Some("SENT_TO_RECIPIENT_CITY"),
        "SENT_TO_RECIPIENT_CITY" => Some("ACCEPTED_IN_RECIPIENT_CITY"),
        "ACCEPTED_IN_RECIPIENT_CITY" => Some("ACCEPTED_AT_RECIPIENT_CITY_WAREHOUSE"),
        "ACCEPTED_AT_RECIPIENT_CITY_WAREHOUSE" | "RETURNED_TO_RECIPIENT_CITY_WAREHOUSE" if order.to_point => {
            Some("ACCEPTED_AT_PICK_UP_POINT")
        }
        "ACCEPTED_AT_RECIPIENT_CITY_WAREHOUSE" | "RETURNED_TO_RECIPIENT_CITY_WAREHOUSE" => {
            Some("TAKEN_BY_COURIER")
        }
        "ACCEPTED_AT_PICK_UP_POINT" | "TAKEN_BY_COURIER" => Some("DELIVERED"),
        _ => None,
    }
}

fn known(code: &str) -> Result<&'static str, Stuck> {
    let found = CODES
        .iter()
        .find(|(known, _)| *known == code && !["ACCEPTED", "INVALID", "CREATED", "REMOVED"].contains(known));
    found.map(|(code, _)| *code).ok_or_else(|| Stuck::NoSuchCode { code: code.to_owned() })
}
