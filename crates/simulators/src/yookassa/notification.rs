//! Notifications: unsigned, at least once, in no order.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use super::book::{Payment, Refund, Status};
use crate::signature::Signature;
use crate::system::System;
use crate::webhooks::Notice;
use crate::world::World;

/// Tells the state a payment is in now; nobody is told that it waits for the buyer.
pub(super) fn tell_payment(world: &Arc<World>, payment: &Payment) {
    if payment.status == Status::Pending {
        return;
    }
    let mut lie = payment.clone();
    lie.status = Status::Succeeded;
    lie.captured_minor = payment.amount_minor;
    lie.cancellation = None;
    let event = format!("payment.{}", payment.status.name());
    let told = body(&event, payment.to_json());
    tell(world, &payment.shop, event, told, body("payment.succeeded", lie.to_json()));
}

pub(super) fn tell_refund(world: &Arc<World>, refund: &Refund) {
    let told = body("refund.succeeded", refund.to_json());
    let mut lie = refund.clone();
    lie.id = Uuid::new_v4().to_string();
    let forged = body("refund.succeeded", lie.to_json());
    tell(world, &refund.shop, "refund.succeeded".to_owned(), told, forged);
}

fn body(event: &str, object: Value) -> Bytes {
    json!({ "type": "notification", "event": event, "object": object }).to_string().into()
}

fn tell(world: &Arc<World>, shop: &str, event: String, body: Bytes, lie: Bytes) {
    let notice = Notice {
        system: System::Yookassa,
        account: shop.to_owned(),
        event_id: Uuid::new_v4().to_string(),
        event,
        body,
        signature: Signature::None,
        headers: Vec::new(),
        lie: Some(lie),
    };
    world.webhooks.tell(world, &notice);
}
