//! CDEK v2 (`cdek.md`): a token that ends, orders that are accepted first and made later, webhooks that nobody signs.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::{BoxFuture, FutureExt};
use outbound::{Answer as Reply, Client, Request};
use rpc::Fields;
use serde::Deserialize;
use serde_json::{Value, json};
use types::ShipmentId;

use super::cdek_tokens::{Token, Tokens};
use super::cdek_wire::{self, Order};
use super::reply::{self, Effect};
use super::{
    Answer, Booked, Booking, CDEK_CODES, Cancelled, Carrier, CarrierError, CodeMap, Notice, Period,
    PickupPoint, Report, ServicePrice, TrackedParcel, Unreadable, Unverified, Webhook, checks,
};
use crate::model::address::Address;
use crate::model::carrier_account::{CarrierAccount, Private};
use crate::model::consignment::Consignment;
use crate::model::label_rows::Label;
use crate::model::tariff::Cart;

const WEIGHT_GRAMS_MAX: i32 = 1_000_000;
/// Nobody's token lives longer.
const TOKEN_SECONDS_MAX: i64 = 30 * 24 * 3600;
const RUSSIA: &str = "RU";

/// CDEK.
pub struct Cdek {
    client: Client,
    base_url: String,
    credentials: Private,
    settings: Private,
    tokens: std::sync::Arc<Tokens>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: i64,
}

