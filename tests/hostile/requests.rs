//! For each operation a request that is right but for what a test puts in, and how to send it.

use serde_json::{Value, json};
use transcode::{Api, Route};

use crate::belongings::Belongings;
use crate::client::Answer;
use crate::methods::Method;

/// When nothing is delivered.
const SOME_DAY: &str = "2030-01-01T10:00:00Z";
/// When nothing had happened yet.
const LONG_AGO: &str = "2020-01-01T10:00:00Z";

/// What `shop` would send. Operations that need nothing but ids have no line here.
pub fn request_of(operation: &str, shop: &Belongings) -> Value {
    let money = json!({ "amount": "1.00", "currencyCode": "UAH" });
    match operation {
        "access.update_shop" => json!({ "shop": { "name": "Renamed" }, "updateMask": "name" }),
        "access.create_shop" => json!({ "shop": {
            "name": "Another", "timeZone": "Europe/Kyiv", "locale": "uk-UA", "currencyCode": "UAH", "countryCode": "UA",
        } }),
        "access.create_channel_account" => json!({ "channelAccount": {
            "shopId": shop.id("shp"), "channel": "CHANNEL_SITE", "name": "another",
        } }),
        "access.create_api_key" => json!({ "name": "another", "scopes": ["orders.read"] }),
        "customers.update_customer" => json!({ "customer": { "note": "calls" }, "updateMask": "note" }),
        "delivery.create_delivery_method" => json!({ "deliveryMethod": {
            "shopId": shop.id("shp"), "kind": "DELIVERY_KIND_COURIER", "name": "Another", "tariffs": [{ "price": money }],
        } }),
        "delivery.update_delivery_method" => {
            json!({ "deliveryMethod": { "name": "Renamed" }, "updateMask": "name" })
        }
        "delivery.quote_delivery" => json!({
            "shopId": shop.id("shp"), "address": shop.address(), "goodsTotal": money, "weightGrams": 100,
        }),
        "delivery.record_tracking_event" => json!({ "event": {
            "status": "TRACKING_STATUS_IN_TRANSIT", "occurTime": types::Clock::system().now().to_rfc3339(),
        } }),
        "delivery.record_cod_transfer" => json!({
            "amount": money, "occurTime": types::Clock::system().now().to_rfc3339(), "document": "1",
        }),
        "delivery.create_carrier_account" => json!({ "carrierAccount": {
            "shopId": shop.id("shp"), "kind": "CARRIER_KIND_PARCEL", "name": "Another", "baseUrl": "https://carrier.example",
            "credentials": { "api_key": "long enough", "webhook_secret": "whsec_of_the_shop" },
        } }),
        "delivery.update_carrier_account" => {
            json!({ "carrierAccount": { "name": "Renamed" }, "updateMask": "name" })
        }
        "delivery.cancel_shipment" => json!({ "reason": "other" }),
        "delivery.list_late_shipments" => json!({ "lateKind": "LATE_KIND_NOT_BOOKED" }),
        "delivery.update_incident" => json!({ "incident": { "assignee": "me" }, "updateMask": "assignee" }),
        "delivery.add_incident_note" => json!({ "text": "called" }),
        "delivery.list_pickup_points" => json!({ "countryCode": "UA", "city": "Київ" }),
        "delivery.choose_delivery_slot" => {
            json!({ "slotStartTime": SOME_DAY })
        }
        "delivery.book_return_pickup" => json!({
            "returnId": shop.id("ret"), "shopId": shop.id("shp"), "deliveryMethodId": shop.id("dlm"),
            "slotStartTime": SOME_DAY, "address": shop.address(),
            "contactName": "Olena", "contactPhone": "+380671000003",
        }),
        "inventory.hold_cart" => json!({
            "cartId": "another", "shopId": shop.id("shp"), "lines": [{ "sku": "MUG", "quantity": "1" }],
        }),
        "inventory.cover_shortage" => json!({ "warehouseId": shop.warehouse_id }),
        "orders.change_order_states" => {
            json!({ "orders": [{ "orderId": shop.id("ord") }], "state": "ORDER_STATE_APPROVAL" })
        }
        "orders.cancel_orders" => json!({ "orders": [{ "orderId": shop.id("ord") }], "reason": "other" }),
        "orders.put_cart" => json!({
            "cartId": "another", "shopId": shop.id("shp"), "lines": [{ "sku": "MUG", "quantity": 1 }],
        }),
        "orders.get_cart" | "orders.clear_cart" => json!({ "cartId": shop.cart() }),
        "orders.place_order" => shop.order("MUG", "cash_on_delivery"),
        "orders.cancel_order" => json!({ "reason": "other" }),
        "orders.change_order_state" => json!({ "state": "ORDER_STATE_APPROVAL" }),
        "orders.update_order" => json!({ "order": { "comment": "later" }, "updateMask": "comment" }),
        "orders.create_quote" => json!({
            "shopId": shop.id("shp"), "sourceId": shop.id("src"), "lines": [{ "sku": "MUG", "quantity": 1 }],
        }),
        "orders.ship_fulfilment" => json!({ "orderId": shop.id("ord"), "fulfilmentId": shop.id("ful") }),
        "orders.cancel_fulfilment" => {
            json!({ "orderId": shop.id("ord"), "fulfilmentId": shop.id("ful"), "reason": "other" })
        }
        "orders.redirect_fulfilment" => json!({
            "orderId": shop.id("ord"), "fulfilmentId": shop.id("ful"),
            "delivery": { "deliveryMethodId": shop.id("dlm"), "address": shop.address() },
        }),
        "orders.create_return" => json!({ "orderId": shop.id("ord"), "lines": [{
            "lineId": shop.id("lin"), "quantity": 1, "reason": "does_not_fit",
        }] }),
        "orders.refuse_return" => json!({ "explanation": "worn" }),
        "orders.send_return" => json!({ "carrier": "parcel", "trackingNumber": "RT1" }),
        "orders.receive_return" => json!({ "warehouseId": shop.warehouse_id, "lines": [{
            "position": 0, "quantity": 1, "disposition": "RETURN_DISPOSITION_SELLABLE",
        }] }),
        "orders.create_promo_code" => json!({ "promoCode": {
            "code": format!("ANOTHER{}", uuid::Uuid::new_v4().simple()).to_uppercase(), "title": "Another", "percent": "5",
            "shopIds": [shop.id("shp")],
        } }),
        "orders.update_promo_code" => json!({ "promoCode": { "title": "Renamed" }, "updateMask": "title" }),
        "payments.record_payment" => json!({ "amount": money, "reference": "1" }),
        "payments.refund_payment" => json!({ "amount": money, "reason": "late" }),
        "payments.confirm_payment" => {
            json!({ "paymentToken": "tok_ok", "returnUrl": "https://shop.example/paid" })
        }
        "payments.create_payment_account" => json!({ "paymentAccount": {
            "shopId": shop.id("shp"), "kind": "PROVIDER_KIND_KOROB_CARD", "name": "Another",
            "baseUrl": "https://provider.example", "captureMode": "CAPTURE_MODE_AUTOMATIC",
            "credentials": { "api_key": "long enough", "webhook_secret": "whsec_of_the_shop" },
        } }),
        "payments.update_payment_account" => {
            json!({ "paymentAccount": { "name": "Renamed" }, "updateMask": "name" })
        }
        "webhooks.update_webhook_endpoint" => {
            json!({ "webhookEndpoint": { "title": "Renamed" }, "updateMask": "title" })
        }
        "webhooks.replay_webhook_events" => json!({ "startTime": LONG_AGO }),
        _ => json!({}),
    }
}

