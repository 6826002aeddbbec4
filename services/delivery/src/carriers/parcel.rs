//! A carrier that speaks the parcel contract (`parcel.md`): asynchronous acceptance, errors within answers of 200, signed
//! webhooks.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, FutureExt};
use hmac::{Hmac, Mac};
use outbound::{Answer as Reply, Client, Request};
use rpc::Fields;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use types::ShipmentId;

use super::parcel_wire::{
    AskPrices, AskTracking, ManyParcels, NewParcel, OneParcel, Points, Prices, Tracking, Verdict, WireWebhook,
};
use super::reply::{self, Effect};
use super::{
    Answer, Booked, Booking, Cancelled, Carrier, CarrierError, CodeMap, Notice, PARCEL_CODES, Period,
    PickupPoint, Report, ServicePrice, TrackedParcel, Unreadable, Unverified, Webhook, checks,
};
use crate::model::address::Address;
use crate::model::carrier_account::CarrierAccount;
use crate::model::consignment::Consignment;
use crate::model::label_rows::Label;
use crate::model::tariff::Cart;

/// Numbers of one question for tracking.
const TRACK_BATCH_MAX: usize = 50;
/// How far the clocks of the two sides may differ.
const SIGNATURE_AGE_MAX: i64 = 300;
/// Branches of one page, and pages of one city.
const POINTS_PAGE: usize = 500;
const POINT_PAGES_MAX: usize = 20;
const WEIGHT_GRAMS_MAX: i32 = 1_000_000;
/// The service that ends at a branch or a locker.
const POINT_SERVICE: &str = "point";

/// A carrier that speaks the parcel contract.
pub struct ParcelCarrier {
    client: Client,
    base_url: String,
    api_key: String,
    webhook_secret: String,
}

impl ParcelCarrier {
    /// The carrier of `account`.
    pub fn new(client: Client, account: &CarrierAccount) -> Self {
        Self {
            client,
            base_url: account.base_url.clone(),
            api_key: account.credentials.get("api_key").to_owned(),
            webhook_secret: account.credentials.get("webhook_secret").to_owned(),
        }
    }

    async fn ask<T: DeserializeOwned>(&self, request: Request, effect: Effect) -> Answer<T> {
        let reply = reply::send(&self.client, request.bearer(&self.api_key), effect).await?;
        read(&reply, effect)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    async fn points(&self, country: &str, city: &str) -> Answer<Vec<PickupPoint>> {
        let mut found = Vec::new();
        let mut after = String::new();
        for _ in 0..POINT_PAGES_MAX {
            let request = Request::get(self.url("/v1/points"))
                .query("country_code", country)
                .query("city", city)
                .query("limit", &POINTS_PAGE.to_string())
                .query("after", &after);
            let page: Points = self.ask(request, Effect::None).await?;
            found.extend(page.points.into_iter().map(PickupPoint::from));
            if page.next.is_empty() || page.next == after {
                break;
            }
            after = page.next;
        }
        Ok(found)
    }

    fn signature(&self, timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(self.webhook_secret.as_bytes()).ok()?;
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        Some(mac)
    }
}

impl Carrier for ParcelCarrier {
    fn name(&self) -> &'static str {
        "parcel"
    }

    fn check(&self, parcel: &Consignment, fields: &mut Fields) {
        checks::recipient(parcel, fields);
        checks::destination(parcel, fields);
        checks::weight(parcel, WEIGHT_GRAMS_MAX, fields);
        if parcel.service == POINT_SERVICE {
            checks::pickup_point(parcel, fields);
        }
    }

    fn create<'a>(&'a self, parcel: &'a Consignment) -> BoxFuture<'a, Answer<Booking>> {
        async move {
            let request = Request::post(self.url("/v1/parcels")).json(&NewParcel::from(parcel));
            let made: OneParcel = self.ask(request, Effect::Some).await?;
            Ok(made.parcel.booking())
        }
        .boxed()
    }

