//! Saves, lists, prices and deletes documents.

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Europe::Kyiv;
use serde_json::{Value, json};
use uuid::Uuid;

use super::book::{Document, day, local};
use super::{Turn, directory, document, failed, plain, succeeded};
use crate::answer::Answer;
use crate::fault::Fault;
use crate::ledger::{Deed, Effect};
use crate::money;
use crate::parcels::travel;
use crate::system::System;
use crate::world::World;

const DELETED_AT_ONCE_MAX: usize = 100;

/// Two identical documents are two documents: the vendor knows no repeats.
pub(super) fn save(turn: &mut Turn<'_>) -> Answer {
    let world = turn.world;
    let mut document = match document::read(turn) {
        Ok(document) => document,
        Err(refusal) => return refusal,
    };
    document.reference = Uuid::new_v4().to_string();
    document.number = format!("2045{:010}", turn.book.documents.count() + 1);
    let answer = json!({
        "Ref": document.reference,
        "CostOnSite": price_json(world, document.price, "save"),
        "EstimatedDeliveryDate": day(world.now() + TimeDelta::days(2)),
        "IntDocNumber": document.number,
        "TypeDocument": "InternetDocument",
    });
    if !world.faults.strikes(System::NovaPoshta, Fault::SilentIgnore, "save") {
        write_down(world, &document, Effect::WaybillCreated);
        let (reference, number) = (document.reference.clone(), document.number.clone());
        turn.book.documents.put(&reference, &turn.account, document);
        turn.book.documents.alias(&reference, &number);
        travel(world, System::NovaPoshta, &number);
    }
    succeeded(vec![answer])
}

/// Deletes documents whose parcels were not handed over.
pub(super) fn delete(turn: &mut Turn<'_>) -> Answer {
    let world = turn.world;
    let refs = match &turn.properties["DocumentRefs"] {
        Value::Array(refs) => refs.iter().map(plain).collect(),
        one => vec![plain(one)],
    };
    if refs.iter().all(String::is_empty) || refs.len() > DELETED_AT_ONCE_MAX {
        return failed(&["DocumentRefs is incorrect"], "20000300346");
    }
    let ignored = world.faults.strikes(System::NovaPoshta, Fault::SilentIgnore, "delete");
    let mut deleted = Vec::new();
    for reference in refs {
        let own = turn.book.documents.get_mut(&reference).filter(|document| {
            document.account == turn.account && document.reference == reference && !document.deleted
        });
        let Some(document) = own else { return failed(&["Document is not found"], "20000300347") };
        if document.code != "1" {
            return failed(&["Document was handed over and cannot be deleted"], "20000300348");
        }
        if !ignored {
            document.deleted = true;
            document.code = "2";
            document.update_time = world.now();
            write_down(world, document, Effect::WaybillCancelled);
        }
        deleted.push(json!({ "Ref": reference }));
    }
    succeeded(deleted)
}

/// Documents of some days. Whatever else is asked for is passed over in silence.
pub(super) fn list(turn: &mut Turn<'_>) -> Answer {
    let date = |name: &str| NaiveDate::parse_from_str(&turn.text(name), "%d.%m.%Y");
    let (Ok(from), Ok(until)) = (date("DateTimeFrom"), date("DateTimeTo")) else {
        return failed(&["DateTimeFrom is incorrect"], "20000300349");
    };
    let within = |document: &&Document| {
        let made = document.create_time.with_timezone(&Kyiv).date_naive();
        !document.deleted && made >= from && made <= until
    };
    let all: Vec<Value> = turn.book.documents.labelled(&turn.account).filter(within).map(listed).collect();
    // Without the full list, pages of a hundred.
    if turn.text("GetFullList") == "1" {
        return succeeded(all);
    }
    let page: usize = turn.text("Page").parse().unwrap_or(1).max(1);
    succeeded(all.into_iter().skip((page - 1).saturating_mul(100)).take(100).collect())
}

pub(super) fn price(turn: &mut Turn<'_>) -> Answer {
    let mut errors = Vec::new();
    for city in ["CitySender", "CityRecipient"] {
        if directory::city(&turn.text(city)).is_none() {
            errors.push(if city == "CitySender" {
                "CitySender is incorrect"
            } else {
                "CityRecipient is incorrect"
            });
        }
    }
    let grams = document::grams(&turn.text("Weight"));
    if grams.is_none() {
        errors.push("Weight is incorrect");
    }
    let (Some(grams), true) = (grams, errors.is_empty()) else { return failed(&errors, "20001401442") };
    let cost = money::parse(&turn.text("Cost"), "UAH").unwrap_or(30_000);
    let cash = money::parse(&plain(&turn.properties["RedeliveryCalculate"]["Amount"]), "UAH");
    let price = document::price(&turn.text("ServiceType"), grams, cost, None);
    let mut answer = json!({
        "AssessedCost": cost / 100,
        "Cost": price_json(turn.world, price, "getDocumentPrice"),
    });
    if let Some(cash) = cash {
        let redelivery = document::price_of_cash(cash);
        answer["CostRedelivery"] = price_json(turn.world, redelivery, "getDocumentPrice");
    }
    succeeded(vec![answer])
}

fn listed(document: &Document) -> Value {
    json!({
        "Ref": document.reference,
        "IntDocNumber": document.number,
        "DateTime": local(document.create_time),
        "InfoRegClientBarcodes": document.barcode,
        "StateId": document.code,
        "Cost": hryvnias(document.cost),
        "CostOnSite": hryvnias(document.price),
        "ServiceType": document.service,
        "Weight": document.weight,
        "RecipientsPhone": document.phone,
        "CityRecipientDescription": document.city,
    })
}

/// A number, unless the fault has it as text for people.
fn price_json(world: &World, kopiykas: i64, operation: &str) -> Value {
    if world.faults.strikes(System::NovaPoshta, Fault::MoneyAsText, operation) {
        let (whole, rest) = (kopiykas / 100, kopiykas % 100);
        let thousands = if whole >= 1_000 { format!("{} ", whole / 1_000) } else { String::new() };
        let width = if whole >= 1_000 { 3 } else { 1 };
        return Value::from(format!("{thousands}{:0>width$}.{rest:02} грн", whole % 1_000));
    }
    Value::from(hryvnias(kopiykas))
}

/// Whole hryvnias come as a whole number, as at the vendor.
fn hryvnias(kopiykas: i64) -> serde_json::Number {
    if kopiykas % 100 == 0 {
        return (kopiykas / 100).into();
    }
    let exact = serde_json::Number::from_f64(kopiykas as f64 / 100.0);
    exact.unwrap_or_else(|| (kopiykas / 100).into())
}

fn write_down(world: &World, document: &Document, effect: Effect) {
    world.write_down(Deed {
        system: System::NovaPoshta,
        effect,
        object: &document.number,
        reference: &document.barcode,
        key: "",
        amount_minor: document.price,
        currency: "UAH",
    });
}