impl Cdek {
    /// The carrier of `account`.
    pub fn new(client: Client, account: &CarrierAccount, tokens: std::sync::Arc<Tokens>) -> Self {
        Self {
            client,
            base_url: account.base_url.clone(),
            credentials: account.credentials.clone(),
            settings: account.settings.clone(),
            tokens,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// A token; not the one that was `refused`.
    async fn token(&self, refused: Option<&str>) -> Answer<String> {
        let of = |name| self.credentials.get(name).to_owned();
        let owner = (self.base_url.clone(), of("client_id"), of("client_secret"));
        self.tokens.get(owner, refused, async || self.new_token().await).await
    }

    async fn new_token(&self) -> Answer<Token> {
        let request = Request::post(self.url("/oauth/token")).form(&[
            ("grant_type", "client_credentials"),
            ("client_id", self.credentials.get("client_id")),
            ("client_secret", self.credentials.get("client_secret")),
        ]);
        let reply = reply::send(&self.client, request, Effect::None).await?;
        if !reply.status.is_success() {
            let cause = format!("no token: status {}", reply.status.as_u16());
            return Err(CarrierError::NotNow { cause, pause: Some(Duration::from_secs(60)) });
        }
        let granted: Granted = reply::json(&reply, Effect::None)?;
        let life = TimeDelta::seconds(granted.expires_in.min(TOKEN_SECONDS_MAX));
        Ok(Token { text: granted.access_token, end: self.tokens.now() + life })
    }

    /// Asks with a token; a token that has ended before its time is replaced once. A call that was not let in did nothing.
    async fn send(&self, request: Request, effect: Effect) -> Answer<Reply> {
        let token = self.token(None).await?;
        let reply = reply::send(&self.client, request.clone().bearer(&token), effect).await?;
        if reply.status.as_u16() != 401 {
            return Ok(reply);
        }
        let token = self.token(Some(&token)).await?;
        let reply = reply::send(&self.client, request.bearer(&token), effect).await?;
        if reply.status.as_u16() == 401 {
            let cause = "the carrier does not take the token it gave".to_owned();
            return Err(CarrierError::NotNow { cause, pause: Some(Duration::from_secs(60)) });
        }
        Ok(reply)
    }

    async fn value(&self, request: Request, effect: Effect) -> Answer<Value> {
        let reply = self.send(request, effect).await?;
        reply::json(&reply, effect)
    }

    /// The order of an address; `None` when there is none.
    async fn order(&self, request: Request) -> Answer<Option<Order>> {
        let reply = self.send(request, Effect::None).await?;
        if reply.status.as_u16() == 404 {
            return Ok(None);
        }
        let order: Order = reply::json(&reply, Effect::None)?;
        Ok(Some(order).filter(Order::exists))
    }

    async fn order_of(&self, carrier_parcel_id: &str) -> Answer<Option<Order>> {
        self.order(Request::get(self.url(&format!("/orders/{carrier_parcel_id}")))).await
    }

    fn sender(&self, order: &mut Value) {
        let settings = &self.settings;
        order["sender"] = json!({
            "company": settings.get("sender_company"),
            "name": settings.get("sender_name"),
            "phones": [{ "number": settings.get("sender_phone") }],
        });
        match settings.get("shipment_point") {
            "" => {
                let code: u32 = settings.get("from_city_code").parse().unwrap_or(0);
                order["from_location"] = json!({ "code": code, "address": settings.get("from_address") });
            }
            point => order["shipment_point"] = json!(point),
        }
    }

    fn new_order(&self, parcel: &Consignment) -> Value {
        let address = &parcel.address;
        let tariff: u32 = parcel.service.parse().unwrap_or(0);
        let mut order = json!({
            "type": 1,
            "number": parcel.reference.to_string(),
            "tariff_code": tariff,
            "comment": address.comment,
            "recipient": {
                "name": parcel.recipient.name,
                "phones": [{ "number": format!("+{}", checks::digits(&parcel.recipient.phone)) }],
            },
            "packages": [{
                "number": "1",
                "weight": parcel.weight_grams,
                "items": cdek_wire::items(parcel),
            }],
        });
        self.sender(&mut order);
        if parcel.to_pickup_point() {
            order["delivery_point"] = json!(address.pickup_point_code);
        } else {
            let mut to = self.location(address);
            to["address"] = json!(address.line);
            order["to_location"] = to;
        }
        order
    }

    fn location(&self, address: &Address) -> Value {
        let country = Some(address.country_code.as_str()).filter(|code| !code.is_empty()).unwrap_or(RUSSIA);
        json!({ "country_code": country, "city": address.city, "postal_code": address.postal_code })
    }

    async fn print(&self, carrier_parcel_id: &str) -> Answer<Option<Label>> {
        let wanted = json!({ "orders": [{ "order_uuid": carrier_parcel_id }], "format": "A6" });
        let asked =
            self.value(Request::post(self.url("/print/barcodes")).json(&wanted), Effect::None).await?;
        let print = cdek_wire::text(&asked["entity"], "uuid");
        if print.is_empty() {
            return Ok(None);
        }
        // It is made within moments; if not, the job comes again.
        for _ in 0..PRINT_LOOKS {
            let request = Request::get(self.url(&format!("/print/barcodes/{print}")));
            let made = self.value(request, Effect::None).await?;
            let url = cdek_wire::text(&made["entity"], "url");
            if !url.is_empty() {
                let request = Request::get(url).answer_bytes_max(reply::LABEL_BYTES_MAX);
                return Ok(reply::pdf(&self.send(request, Effect::None).await?));
            }
            tokio::time::sleep(PRINT_PAUSE).await;
        }
        Ok(None)
    }

    async fn points(&self, country: &str, city: &str) -> Answer<Vec<PickupPoint>> {
        let country = if country.is_empty() { RUSSIA } else { country };
        let request =
            Request::get(self.url("/location/cities")).query("city", city).query("country_codes", country);
        let cities = self.value(request, Effect::None).await?;
        let Some(code) = cities[0]["code"].as_i64() else { return Ok(Vec::new()) };
        let request = Request::get(self.url("/deliverypoints"))
            .query("city_code", &code.to_string())
            .query("type", "ALL");
        let points = self.value(request, Effect::None).await?;
        Ok(points
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .map(cdek_wire::pickup_point)
            .collect())
    }
}

/// How often a print is looked at before the job gives it another round.
const PRINT_LOOKS: usize = 4;
const PRINT_PAUSE: Duration = Duration::from_millis(500);

impl Carrier for Cdek {
    fn name(&self) -> &'static str {
        "cdek"
    }

    fn check(&self, parcel: &Consignment, fields: &mut Fields) {
        checks::recipient(parcel, fields);
        checks::destination(parcel, fields);
        checks::weight(parcel, WEIGHT_GRAMS_MAX, fields);
        let tariff = parcel.service.parse::<u32>().is_ok();
        fields.check(tariff, "carrier_service", "MALFORMED", "must be the number of a tariff, such as 136");
        let currency = parcel.declared_value.currency().code() == self.settings.get("currency");
        fields.check(
            currency,
            "goods_total.currency_code",
            "NOT_SERVED",
            "is not the currency of the account",
        );
    }

    fn create<'a>(&'a self, parcel: &'a Consignment) -> BoxFuture<'a, Answer<Booking>> {
        async move {
            let request = Request::post(self.url("/orders")).json(&self.new_order(parcel));
            let reply = self.send(request, Effect::Some).await?;
            let order: Order = reply::json(&reply, Effect::Some)?;
            let accepted = reply.status.as_u16() == 202 || reply.status.as_u16() == 200;
            match order.booking() {
                Some(Booking::Rejected { cause, .. }) => Err(CarrierError::Refused(cause)),
                Some(booking) if accepted && !booking.carrier_parcel_id().is_empty() => Ok(booking),
                _ => Err(order.refusal(reply.status.as_u16())),
            }
        }
        .boxed()
    }

    fn find<'a>(&'a self, reference: ShipmentId, _: Period) -> BoxFuture<'a, Answer<Vec<Booking>>> {
        async move {
            let request = Request::get(self.url("/orders")).query("im_number", &reference.to_string());
            Ok(self.order(request).await?.and_then(|order| order.booking()).into_iter().collect())
        }
        .boxed()
    }

    fn follow<'a>(&'a self, parcel: Booked<'a>) -> BoxFuture<'a, Answer<Booking>> {
        async move {
            let carrier_parcel_id = parcel.carrier_parcel_id.to_owned();
            let order = self.order_of(&carrier_parcel_id).await?;
            // Just accepted, it may not be there yet.
            Ok(order.and_then(|order| order.booking()).unwrap_or(Booking::Waiting { carrier_parcel_id }))
        }
        .boxed()
    }

    fn cancel<'a>(&'a self, parcel: Booked<'a>) -> BoxFuture<'a, Answer<Cancelled>> {
        async move {
            let id = parcel.carrier_parcel_id;
            let Some(before) = self.order_of(id).await? else {
                // Without a number it was accepted and may not be there yet: it will have to be cancelled once it is.
                let under_way = parcel.tracking_number.is_empty();
                return Ok(if under_way { Cancelled::Waiting } else { Cancelled::Done });
            };
            match (before.deletion(), before.booking()) {
                (cdek_wire::Deletion::Done, _) => return Ok(Cancelled::Done),
                (cdek_wire::Deletion::Waiting, _) => return Ok(Cancelled::Waiting),
                (cdek_wire::Deletion::Refused(cause), _) => return Err(CarrierError::Refused(cause)),
                // It is still being made, and nothing can be asked of it meanwhile; or it never was made.
                (cdek_wire::Deletion::NotAsked, Some(Booking::Waiting { .. })) => {
                    return Ok(Cancelled::Waiting);
                }
                (cdek_wire::Deletion::NotAsked, Some(Booking::Rejected { .. })) => {
                    return Ok(Cancelled::Done);
                }
                (cdek_wire::Deletion::NotAsked, _) => {}
            }
            let request = Request::delete(self.url(&format!("/orders/{id}")));
            let reply = self.send(request, Effect::None).await?;
            let order: Order = reply::json(&reply, Effect::None)?;
            match order.deletion() {
                cdek_wire::Deletion::Done => Ok(Cancelled::Done),
                cdek_wire::Deletion::Refused(cause) => Err(CarrierError::Refused(cause)),
                cdek_wire::Deletion::Waiting | cdek_wire::Deletion::NotAsked => Ok(Cancelled::Waiting),
            }
        }
        .boxed()
    }

    fn label<'a>(&'a self, parcel: Booked<'a>) -> BoxFuture<'a, Answer<Option<Label>>> {
        self.print(parcel.carrier_parcel_id).boxed()
    }

    fn quote<'a>(&'a self, cart: &'a Cart<'a>) -> BoxFuture<'a, Answer<Vec<ServicePrice>>> {
        async move {
            let Some(address) = cart.address else { return Ok(Vec::new()) };
            let currency = cart.goods_total.currency();
            if currency.code() != self.settings.get("currency") {
                return Ok(Vec::new());
            }
            let code: u32 = self.settings.get("from_city_code").parse().unwrap_or(0);
            let ask = json!({
                "from_location": { "code": code },
                "to_location": self.location(address),
                "packages": [{ "weight": cart.weight_grams }],
            });
            let request = Request::post(self.url("/calculator/tarifflist")).json(&ask);
            Ok(cdek_wire::prices(&self.value(request, Effect::None).await?, currency))
        }
        .boxed()
    }

    fn pickup_points<'a>(
        &'a self,
        country: &'a str,
        city: &'a str,
    ) -> BoxFuture<'a, Answer<Vec<PickupPoint>>> {
        self.points(country, city).boxed()
    }

    fn track<'a>(
        &'a self,
        parcels: &'a [TrackedParcel],
        _: DateTime<Utc>,
    ) -> BoxFuture<'a, Answer<Vec<Report>>> {
        async move {
            let mut reports = Vec::new();
            for parcel in parcels {
                if let Some(order) = self.order_of(&parcel.carrier_parcel_id).await? {
                    reports.push(order.report(&parcel.carrier_parcel_id));
                }
            }
            Ok(reports)
        }
        .boxed()
    }

    fn codes(&self) -> &'static CodeMap {
        &CDEK_CODES
    }

    /// Nobody signs them, so nothing of them is believed: whoever sends one makes us ask about a parcel of ours.
    fn verify_webhook(&self, webhook: &Webhook<'_>) -> Result<(), Unverified> {
        self.read_webhook(webhook.body).map(drop).map_err(|_| Unverified)
    }

    fn read_webhook(&self, body: &[u8]) -> Result<Notice, Unreadable> {
        #[derive(Deserialize)]
        struct Told {
            #[serde(rename = "type")]
            kind: String,
            uuid: String,
        }
        let told: Told = serde_json::from_slice(body).map_err(|_| Unreadable)?;
        Ok(match told.kind.as_str() {
            "ORDER_STATUS" => {
                Notice::AskAgain { carrier_parcel_id: told.uuid, tracking_number: String::new() }
            }
            _ => Notice::Nothing,
        })
    }

    fn send_webhooks_to<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Answer<()>> {
        async move {
            let told = self.value(Request::get(self.url("/webhooks")), Effect::None).await?;
            let told = told.as_array().map(Vec::as_slice).unwrap_or_default();
            let same = |one: &&Value| {
                cdek_wire::text(one, "url") == url && cdek_wire::text(one, "type") == "ORDER_STATUS"
            };
            if url.is_empty() || told.iter().any(|one| same(&one)) {
                return Ok(());
            }
            let body = json!({ "type": "ORDER_STATUS", "url": url });
            self.value(Request::post(self.url("/webhooks")).json(&body), Effect::None).await?;
            Ok(())
        }
        .boxed()
    }
}