    fn find<'a>(&'a self, reference: ShipmentId, _: Period) -> BoxFuture<'a, Answer<Vec<Booking>>> {
        async move {
            let request = Request::get(self.url("/v1/parcels")).query("reference", &reference.to_string());
            let found: ManyParcels = self.ask(request, Effect::None).await?;
            Ok(found.parcels.into_iter().map(|parcel| parcel.booking()).collect())
        }
        .boxed()
    }

    fn follow<'a>(&'a self, parcel: Booked<'a>) -> BoxFuture<'a, Answer<Booking>> {
        async move {
            let request = Request::get(self.url(&format!("/v1/parcels/{}", parcel.carrier_parcel_id)));
            let found: OneParcel = self.ask(request, Effect::None).await?;
            Ok(found.parcel.booking())
        }
        .boxed()
    }

    fn cancel<'a>(&'a self, parcel: Booked<'a>) -> BoxFuture<'a, Answer<Cancelled>> {
        async move {
            let url = self.url(&format!("/v1/parcels/{}/cancel", parcel.carrier_parcel_id));
            // Cancelling twice is cancelling once, so it may be asked again.
            let answer: OneParcel =
                self.ask(Request::post(url).json(&serde_json::json!({})), Effect::None).await?;
            Ok(match answer.parcel.booking() {
                Booking::Cancelled { .. } | Booking::Rejected { .. } => Cancelled::Done,
                Booking::Waiting { .. } | Booking::Registered { .. } => Cancelled::Waiting,
            })
        }
        .boxed()
    }

    fn label<'a>(&'a self, parcel: Booked<'a>) -> BoxFuture<'a, Answer<Option<Label>>> {
        async move {
            let url = self.url(&format!("/v1/parcels/{}/label", parcel.carrier_parcel_id));
            let request = Request::get(url).bearer(&self.api_key).answer_bytes_max(reply::LABEL_BYTES_MAX);
            let reply = reply::send(&self.client, request, Effect::None).await?;
            if let Some(label) = reply::pdf(&reply) {
                return Ok(Some(label));
            }
            match read::<serde_json::Value>(&reply, Effect::None) {
                Err(CarrierError::Refused(cause)) if cause.field == NOT_READY => Ok(None),
                Err(error) => Err(error),
                Ok(_) => Ok(None),
            }
        }
        .boxed()
    }

    fn quote<'a>(&'a self, cart: &'a Cart<'a>) -> BoxFuture<'a, Answer<Vec<ServicePrice>>> {
        async move {
            let nowhere = Address::default();
            let ask = AskPrices {
                destination: cart.address.unwrap_or(&nowhere).into(),
                weight_grams: cart.weight_grams,
                declared_value: cart.goods_total.into(),
                cod: cart.cash_on_delivery.then(|| cart.goods_total.into()),
            };
            let prices: Prices =
                self.ask(Request::post(self.url("/v1/quotes")).json(&ask), Effect::None).await?;
            Ok(prices.read())
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

    fn track_batch_max(&self) -> usize {
        TRACK_BATCH_MAX
    }

    fn track<'a>(
        &'a self,
        parcels: &'a [TrackedParcel],
        _: DateTime<Utc>,
    ) -> BoxFuture<'a, Answer<Vec<Report>>> {
        async move {
            let numbers = parcels.iter().map(|parcel| parcel.tracking_number.as_str()).collect();
            let request = Request::post(self.url("/v1/tracking")).json(&AskTracking { numbers });
            let tracking: Tracking = self.ask(request, Effect::None).await?;
            let known = tracking.parcels.into_iter().filter(|parcel| parcel.found);
            Ok(known.map(|parcel| parcel.report()).collect())
        }
        .boxed()
    }

    fn codes(&self) -> &'static CodeMap {
        &PARCEL_CODES
    }

    fn verify_webhook(&self, webhook: &Webhook<'_>) -> Result<(), Unverified> {
        let header = |name: &str| webhook.headers.get(name).map(String::as_str).unwrap_or_default();
        let (timestamp, signature) = (header("parcel-timestamp"), header("parcel-signature"));
        let sent: i64 = timestamp.parse().map_err(|_| Unverified)?;
        let fresh = (webhook.now.timestamp() - sent).abs() <= SIGNATURE_AGE_MAX;
        // Without a secret anybody could sign.
        if !fresh || self.webhook_secret.is_empty() {
            return Err(Unverified);
        }
        let given = signature.strip_prefix("v1=").and_then(from_hex).ok_or(Unverified)?;
        let mac = self.signature(timestamp, webhook.body).ok_or(Unverified)?;
        mac.verify_slice(&given).map_err(|_| Unverified)
    }

    fn read_webhook(&self, body: &[u8]) -> Result<Notice, Unreadable> {
        let webhook: WireWebhook = serde_json::from_slice(body).map_err(|_| Unreadable)?;
        Ok(match webhook.kind.as_str() {
            "parcel.tracked" | "cod.transferred" => Notice::Tracked(webhook.report()),
            "parcel.registered" | "parcel.rejected" | "parcel.cancelled" => {
                Notice::Booked(webhook.parcel.booking())
            }
            _ => Notice::Nothing,
        })
    }

    fn send_webhooks_to<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Answer<()>> {
        async move {
            let body = serde_json::json!({ "url": url, "secret": self.webhook_secret });
            self.ask::<serde_json::Value>(Request::put(self.url("/v1/webhook")).json(&body), Effect::None)
                .await?;
            Ok(())
        }
        .boxed()
    }
}

/// What `cause` puts into the field of an error that only says "later".
const NOT_READY: &str = "label_not_ready";

/// Reads an answer of the contract: first whether it is one.
fn read<T: DeserializeOwned>(reply: &Reply, effect: Effect) -> Answer<T> {
    let verdict: Verdict = reply::json(reply, effect)?;
    if verdict.ok {
        return reply::json(reply, effect);
    }
    let trouble = verdict.error.unwrap_or_default();
    let later =
        |cause: &str| CarrierError::NotNow { cause: cause.to_owned(), pause: Some(Duration::from_secs(60)) };
    Err(match trouble.code.as_str() {
        "limit_exceeded" => later("limit exceeded"),
        "unavailable" => later("not available"),
        // A key that was withdrawn is for the operator: nothing of the parcel is wrong, and it is asked for again.
        "unauthorized" => later("the carrier does not know the key of the account"),
        "label_not_ready" => {
            let mut cause = trouble.cause();
            cause.field = NOT_READY.to_owned();
            CarrierError::Refused(cause)
        }
        _ => CarrierError::Refused(trouble.cause()),
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
