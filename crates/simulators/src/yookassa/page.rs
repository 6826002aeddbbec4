//! The page on which the buyer pays: two buttons, which a test can press, too.

use std::sync::Arc;

use super::book::Status;
use super::payments;
use crate::answer::Answer;
use crate::asked::Asked;
use crate::html::{self, Choice};
use crate::world::World;
use crate::{lock, money};

pub(super) fn show(world: &Arc<World>, asked: &Asked) -> Answer {
    let book = lock(&world.yookassa);
    let waiting = book.payments.get(asked.segment(1)).filter(|payment| payment.status == Status::Pending);
    let Some(payment) = waiting else { return html::gone() };
    let sum = format!("{} {}", money::format(payment.amount_minor, &payment.currency), payment.currency);
    let choices = [
        Choice { field: "result", value: "approved", text: "Pay" },
        Choice { field: "result", value: "declined", text: "Fail at the bank" },
    ];
    html::decision("Payment", &format!("{sum}. {}", payment.description), &choices)
}

pub(super) fn end(world: &Arc<World>, asked: &Asked) -> Answer {
    let form = asked.form();
    let result = form.iter().find(|(name, _)| name == "result").map(|(_, value)| value.as_str());
    let mut book = lock(&world.yookassa);
    let Some(payment) = book.payments.get_mut(asked.segment(1)) else { return html::gone() };
    let return_url = payment.confirmation.as_ref().and_then(|confirmation| confirmation.return_url.clone());
    if payment.status == Status::Pending {
        match result {
            Some("approved") => payments::proceed(world, payment),
            Some("declined") => {
                payments::cancel_for(world, payment, "payment_network", "3d_secure_failed");
            }
            _ => return html::notice(400, "The form says neither approved nor declined."),
        }
    }
    match return_url {
        Some(url) => Answer::redirect(&url),
        None => html::notice(200, "Thank you. You may close this page."),
    }
}
