//! The page of the bank: two buttons, which a test can press, too.

use std::sync::Arc;

use super::book::Status;
use super::moves;
use crate::answer::Answer;
use crate::asked::Asked;
use crate::html::{self, Choice};
use crate::world::World;
use crate::{lock, money};

pub(super) fn show(world: &Arc<World>, asked: &Asked) -> Answer {
    let book = lock(&world.stripe);
    let waiting = book.intents.get(asked.segment(1)).filter(|intent| intent.status == Status::RequiresAction);
    let Some(intent) = waiting else { return html::gone() };
    let currency = intent.currency.to_ascii_uppercase();
    let sum = format!("{} {currency}", money::format(intent.amount, &currency));
    let choices = [
        Choice { field: "result", value: "approved", text: "Complete authentication" },
        Choice { field: "result", value: "declined", text: "Fail authentication" },
    ];
    html::decision("3-D Secure", &sum, &choices)
}

pub(super) fn end(world: &Arc<World>, asked: &Asked) -> Answer {
    let form = asked.form();
    let result = form.iter().find(|(name, _)| name == "result").map(|(_, value)| value.as_str());
    let book = &mut *lock(&world.stripe);
    let id = asked.segment(1);
    if moves::is(book, id, Status::RequiresAction) {
        match result {
            Some("approved") => moves::pay(world, book, id),
            Some("declined") => {
                moves::decline(world, book, id, "payment_intent_authentication_failure", "");
            }
            _ => return html::notice(400, "The form says neither approved nor declined."),
        }
    }
    let Some(intent) = book.intents.get(id) else { return html::gone() };
    let Some(return_url) = &intent.return_url else {
        return html::notice(200, "Thank you. You may close this page.");
    };
    let paid = matches!(intent.status, Status::Succeeded | Status::RequiresCapture);
    let url = html::with_query(return_url, "payment_intent", &intent.id);
    let url = html::with_query(&url, "payment_intent_client_secret", &intent.client_secret);
    Answer::redirect(&html::with_query(&url, "redirect_status", if paid { "succeeded" } else { "failed" }))
}
