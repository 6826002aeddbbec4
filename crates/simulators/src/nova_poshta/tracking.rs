//! Where parcels are: by poll only, the last code only, in the time of Kyiv.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::book::{Document, local};
use super::document::grams;
use super::{Turn, failed, plain, succeeded};
use crate::answer::Answer;
use crate::fault::Fault;
use crate::ledger::{Deed, Effect};
use crate::lock;
use crate::parcels::{Move, Moved, Stuck, weigh};
use crate::system::System;
use crate::world::World;

const DOCUMENTS_MAX: usize = 100;
/// How long a parcel waits; then its storage is stopped.
const STORED: TimeDelta = TimeDelta::days(7);
/// How long it waits without a fee.
const STORED_FREE: TimeDelta = TimeDelta::days(5);
/// What the vendor writes where there was no scan.
const NEVER: &str = "0001-01-01 00:00:00";

/// Every code with its text.
const CODES: [(&str, &str); 23] = [
    ("1", "Відправник самостійно створив цю накладну, але ще не надав до відправки"),
    ("2", "Видалено"),
    ("3", "Номер не знайдено"),
    ("4", "Відправлення у місті відправника"),
    ("41", "Відправлення у місті (послуга в межах міста)"),
    ("5", "Відправлення прямує до міста одержувача"),
    ("6", "Відправлення у місті одержувача"),
    ("7", "Прибув на відділення"),
    ("8", "Прибув на відділення (завантажено в Поштомат)"),
    ("9", "Відправлення отримано"),
    ("10", "Відправлення отримано. Протягом доби ви одержите SMS про надходження грошового переказу"),
    ("11", "Відправлення отримано. Грошовий переказ видано одержувачу"),
    ("12", "Нова Пошта комплектує ваше відправлення"),
    ("101", "На шляху до одержувача"),
    ("102", "Відмова від отримання (створено замовлення на повернення)"),
    ("103", "Відмова одержувача (отримувач відмовився від відправлення)"),
    ("104", "Змінено адресу"),
    ("105", "Припинено зберігання"),
    ("106", "Одержано і створено ЄН зворотної доставки"),
    ("111", "Невдала спроба доставки через відсутність одержувача на адресі або зв'язку з ним"),
    ("112", "Дата доставки перенесена одержувачем"),
    ("124", "Відправлення втрачено"),
    ("131", "Код, про який ніхто не оголошував"),
];

pub(super) fn statuses(turn: &mut Turn<'_>) -> Answer {
    let documents = turn.properties["Documents"].as_array().map(Vec::as_slice).unwrap_or_default();
    if documents.is_empty() {
        return failed(&["Documents is empty"], "20000500604");
    }
    if documents.len() > DOCUMENTS_MAX {
        return failed(&["Documents count is more than 100"], "20000500605");
    }
    let asked: Vec<(String, String)> =
        documents.iter().map(|one| (plain(&one["DocumentNumber"]), plain(&one["Phone"]))).collect();
    succeeded(asked.iter().map(|(number, phone)| whereabouts(turn, number, phone)).collect())
}

/// Moves a parcel by hand.
pub(crate) fn advance(world: &Arc<World>, number: &str, step: &Move) -> Result<Moved, Stuck> {
    let mut book = lock(&world.nova_poshta);
    let document = book.documents.get_mut(number);
    let document = document.ok_or_else(|| Stuck::Unknown { number: number.to_owned() })?;
    let ended = || Stuck::Ended { number: number.to_owned(), code: document.code.to_owned() };
    let code = match &step.to {
        Some(code) => known(code)?,
        None => next(document).ok_or_else(ended)?,
    };
    if document.deleted {
        return Err(ended());
    }
    happen(world, document, code, &step.reason);
    Ok(Moved { system: System::NovaPoshta, number: number.to_owned(), code: code.to_owned() })
}

fn happen(world: &Arc<World>, document: &mut Document, code: &'static str, reason: &str) {
    let now = world.now();
    document.code = code;
    document.reason = reason.to_owned();
    document.update_time = now;
    if document.weighed_grams.is_none() && !matches!(code, "1" | "12") {
        let declared = grams(&document.weight).unwrap_or_default();
        document.weighed_grams = Some(weigh(world, System::NovaPoshta, declared));
    }
    match code {
        "7" | "8" => store(world, document, now),
        "9" | "10" | "11" => collect(world, document),
        _ => {}
    }
}

