//! What somebody wants sent, checked as the carrier checks it: all errors at once, with status 200.

use super::book::Document;
use super::directory;
use super::{Turn, failed, plain};
use crate::answer::Answer;
use crate::money;

const CARGO_TYPES: [&str; 5] = ["Parcel", "Cargo", "Documents", "TiresWheels", "Pallets"];
const SERVICES: [&str; 6] = [
    "WarehouseWarehouse",
    "WarehouseDoors",
    "DoorsWarehouse",
    "DoorsDoors",
    "WarehousePostomat",
    "DoorsPostomat",
];
/// Grams; the smallest parcel is priced as one of a hundred grams.
const GRAMS_MAX: i64 = 1_000_000;

/// A document as wanted; without its ref and number.
pub(super) fn read(turn: &Turn<'_>) -> Result<Document, Answer> {
    let mut errors = Vec::new();
    let mut check = |fine: bool, error: &'static str| {
        if !fine {
            errors.push(error);
        }
    };
    check(
        ["Sender", "Recipient", "ThirdPerson"].contains(&&*turn.text("PayerType")),
        "PayerType is incorrect",
    );
    check(["Cash", "NonCash"].contains(&&*turn.text("PaymentMethod")), "PaymentMethod is incorrect");
    check(CARGO_TYPES.contains(&&*turn.text("CargoType")), "CargoType is incorrect");
    let service = turn.text("ServiceType");
    check(SERVICES.contains(&&*service), "ServiceType is incorrect");
    let grams = grams(&turn.text("Weight"));
    check(grams.is_some(), "Weight is incorrect");
    check(turn.text("SeatsAmount").parse::<u32>().is_ok_and(|seats| seats > 0), "SeatsAmount is incorrect");
    let cost = money::parse(&turn.text("Cost"), "UAH").filter(|cost| *cost > 0);
    check(cost.is_some(), "Cost is incorrect");
    check(!turn.text("Description").is_empty(), "Description is not specified");
    check(is_ref(&turn.text("Sender")), "Sender is not specified");
    check(is_ref(&turn.text("ContactSender")), "ContactSender is not specified");
    check(is_ref(&turn.text("SenderAddress")), "SenderAddress is not specified");
    check(directory::city(&turn.text("CitySender")).is_some(), "CitySender is incorrect");
    check(is_phone(&turn.text("SendersPhone")), "SendersPhone is incorrect");
    check(is_phone(&turn.text("RecipientsPhone")), "RecipientsPhone is incorrect");
    let recipient = turn.text("RecipientName");
    let named = recipient.split_whitespace().count() >= 2 || is_ref(&turn.text("ContactRecipient"));
    check(named, "RecipientName is incorrect");
    let city = city(turn);
    check(city.is_some(), "CityRecipient is incorrect");
    let to_doors = service.ends_with("Doors");
    let place = if to_doors { turn.text("RecipientAddressName") } else { place(turn) };
    let warehouse = city.filter(|_| !to_doors).and_then(|city| directory::warehouse(city, &place));
    match to_doors {
        true => check(!place.is_empty(), "RecipientAddressName is not specified"),
        false => {
            check(warehouse.is_some() || city.is_none(), "RecipientAddress is incorrect: no such warehouse")
        }
    }
    let cash = cash(turn);
    check(cash.is_ok(), "BackwardDeliveryData is incorrect");
    let cash = cash.unwrap_or_default();
    if let Some(warehouse) = &warehouse {
        let wanted = service.ends_with("Postomat");
        check(!wanted || warehouse.locker, "RecipientAddress is incorrect: not a Postomat");
        let fits = grams.is_none_or(|grams| grams <= i64::from(warehouse.kilograms_max) * 1_000);
        check(fits, "Weight exceeds what the warehouse allows");
        let takes_money = !warehouse.locker || warehouse.terminal;
        check(cash.is_none() || takes_money, "BackwardDeliveryData is not available in this Postomat");
    }
    let (Some(grams), Some(cost), Some(city), true) = (grams, cost, city, errors.is_empty()) else {
        return Err(failed(&errors, "20001401442"));
    };
    let now = turn.world.now();
    Ok(Document {
        reference: String::new(),
        number: String::new(),
        account: turn.account.clone(),
        barcode: turn.text("InfoRegClientBarcodes"),
        price: price(&service, grams, cost, cash),
        service,
        to_locker: warehouse.is_some_and(|warehouse| warehouse.locker),
        city: city.to_owned(),
        place,
        recipient,
        phone: turn.text("RecipientsPhone"),
        weight: turn.text("Weight"),
        weighed_grams: None,
        cost,
        cash,
        cash_collected: false,
        code: "1",
        reason: String::new(),
        create_time: now,
        update_time: now,
        arrived_time: None,
        deleted: false,
    })
}

/// In kopiykas: the way, half a per cent of what it is worth; the money's way back is priced apart.
pub(super) fn price(service: &str, grams: i64, cost: i64, cash: Option<i64>) -> i64 {
    let kilograms = (grams + 999) / 1_000;
    let doors = service.matches("Doors").count() as i64;
    5_000 + 800 * kilograms + 3_500 * doors + cost / 200 + cash.map(price_of_cash).unwrap_or_default()
}

pub(super) fn price_of_cash(cash: i64) -> i64 {
    2_000 + cash / 50
}

/// `"1.2"` kilograms as grams.
pub(super) fn grams(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.get(..3).unwrap_or(fraction);
    let grams: i64 = format!("{whole}{fraction:0<3}").parse().ok()?;
    (1..=GRAMS_MAX).contains(&grams).then_some(grams)
}

fn city(turn: &Turn<'_>) -> Option<&'static str> {
    match turn.text("CityRecipient").as_str() {
        "" => directory::city(&turn.text("RecipientCityName")),
        reference => directory::city(reference),
    }
}

fn place(turn: &Turn<'_>) -> String {
    match turn.text("RecipientAddress").as_str() {
        "" => turn.text("RecipientAddressName"),
        reference => reference.to_owned(),
    }
}

/// Cash that comes back to the sender.
fn cash(turn: &Turn<'_>) -> Result<Option<i64>, ()> {
    let Some(back) = turn.properties["BackwardDeliveryData"].as_array().filter(|back| !back.is_empty())
    else {
        return Ok(None);
    };
    let money = back.iter().find(|one| one["CargoType"] == "Money").ok_or(())?;
    let sum = money::parse(&plain(&money["RedeliveryString"]), "UAH").filter(|sum| *sum > 0);
    sum.map(Some).ok_or(())
}

fn is_ref(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok()
}

fn is_phone(text: &str) -> bool {
    text.len() == 12 && text.starts_with("380") && text.bytes().all(|byte| byte.is_ascii_digit())
}
