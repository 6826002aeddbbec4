//! The page on which the buyer enters the card or confirms at the bank: two buttons, which a test can press, too.

use std::sync::Arc;

use super::charge::Status;
use super::charges;
use crate::answer::Answer;
use crate::asked::Asked;
use crate::html::{self, Choice};
use crate::world::World;
use crate::{lock, money};

pub(super) fn show(world: &Arc<World>, asked: &Asked) -> Answer {
    let book = lock(&world.card);
    let Some(charge) = book.charges.get(asked.segment(1)) else { return html::gone() };
    if charge.status != Status::RequiresAction {
        return html::gone();
    }
    let sum = format!("{} {}", money::format(charge.amount_minor, &charge.currency), charge.currency);
    let choices = [
        Choice { field: "result", value: "approved", text: "Confirm" },
        Choice { field: "result", value: "declined", text: "Decline" },
    ];
    html::decision("Confirm your payment", &format!("{sum}. {}", charge.description), &choices)
}

/// Ends the page and sends the browser back to the shop.
pub(super) fn end(world: &Arc<World>, asked: &Asked) -> Answer {
    let form = asked.form();
    let result = form.iter().find(|(name, _)| name == "result").map(|(_, value)| value.as_str());
    let mut book = lock(&world.card);
    let Some(charge) = book.charges.get_mut(asked.segment(1)) else { return html::gone() };
    if charge.status == Status::RequiresAction {
        match result {
            Some("approved") => charges::pay(world, charge),
            Some("declined") => charges::fail(world, charge, "authentication_failed"),
            _ => return html::notice(400, "The form says neither approved nor declined."),
        }
    }
    match &charge.return_url {
        Some(url) => Answer::redirect(&html::with_query(url, "reference", &charge.reference)),
        None => html::notice(200, "Thank you. You may close this page."),
    }
}
