//! Nova Poshta API 2.0.

use std::time::Duration;

use serde_json::{Value, json};
use simulators::{Effect, Fault, Move, Simulators};

use crate::client::Client;

const KEY: &str = "0123456789abcdef0123456789abcdef";
const REF: &str = "8d5a980d-391c-11dd-90d9-001a92567626";

async fn call(simulators: &Simulators, model: &str, method: &str, properties: Value) -> Value {
    let envelope =
        json!({ "apiKey": KEY, "modelName": model, "calledMethod": method, "methodProperties": properties });
    Client::new(simulators.root()).post("/nova-poshta/v2.0/json/", envelope).await.expect(200)
}

/// The data of a call that succeeds.
async fn data(simulators: &Simulators, model: &str, method: &str, properties: Value) -> Vec<Value> {
    let answer = call(simulators, model, method, properties).await;
    assert_eq!((&answer["success"], &answer["errors"]), (&json!(true), &json!([])), "{answer}");
    answer["data"].as_array().expect("data").clone()
}

fn document(barcode: &str) -> Value {
    json!({
        "PayerType": "Sender", "PaymentMethod": "Cash", "CargoType": "Parcel", "ServiceType": "WarehouseWarehouse",
        "Weight": "1.2", "SeatsAmount": "1", "Cost": "1040.00", "Description": "Чай", "DateTime": "22.11.2026",
        "CitySender": REF, "Sender": REF, "SenderAddress": REF, "ContactSender": REF, "SendersPhone": "380501112233",
        "RecipientCityName": "Київ", "RecipientAddress": "1", "RecipientName": "Олена Шевченко",
        "RecipientsPhone": "380501234567", "RecipientType": "PrivatePerson", "NewAddress": "1",
        "InfoRegClientBarcodes": barcode,
    })
}

fn with_cash(mut document: Value) -> Value {
    document["BackwardDeliveryData"] =
        json!([{ "PayerType": "Recipient", "CargoType": "Money", "RedeliveryString": "1040.00" }]);
    document
}

/// A saved document: its ref and number.
async fn saved(simulators: &Simulators, properties: Value) -> (String, String) {
    let made = data(simulators, "InternetDocument", "save", properties).await;
    let text = |name: &str| made[0][name].as_str().expect("text").to_owned();
    (text("Ref"), text("IntDocNumber"))
}

async fn status(simulators: &Simulators, number: &str) -> Value {
    let properties = json!({ "Documents": [{ "DocumentNumber": number, "Phone": "" }] });
    data(simulators, "TrackingDocument", "getStatusDocuments", properties).await[0].clone()
}

#[tokio::test]
async fn errors_come_with_200_and_all_at_once() {
    let simulators = Simulators::start().await;
    let mut wrong = document("shm_1");
    wrong["Weight"] = json!("much");
    wrong["RecipientsPhone"] = json!("0501234567");
    wrong["RecipientAddress"] = json!("99999");
    let answer = call(&simulators, "InternetDocument", "save", wrong).await;
    assert_eq!((&answer["success"], &answer["data"]), (&json!(false), &json!([])));
    let errors = [
        "Weight is incorrect",
        "RecipientsPhone is incorrect",
        "RecipientAddress is incorrect: no such warehouse",
    ];
    assert_eq!(answer["errors"], json!(errors));
    assert_eq!(answer["errorCodes"], json!(["20001401442", "20001401442", "20001401442"]));

    let client = Client::new(simulators.root());
    let foreign = json!({ "apiKey": "short", "modelName": "Address", "calledMethod": "getCities", "methodProperties": {} });
    let refused = client.post("/nova-poshta/v2.0/json/", foreign).await.expect(200);
    assert_eq!(refused["errors"], json!(["API key is incorrect"]));
    assert_eq!(
        call(&simulators, "Address", "getPlanets", json!({})).await["errors"],
        json!(["Method not found"])
    );
    simulators.faults("nova_poshta").next(Fault::Http200Error).next(Fault::RateLimit);
    assert_eq!(
        call(&simulators, "Address", "getCities", json!({})).await["errors"],
        json!(["To many requests"])
    );
    assert_eq!(call(&simulators, "Address", "getCities", json!({})).await["success"], false);
}