/// The route of a method, when it has one.
pub fn route_of(method: &Method) -> Option<&'static Route> {
    Api::suite().routes().iter().find(|route| route.operation == method.policy.operation)
}

/// Sends a request to where its route wants its parts.
pub async fn send(shop: &Belongings, route: &Route, request: &Value) -> Answer {
    let mut request = request.clone();
    let mut path = String::new();
    let mut rest = route.template.as_str();
    while let Some((before, variable)) = rest.split_once('{') {
        let (name, after) = variable.split_once('}').unwrap();
        let pointer = format!("/{}", name.replace('.', "/"));
        let value = request.pointer(&pointer).and_then(Value::as_str).unwrap_or("missing").to_owned();
        remove(&mut request, &pointer);
        path.push_str(before);
        path.push_str(&percent(&value));
        rest = after;
    }
    path.push_str(rest);
    if route.has_body() {
        return shop.client.ask(&route.method, &path, Some(&shop.key), Some(&request)).await;
    }
    let mut pairs = Vec::new();
    for (name, value) in request.as_object().unwrap() {
        let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        pairs.extend(values.iter().map(|value| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{name}={}", percent(&text))
        }));
    }
    let path = format!("{path}?{}", pairs.join("&"));
    shop.client.ask(&route.method, path.trim_end_matches('?'), Some(&shop.key), None).await
}

fn remove(request: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    if let Some(parent) = request.pointer_mut(parent).and_then(Value::as_object_mut) {
        parent.remove(name);
    }
}

pub fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
