//! Receipts that come with a payment, or after it.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::book::{Payment, Receipt};
use super::{Turn, invalid, not_found, read_amount};
use crate::answer::Answer;
use crate::fault::Fault;
use crate::ledger::{Deed, Effect};
use crate::system::System;
use crate::world::World;
use crate::{lock, money};

pub(super) fn create(turn: &mut Turn<'_>) -> Answer {
    let (world, body) = (turn.world, turn.asked.json().unwrap_or_default());
    let kind = body["type"].as_str().unwrap_or_default().to_owned();
    if kind != "payment" && kind != "refund" {
        return invalid("type", "payment or refund");
    }
    let payment_id = body["payment_id"].as_str().unwrap_or_default().to_owned();
    let own = turn.book.payments.get(&payment_id).is_some_and(|payment| payment.shop == turn.shop);
    if !own {
        return not_found("payment_id");
    }
    if let Err(refusal) = check_customer(&body).and_then(|()| check_items(&body).map(|_| ())) {
        return refusal;
    }
    let id = format!("rt-{}", Uuid::new_v4());
    let receipt = Receipt {
        id: id.clone(),
        shop: turn.shop.clone(),
        kind,
        payment_id: payment_id.clone(),
        status: "pending",
        items: body["items"].clone(),
        key: turn.key.clone(),
    };
    let answer = Answer::json(200, &receipt.to_json());
    turn.book.receipts.put(&id, &payment_id, receipt);
    if !world.faults.strikes(System::Yookassa, Fault::NeverFinishes, "create_receipt") {
        let fails = world.faults.strikes(System::Yookassa, Fault::LateFailure, "create_receipt");
        world
            .timers
            .at(world.now() + world.faults.settle(System::Yookassa), move |world| end(world, &id, fails));
    }
    answer
}

pub(super) fn get(turn: &mut Turn<'_>) -> Answer {
    let found = turn.book.receipts.get(turn.asked.segment(2));
    match found.filter(|receipt| receipt.shop == turn.shop) {
        Some(receipt) => Answer::json(200, &receipt.to_json()),
        None => not_found("receipt_id"),
    }
}

pub(super) fn list(turn: &mut Turn<'_>) -> Answer {
    let Some(payment_id) = turn.asked.query("payment_id") else {
        return invalid("payment_id", "The simulator lists receipts of one payment");
    };
    let found = turn.book.receipts.labelled(payment_id).filter(|receipt| receipt.shop == turn.shop);
    let items: Vec<Value> = found.map(Receipt::to_json).collect();
    Answer::json(200, &json!({ "type": "list", "items": items }))
}

/// The receipt of a payment: somebody to send it to, and items that add up to the sum.
pub(super) fn check(receipt: &Value, amount_minor: i64, currency: &str) -> Result<(), Answer> {
    check_customer(receipt)?;
    let items = check_items(receipt)?;
    let total: i64 = items.iter().map(|(minor, _)| minor).sum();
    match total == amount_minor && items.iter().all(|(_, of_item)| of_item == currency) {
        true => Ok(()),
        false => Err(invalid("receipt.items", "The items do not add up to the amount of the payment")),
    }
}

/// Registers the receipt that came with a payment a while after the payment.
pub(super) fn register_of_payment(world: &Arc<World>, payment: &Payment) {
    if payment.receipt.is_none() {
        return;
    }
    let id = payment.id.clone();
    world.timers.at(world.now() + world.faults.settle(System::Yookassa), move |world| {
        let mut book = lock(&world.yookassa);
        let Some(payment) = book.payments.get_mut(&id) else { return };
        payment.receipt_registration = Some("succeeded");
        world.write_down(Deed {
            system: System::Yookassa,
            effect: Effect::ReceiptRegistered,
            object: &payment.id,
            reference: payment.reference(),
            key: &payment.key,
            amount_minor: payment.captured_minor,
            currency: &payment.currency,
        });
    });
}

fn end(world: &Arc<World>, id: &str, fails: bool) {
    let mut book = lock(&world.yookassa);
    let Some(receipt) = book.receipts.get_mut(id) else { return };
    receipt.status = if fails { "canceled" } else { "succeeded" };
    if !fails {
        world.write_down(Deed {
            system: System::Yookassa,
            effect: Effect::ReceiptRegistered,
            object: &receipt.id,
            reference: &receipt.payment_id,
            key: &receipt.key,
            amount_minor: 0,
            currency: "",
        });
    }
}

fn check_customer(receipt: &Value) -> Result<(), Answer> {
    let customer = &receipt["customer"];
    let reachable = customer["email"].as_str().is_some_and(|email| email.contains('@'))
        || customer["phone"].as_str().is_some_and(|phone| phone.len() >= 10);
    if reachable {
        Ok(())
    } else {
        Err(invalid("receipt.customer", "An e-mail address or a phone is needed"))
    }
}

/// Each item's sum: its price times its quantity.
fn check_items(receipt: &Value) -> Result<Vec<(i64, String)>, Answer> {
    let items = receipt["items"].as_array().filter(|items| (1..=100).contains(&items.len()));
    let items = items.ok_or_else(|| invalid("receipt.items", "1 to 100 items"))?;
    items.iter().map(sum_of_item).collect()
}

fn sum_of_item(item: &Value) -> Result<(i64, String), Answer> {
    let described =
        item["description"].as_str().is_some_and(|text| (1..=128).contains(&text.chars().count()));
    if !described {
        return Err(invalid("receipt.items.description", "1 to 128 characters"));
    }
    if !item["vat_code"].as_u64().is_some_and(|code| (1..=12).contains(&code)) {
        return Err(invalid("receipt.items.vat_code", "1 to 12"));
    }
    let (minor, currency) =
        read_amount(&item["amount"]).ok_or_else(|| invalid("receipt.items.amount", "A sum"))?;
    let quantity = match &item["quantity"] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let thousandths = thousandths(&quantity).filter(|quantity| *quantity > 0);
    let thousandths = thousandths.ok_or_else(|| invalid("receipt.items.quantity", "Above 0"))?;
    let sum = money::times(minor, thousandths);
    let sum = sum.ok_or_else(|| invalid("receipt.items.quantity", "Nobody could pay that"))?;
    Ok((sum, currency))
}

fn thousandths(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    (fraction.len() <= 3).then(|| format!("{whole}{fraction:0<3}").parse().ok())?
}