/// Keeps it until its time is over.
fn store(world: &Arc<World>, document: &mut Document, now: DateTime<Utc>) {
    document.arrived_time = Some(now);
    let reference = document.reference.clone();
    world.timers.at(now + STORED, move |world| {
        let mut book = lock(&world.nova_poshta);
        let waiting = book
            .documents
            .get_mut(&reference)
            .filter(|document| matches!(document.code, "7" | "8") && document.arrived_time == Some(now));
        if let Some(document) = waiting {
            happen(world, document, "105", "");
        }
    });
}

fn collect(world: &World, document: &mut Document) {
    let Some(cash) = document.cash.filter(|_| !document.cash_collected) else { return };
    document.cash_collected = true;
    world.write_down(Deed {
        system: System::NovaPoshta,
        effect: Effect::CashCollected,
        object: &document.number,
        reference: &document.barcode,
        key: "",
        amount_minor: cash,
        currency: "UAH",
    });
}

/// The next code on the way of a parcel that everything goes well with.
fn next(document: &Document) -> Option<&'static str> {
    match document.code {
        "1" => Some("4"),
        "4" | "41" => Some("5"),
        "5" => Some("6"),
        "6" | "104" if document.service.ends_with("Doors") => Some("101"),
        "6" | "104" if document.to_locker => Some("8"),
        "6" | "104" => Some("7"),
        "111" | "112" => Some("101"),
        "7" | "8" | "101" if document.cash.is_some() => Some("10"),
        "7" | "8" | "101" => Some("9"),
        "10" => Some("11"),
        _ => None,
    }
}

fn known(code: &str) -> Result<&'static str, Stuck> {
    let found = CODES.iter().find(|(known, _)| *known == code && !["2", "3"].contains(known));
    found.map(|(code, _)| *code).ok_or_else(|| Stuck::NoSuchCode { code: code.to_owned() })
}

fn text_of(code: &str) -> &'static str {
    CODES.iter().find(|(known, _)| *known == code).map_or("", |(_, text)| text)
}

/// What the scales said, in kilograms: 0 when it was not put on them, text once it was.
fn check_weight(world: &World, document: &Document) -> Value {
    let Some(grams) = document.weighed_grams else { return Value::from(0) };
    let kilograms = format!("{}.{:03}", grams / 1_000, grams % 1_000);
    if world.faults.strikes(System::NovaPoshta, Fault::WeightAsText, "getStatusDocuments") {
        return Value::from(format!("{} кг", kilograms.replace('.', ",")));
    }
    Value::from(kilograms)
}

/// Anybody may ask for any number; what concerns the recipient only who names the phone.
fn whereabouts(turn: &Turn<'_>, number: &str, phone: &str) -> Value {
    let found = turn.book.documents.get(number).filter(|document| document.number == number);
    let Some(document) = found else {
        return json!({ "Number": number, "StatusCode": "3", "Status": text_of("3"), "DateScan": NEVER });
    };
    let scanned = !matches!(document.code, "1" | "2" | "12");
    let storage = document.arrived_time.map(|time| local(time + STORED_FREE));
    let mut status = json!({
        "Number": number,
        "StatusCode": document.code,
        "Status": text_of(document.code),
        "RefEW": document.reference,
        "DateCreated": local(document.create_time),
        "DateScan": if scanned { local(document.update_time) } else { NEVER.to_owned() },
        "TrackingUpdateDate": local(document.update_time),
        "WarehouseRecipient": document.place,
        "CityRecipient": document.city,
        "DateFirstDayStorage": storage.unwrap_or_default(),
        "Redelivery": u8::from(document.cash.is_some()),
        "RedeliverySum": document.cash.unwrap_or_default() as f64 / 100.0,
        "AfterpaymentOnGoodsCost": document.cash.map(|cash| crate::money::format(cash, "UAH")).unwrap_or_default(),
        "UndeliveryReasonsSubtypeDescription": document.reason,
        "DocumentWeight": document.weight,
        "FactualWeight": document.weight,
        "CheckWeight": check_weight(turn.world, document),
        "ServiceType": document.service,
    });
    if phone == document.phone {
        status["RecipientFullName"] = Value::from(document.recipient.as_str());
        status["PhoneRecipient"] = Value::from(document.phone.as_str());
    }
    if matches!(document.code, "9" | "10" | "11" | "106") {
        status["RecipientDateTime"] = Value::from(local(document.update_time));
    }
    status
}