#[tokio::test]
async fn a_document_is_saved_listed_priced_and_printed() {
    let simulators = Simulators::start().await;
    let (reference, number) = saved(&simulators, document("shm_1")).await;
    saved(&simulators, document("shm_1")).await;
    let day = simulators.now().with_timezone(&chrono_tz::Europe::Kyiv).format("%d.%m.%Y").to_string();
    let days = json!({ "DateTimeFrom": day, "DateTimeTo": day, "GetFullList": "1", "InfoRegClientBarcodes": "other" });
    let listed = data(&simulators, "InternetDocument", "getDocumentList", days).await;
    assert_eq!(
        (listed.len(), &listed[0]["Ref"]),
        (2, &json!(reference)),
        "unknown filters are passed over in silence"
    );
    assert_eq!(listed[0]["InfoRegClientBarcodes"], "shm_1");
    assert_eq!(simulators.ledger("nova_poshta").repeated(Effect::WaybillCreated), ["shm_1"]);

    let ask = json!({
        "CitySender": REF, "CityRecipient": REF, "Weight": "1.2", "ServiceType": "WarehouseDoors", "Cost": "1040",
        "CargoType": "Parcel", "RedeliveryCalculate": { "CargoType": "Money", "Amount": "1040" },
    });
    let priced = data(&simulators, "InternetDocument", "getDocumentPrice", ask.clone()).await;
    assert_eq!((&priced[0]["Cost"], &priced[0]["CostRedelivery"]), (&json!(106.2), &json!(40.8)));
    simulators.faults("nova_poshta").next(Fault::MoneyAsText);
    let text = data(&simulators, "InternetDocument", "getDocumentPrice", ask).await;
    assert_eq!(text[0]["Cost"], "106.20 грн");

    let root = Client::new(simulators.root());
    let form = |key: &str| {
        format!("/nova-poshta/orders/printMarking100x100/orders%5B%5D/{number}/type/pdf/apiKey/{key}")
    };
    let label = root.get(&form(KEY)).await;
    assert_eq!((label.header("content-type"), &label.body[..5]), ("application/pdf", &b"%PDF-"[..]));
    let foreign = root.get(&form("abcdef0123456789abcdef0123456789")).await;
    assert_eq!((foreign.status, foreign.header("content-type")), (200, "text/html; charset=utf-8"));
}

#[tokio::test]
async fn a_parcel_travels_in_the_time_of_kyiv() {
    let simulators = Simulators::start().await;
    let (_, number) = saved(&simulators, with_cash(document("shm_1"))).await;
    let created = status(&simulators, &number).await;
    assert_eq!((&created["StatusCode"], &created["DateScan"]), (&json!("1"), &json!("0001-01-01 00:00:00")));
    let way: Vec<String> = (0..6).map(|_| simulators.advance(&number)).collect();
    assert_eq!(way, ["4", "5", "6", "7", "10", "11"]);
    let after = status(&simulators, &number).await;
    assert_eq!((&after["StatusCode"], &after["AfterpaymentOnGoodsCost"]), (&json!("11"), &json!("1040.00")));
    let local = simulators.now().with_timezone(&chrono_tz::Europe::Kyiv).format("%Y-%m-%d %H:").to_string();
    assert!(after["TrackingUpdateDate"].as_str().expect("a time").starts_with(&local), "{after}");
    assert_eq!(simulators.ledger("nova_poshta").sum(Effect::CashCollected, "shm_1"), 104_000);
    assert!(after["RecipientFullName"].is_null(), "only who knows the phone learns the name");
    let named = json!({ "Documents": [{ "DocumentNumber": number, "Phone": "380501234567" }] });
    let named = data(&simulators, "TrackingDocumentGeneral", "getStatusDocuments", named).await;
    assert_eq!(named[0]["RecipientFullName"], "Олена Шевченко");
}

#[tokio::test]
async fn every_code_can_be_told() {
    let simulators = Simulators::start().await;
    let (_, number) = saved(&simulators, document("shm_1")).await;
    let codes = [
        "4", "41", "5", "6", "7", "8", "9", "10", "11", "12", "101", "102", "103", "104", "105", "106",
        "111", "112", "124", "131",
    ];
    for code in codes {
        let step = Move { to: Some(code.to_owned()), reason: "Адресат відсутній".to_owned() };
        simulators.move_parcel(&number, &step);
        let told = status(&simulators, &number).await;
        assert_eq!(told["StatusCode"], code);
        assert_eq!(told["UndeliveryReasonsSubtypeDescription"], "Адресат відсутній");
    }
    assert_eq!(status(&simulators, "20450000000404").await["StatusCode"], "3");
    simulators.advance_to(&number, "7");
    simulators.advance_clock(Duration::from_secs(7 * 86_400 + 1));
    assert_eq!(status(&simulators, &number).await["StatusCode"], "105");
}

