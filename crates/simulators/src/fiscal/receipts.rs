//! Registers receipts: at once accepted, after a moment done or failed, once for each external id.

use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::book::{Receipt, label, time};
use super::{Turn, error, error_body, receipt};
use crate::answer::Answer;
use crate::fault::Fault;
use crate::ledger::{Deed, Effect};
use crate::lock;
use crate::signature::Signature;
use crate::system::System;
use crate::webhooks::Notice;
use crate::world::World;

pub(super) fn register(turn: &mut Turn<'_>) -> Answer {
    let world = turn.world;
    let Some(body) = turn.asked.json() else {
        return error(world, 400, 31, "JsonError", "Тело запроса не является JSON");
    };
    let total = match receipt::check(&body) {
        Ok(total) => total,
        Err(path) => return error(world, 400, 32, "ValidationError", path),
    };
    let operation = turn.asked.segment(3).to_owned();
    let external_id = body["external_id"].as_str().unwrap_or_default().to_owned();
    let label = label(&turn.account, &operation, &external_id);
    // The same id is the same receipt, whatever else is sent with it.
    if let Some(known) = turn.book.receipts.labelled(&label).next() {
        let mut answer = accepted(world, known);
        answer["error"] = error_body(33, "AlreadyExists", "Чек с таким external_id уже принят");
        return Answer::json(200, &answer);
    }
    let uuid = Uuid::new_v4().to_string();
    let receipt = Receipt {
        uuid: uuid.clone(),
        account: turn.account.clone(),
        external_id,
        status: "wait",
        error: Value::Null,
        payload: Value::Null,
        total,
        callback_url: body["service"]["callback_url"]
            .as_str()
            .filter(|url| url.starts_with("http"))
            .map(str::to_owned),
        time: world.now(),
    };
    let answer = accepted(world, &receipt);
    turn.book.receipts.put(&uuid, &label, receipt);
    if !world.faults.strikes(System::Fiscal, Fault::NeverFinishes, &operation) {
        let fails = world.faults.strikes(System::Fiscal, Fault::LateFailure, &operation);
        world
            .timers
            .at(world.now() + world.faults.settle(System::Fiscal), move |world| end(world, &uuid, fails));
    }
    Answer::json(200, &answer)
}

pub(super) fn report(turn: &mut Turn<'_>) -> Answer {
    let found = turn.book.receipts.get(turn.asked.segment(4));
    match found.filter(|receipt| receipt.account == turn.account) {
        Some(receipt) => Answer::json(200, &report_of(receipt)),
        None => error(turn.world, 400, 34, "NotFound", "Чек не найден"),
    }
}

fn end(world: &Arc<World>, uuid: &str, fails: bool) {
    let book = &mut *lock(&world.fiscal);
    let number = book.numbers + 1;
    let Some(receipt) = book.receipts.get_mut(uuid) else { return };
    if fails {
        receipt.status = "fail";
        receipt.error = error_body(-3897, "DeviceError", "Чек не зарегистрирован: ошибка кассы");
    } else {
        receipt.status = "done";
        receipt.payload = json!({
            "total": receipt.total as f64 / 100.0,
            "fns_site": "www.nalog.gov.ru",
            "fn_number": "9999078900005419",
            "shift_number": 1,
            "receipt_datetime": time(world.now()),
            "fiscal_receipt_number": number,
            "fiscal_document_number": number + 100,
            "ecr_registration_number": "0000000005020634",
            "fiscal_document_attribute": 3_449_555_941_u64,
            "ofd_receipt_url": format!("https://ofd.example/receipt/{uuid}"),
        });
        world.write_down(Deed {
            system: System::Fiscal,
            effect: Effect::ReceiptRegistered,
            object: &receipt.uuid,
            reference: &receipt.external_id,
            key: &receipt.external_id,
            amount_minor: receipt.total,
            currency: "RUB",
        });
    }
    tell(world, receipt);
    book.numbers = number;
}

/// Calls back, if the receipt said where, and tells those who are registered.
fn tell(world: &Arc<World>, receipt: &Receipt) {
    let mut lie = receipt.clone();
    lie.status = "done";
    lie.error = Value::Null;
    let notice = Notice {
        system: System::Fiscal,
        account: receipt.account.clone(),
        event_id: Uuid::new_v4().to_string(),
        event: receipt.status.to_owned(),
        body: report_of(receipt).to_string().into(),
        signature: Signature::None,
        headers: Vec::new(),
        lie: Some(report_of(&lie).to_string().into()),
    };
    if let Some(url) = &receipt.callback_url {
        world.webhooks.tell_one(world, notice.clone(), url, "");
    }
    world.webhooks.tell(world, &notice);
}

fn accepted(world: &World, receipt: &Receipt) -> Value {
    json!({ "uuid": receipt.uuid, "timestamp": time(world.now()), "status": "wait", "error": null })
}

fn report_of(receipt: &Receipt) -> Value {
    json!({
        "uuid": receipt.uuid,
        "external_id": receipt.external_id,
        "timestamp": time(receipt.time),
        "status": receipt.status,
        "error": receipt.error,
        "payload": receipt.payload,
        "group_code": receipt.account.split('\n').next_back(),
        "daemon_code": "prod-agent-1",
        "device_code": "KSR13.00-1-11",
        "callback_url": receipt.callback_url.as_deref().unwrap_or_default(),
    })
}
