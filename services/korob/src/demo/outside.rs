//! What is outside the suite on this day: a card provider and a carrier in miniature, and a partner's program, failing as real ones do.

use std::time::Duration;

use anyhow::Context;
use http::{Method, Request};
use serde_json::json;
use simulators::{Fault, Partner, Simulators};

use crate::demo::shop::text;
use crate::rest::Client;

/// Where they listen.
pub const NETWORK: &str = "127.0.0.0/8";
/// How long a line that is cut hangs before: long enough to matter, short enough to watch.
const HANG: Duration = Duration::from_millis(300);
/// How long the suite may take to tell the carrier where it listens.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);
const LOST_ANSWERS: f64 = 0.1;
const BAD_WEBHOOKS: f64 = 0.2;

/// The simulated providers, and who wants to hear of orders.
pub struct Outside {
    pub simulators: Simulators,
    pub partner: Partner,
}

impl Outside {
    /// Starts them; from the first call on some answers get lost and some webhooks come twice or out of order.
    pub async fn start() -> Self {
        let simulators = Simulators::start().await;
        simulators
            .faults("card")
            .hang(HANG)
            .probability(Fault::TimeoutAfterEffect, LOST_ANSWERS)
            .probability(Fault::DuplicateWebhook, BAD_WEBHOOKS)
            .probability(Fault::ReorderWebhook, BAD_WEBHOOKS);
        Self { simulators, partner: Partner::start().await }
    }

    /// Opens an account of a shop at the card provider, which tells the gateway what becomes of the charges.
    pub async fn open_card_account(&self, rest: &Client, gateway: &str, shop_id: &str) -> anyhow::Result<()> {
        let (api_key, secret) = (format!("demo-{shop_id}"), format!("webhooks-of-{shop_id}"));
        let account = json!({ "paymentAccount": {
            "shopId": shop_id, "kind": "PROVIDER_KIND_KOROB_CARD", "name": "Cards",
            "baseUrl": self.simulators.url("card"), "captureMode": "CAPTURE_MODE_AUTOMATIC", "enabled": true,
            "credentials": { "api_key": api_key, "webhook_secret": secret },
        } });
        let made = rest.post("/v1/payment-accounts", &format!("cards-{shop_id}"), &account).await?.ok()?;
        let account_id = text(&made, "providerAccountId")?;

        let receiver =
            json!({ "url": format!("{gateway}/v1/webhooks/payments/{account_id}"), "secret": secret });
        let request = Request::builder()
            .method(Method::PUT)
            .uri("/v1/webhook")
            .header("content-type", "application/json");
        let provider = Client::with_key(self.simulators.url("card"), api_key);
        provider.send_raw(request, serde_json::to_vec(&receiver)?).await?.ok()?;
        Ok(())
    }

    /// Opens an account of a shop at the carrier, and a way to deliver with it; the way's id.
    pub async fn open_carrier_account(
        &self,
        rest: &Client,
        gateway: &str,
        shop_id: &str,
    ) -> anyhow::Result<String> {
        let account = json!({ "carrierAccount": {
            "shopId": shop_id, "kind": "CARRIER_KIND_PARCEL", "name": "Parcels",
            "baseUrl": self.simulators.url("parcel"), "enabled": true,
            "credentials": { "api_key": format!("demo-{shop_id}"), "webhook_secret": format!("webhooks-of-{shop_id}") },
        } });
        let made = rest.post("/v1/carrier-accounts", &format!("parcels-{shop_id}"), &account).await?.ok()?;
        let account_id = text(&made, "carrierAccountId")?;
        // The carrier is told where its webhooks go by the service itself, once it knows the account's address.
        let change = json!({
            "carrierAccount": { "webhookUrl": format!("{gateway}/v1/webhooks/carriers/{account_id}"), "etag": made["etag"] },
            "updateMask": "webhookUrl",
        });
        rest.patch(&format!("/v1/carrier-accounts/{account_id}"), &change).await?.ok()?;

        let method = json!({ "deliveryMethod": {
            "shopId": shop_id, "kind": "DELIVERY_KIND_PARCEL", "name": "Посилка", "cashOnDelivery": true, "sortOrder": 3,
            "carrierAccountId": account_id, "carrierService": "standard",
            "tariffs": [{ "price": { "amount": "120", "currencyCode": "RUB" }, "daysMin": 1, "daysMax": 3 }],
        } });
        let made = rest.post("/v1/delivery-methods", &format!("parcel-{shop_id}"), &method).await?.ok()?;
        text(&made, "deliveryMethodId")
    }

    /// Waits until the carrier was told by `accounts` accounts where its webhooks go: a carrier that goes down before is told a
    /// minute later, and what happened to parcels until then is only seen when it is asked.
    pub async fn carrier_knows_receivers(&self, accounts: usize) -> anyhow::Result<()> {
        let told = async {
            while self.simulators.webhook_receivers("parcel").len() < accounts {
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(PATIENCE, told).await.context("the carrier was not told where its webhooks go")
    }

    /// The carrier answers nothing but errors.
    pub fn carrier_goes_down(&self) {
        self.simulators.faults("parcel").hang(HANG).probability(Fault::Error5xx, 1.0);
    }

    /// The carrier answers again, though some answers get lost.
    pub fn carrier_comes_back(&self) {
        self.simulators
            .faults("parcel")
            .probability(Fault::Error5xx, 0.0)
            .probability(Fault::TimeoutAfterEffect, LOST_ANSWERS)
            .probability(Fault::DuplicateWebhook, BAD_WEBHOOKS);
    }
}