#[tokio::test]
async fn a_document_is_deleted_until_it_was_handed_over() {
    let simulators = Simulators::start().await;
    let (reference, number) = saved(&simulators, document("shm_1")).await;
    let delete = json!({ "DocumentRefs": [reference] });
    simulators.faults("nova_poshta").next(Fault::SilentIgnore);
    data(&simulators, "InternetDocument", "delete", delete.clone()).await;
    assert_eq!(status(&simulators, &number).await["StatusCode"], "1", "the vendor lied");
    data(&simulators, "InternetDocument", "delete", delete.clone()).await;
    assert_eq!(status(&simulators, &number).await["StatusCode"], "2");
    assert_eq!(call(&simulators, "InternetDocument", "delete", delete).await["success"], false);
    let (reference, number) = saved(&simulators, document("shm_2")).await;
    simulators.advance(&number);
    let refused =
        call(&simulators, "InternetDocument", "delete", json!({ "DocumentRefs": [reference] })).await;
    assert_eq!(refused["success"], false);
    assert_eq!(simulators.ledger("nova_poshta").total_count(Effect::WaybillCancelled), 1);
}

#[tokio::test]
async fn warehouses_come_in_pages() {
    let simulators = Simulators::start().await;
    let mut seen = Vec::new();
    for page in 1..=4 {
        let ask = json!({ "CityName": "київ", "Page": page.to_string(), "Limit": "200" });
        let answer = call(&simulators, "Address", "getWarehouses", ask).await;
        assert_eq!(answer["info"]["totalCount"], 620);
        let refs = answer["data"].as_array().expect("data").iter().map(|one| one["Ref"].to_string());
        seen.extend(refs);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 620);
    let cities =
        data(&simulators, "Address", "getCities", json!({ "FindByString": "льв", "Limit": "1" })).await;
    assert_eq!(cities[0]["Description"], "Львів");
    assert_eq!(call(&simulators, "Address", "getWarehouses", json!({ "Page": "0" })).await["success"], false);

    let lockers = json!({ "CityName": "Київ", "FindByString": "Поштомат", "Limit": "1" });
    let locker = data(&simulators, "Address", "getWarehouses", lockers).await[0].clone();
    let mut cash = with_cash(document("shm_1"));
    cash["RecipientAddress"] = locker["Ref"].clone();
    cash["Weight"] = json!("20.001");
    let refused = call(&simulators, "InternetDocument", "save", cash).await;
    assert_eq!(refused["errors"].as_array().map(Vec::len), Some(2), "{refused}");
}

#[tokio::test]
async fn tracking_takes_a_hundred() {
    let simulators = Simulators::start().await;
    let ask = |count: usize| {
        let documents: Vec<Value> =
            (0..count).map(|at| json!({ "DocumentNumber": at.to_string() })).collect();
        json!({ "Documents": documents })
    };
    assert_eq!(data(&simulators, "TrackingDocument", "getStatusDocuments", ask(100)).await.len(), 100);
    assert_eq!(call(&simulators, "TrackingDocument", "getStatusDocuments", ask(101)).await["success"], false);
}

#[tokio::test]
async fn a_parcel_is_weighed_when_the_carrier_has_it() {
    let simulators = Simulators::start().await;
    let (_, number) = saved(&simulators, document("shm_1")).await;
    assert_eq!(status(&simulators, &number).await["CheckWeight"], 0);
    simulators.advance(&number);
    let weighed = status(&simulators, &number).await;
    assert_eq!((&weighed["CheckWeight"], &weighed["FactualWeight"]), (&json!("1.200"), &json!("1.2")));

    let (_, heavy) = saved(&simulators, document("shm_2")).await;
    simulators.faults("nova_poshta").next(Fault::WeighsMore).next(Fault::WeightAsText);
    simulators.advance(&heavy);
    assert_eq!(status(&simulators, &heavy).await["CheckWeight"], "2,000 кг");
    assert_eq!(status(&simulators, &heavy).await["CheckWeight"], "2.000");
}
