//! Stripe's payment intents. Webhooks are signed; their order is not promised, so the intent itself is asked for.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use outbound::{Client, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use types::{Currency, Money};

use super::{
    ANSWER_BYTES_MAX, Answer, Asked, ChargeOrder, EFFECT_DEADLINE, Notice, Provider, QUESTION_DEADLINE,
    RefundOrder, Subject, Trouble, Untrusted, Webhook, signature,
};
use crate::model::account::Access;
use crate::model::attempt::{ChargeStatus, Report};
use crate::model::refund::{RefundReport, RefundStatus};

/// Currencies whose amounts Stripe counts in whole units. That is its own list, not that of ISO 4217.
const WHOLE_UNITS: [&str; 15] =
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"];
/// Currencies without a minor unit whose amounts Stripe counts in hundredths all the same.
const HUNDREDTHS_OF_WHOLE: [&str; 2] = ["ISK", "UGX"];
/// Currencies with three digits, of which the last must be zero.
const TENTHS_ONLY: [&str; 5] = ["BHD", "JOD", "KWD", "OMR", "TND"];

/// The adapter.
pub struct Stripe(Client);

#[derive(Deserialize)]
struct Intent {
    id: String,
    status: String,
    amount: i64,
    #[serde(default)]
    amount_received: i64,
    currency: String,
    next_action: Option<NextAction>,
    last_payment_error: Option<Problem>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct NextAction {
    redirect_to_url: Option<Redirect>,
}

#[derive(Deserialize)]
struct Redirect {
    url: String,
}

#[derive(Deserialize)]
struct Refund {
    id: String,
    status: String,
    amount: i64,
    failure_reason: Option<String>,
    payment_intent: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Failed {
    error: Problem,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    r#type: String,
    code: Option<String>,
    decline_code: Option<String>,
    payment_intent: Option<Box<Intent>>,
}

#[derive(Deserialize)]
struct Event {
    id: String,
    r#type: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    id: String,
    #[serde(default)]
    object: String,
    payment_intent: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl Problem {
    /// The narrowest word for it.
    fn word(&self) -> String {
        let narrow = self.decline_code.clone().or_else(|| self.code.clone());
        narrow.unwrap_or_else(|| self.r#type.clone())
    }
}

impl Stripe {
    /// Over `client`.
    pub const fn new(client: Client) -> Self {
        Self(client)
    }

    async fn call<T: DeserializeOwned>(
        &self,
        access: &Access,
        request: Request,
    ) -> Answer<Result<T, Problem>> {
        let request = request.bearer(access.credential("secret_key")).answer_bytes_max(ANSWER_BYTES_MAX);
        let answer = self.0.send(request).await.map_err(|failure| Trouble::of(&failure))?;
        if let Ok(Failed { error }) = answer.json::<Failed>() {
            return match (answer.status.as_u16(), error.r#type.as_str()) {
                (402, _) | (_, "card_error") => Ok(Err(error)),
                (401 | 403 | 429, _) => Err(Trouble::NotDone { code: error.word() }),
                (409, _) | (_, "idempotency_error") => Err(Trouble::unknown(error.word())),
                (400 | 404, _) => Err(Trouble::Refused { code: error.word() }),
                (status, _) => Err(Trouble::unknown(format!("status {status}: {}", error.word()))),
            };
        }
        if !answer.status.is_success() {
            return Err(Trouble::unknown(format!("status {}", answer.status.as_u16())));
        }
        answer.json().map(Ok).map_err(|error| Trouble::unknown(format!("not readable: {error}")))
    }

    async fn intent(&self, access: &Access, order: &ChargeOrder, request: Request) -> Answer<Report> {
        match self.call::<Intent>(access, request).await? {
            Ok(intent) => report(intent, order),
            Err(declined) => {
                let code = declined.word();
                let reference = declined.payment_intent.map(|intent| intent.id).unwrap_or_default();
                Ok(Report { reference, status: ChargeStatus::Failed { code } })
            }
        }
    }

    async fn post_intent(&self, access: &Access, order: &ChargeOrder) -> Answer<Report> {
        // There is no page of Stripe's for a bare intent: without a card another account is tried.
        let Some(token) = &order.buyer.token else {
            return Err(Trouble::NotDone { code: "payment_token_required".to_owned() });
        };
        let (amount, currency) = (units(order.amount)?.to_string(), code_of(order.amount.currency()));
        let description = format!("Order {}", order.order);
        let (attempt, payment) = (order.attempt.to_string(), order.payment.to_string());
        let mut fields = vec![
            ("amount", amount.as_str()),
            ("currency", &currency),
            ("capture_method", if order.automatic { "automatic" } else { "manual" }),
            ("payment_method", token),
            ("payment_method_types[]", "card"),
            ("confirm", "true"),
            ("description", &description),
            ("metadata[attempt_id]", &attempt),
            ("metadata[payment_id]", &payment),
        ];
        if let Some(return_url) = &order.buyer.return_url {
            fields.push(("return_url", return_url));
        }
        let request = post(access, "/v1/payment_intents", &attempt, &fields);
        self.intent(access, order, request).await
    }

    async fn refund_of(
        &self,
        access: &Access,
        order: &RefundOrder,
        request: Request,
    ) -> Answer<RefundReport> {
        match self.call::<Refund>(access, request).await? {
            Ok(refund) => refund_report(refund, order),
            Err(refused) => Err(Trouble::Refused { code: refused.word() }),
        }
    }
}

impl Provider for Stripe {
    fn charge<'a>(&'a self, access: &'a Access, order: &'a ChargeOrder) -> BoxFuture<'a, Answer<Report>> {
        self.post_intent(access, order).boxed()
    }

    fn ask<'a>(&'a self, access: &'a Access, order: &'a ChargeOrder) -> BoxFuture<'a, Answer<Asked>> {
        async move {
            // Without a card nothing was ever posted, and nothing will be.
            if order.buyer.token.is_none() {
                return Ok(Asked::Never);
            }
            // Searching lags behind what was done: the same key is how one asks, as long as the key is known there.
            match order.key_lives() {
                true => Ok(Asked::Found(self.post_intent(access, order).await?)),
                false => Ok(Asked::NotYet),
            }
        }
        .boxed()
    }

    fn look<'a>(
        &'a self,
        access: &'a Access,
        order: &'a ChargeOrder,
        reference: &'a str,
    ) -> BoxFuture<'a, Answer<Report>> {
        let url = access.url(&format!("/v1/payment_intents/{reference}"));
        async move { self.intent(access, order, Request::get(url).within(QUESTION_DEADLINE)).await }.boxed()
    }

    fn capture<'a>(
        &'a self,
        access: &'a Access,
        order: &'a ChargeOrder,
        reference: &'a str,
        amount: Money,
    ) -> BoxFuture<'a, Answer<Report>> {
        async move {
            let (path, key) = (
                format!("/v1/payment_intents/{reference}/capture"),
                format!("{}/capture/{}", order.attempt, amount.minor()),
            );
            let amount = units(amount)?.to_string();
            self.intent(access, order, post(access, &path, &key, &[("amount_to_capture", amount.as_str())]))
                .await
        }
        .boxed()
    }

    fn release<'a>(
        &'a self,
        access: &'a Access,
        order: &'a ChargeOrder,
        reference: &'a str,
    ) -> BoxFuture<'a, Answer<Report>> {
        async move {
            let (path, key) =
                (format!("/v1/payment_intents/{reference}/cancel"), format!("{}/cancel", order.attempt));
            let reason = [("cancellation_reason", "abandoned")];
            self.intent(access, order, post(access, &path, &key, &reason)).await
        }
        .boxed()
    }

    fn refund<'a>(
        &'a self,
        access: &'a Access,
        order: &'a RefundOrder,
    ) -> BoxFuture<'a, Answer<RefundReport>> {
        async move {
            let (amount, ours) = (units(order.amount)?.to_string(), order.refund.to_string());
            let fields = [
                ("payment_intent", order.charge.as_str()),
                ("amount", amount.as_str()),
                ("metadata[refund_id]", ours.as_str()),
                // Each try has a key of its own, so that what is told of a refused one is not taken for the next.
                ("metadata[refund_key]", order.key.as_str()),
            ];
            self.refund_of(access, order, post(access, "/v1/refunds", &order.key, &fields)).await
        }
        .boxed()
    }

    fn look_refund<'a>(
        &'a self,
        access: &'a Access,
        order: &'a RefundOrder,
        reference: &'a str,
    ) -> BoxFuture<'a, Answer<RefundReport>> {
        let url = access.url(&format!("/v1/refunds/{reference}"));
        async move { self.refund_of(access, order, Request::get(url).within(QUESTION_DEADLINE)).await }
            .boxed()
    }

    fn may_go_elsewhere(&self, _: &str) -> bool {
        false
    }

    fn verify(&self, access: &Access, webhook: &Webhook<'_>, now: DateTime<Utc>) -> Result<(), Untrusted> {
        let header = webhook.headers.get("stripe-signature").map(String::as_str).unwrap_or_default();
        let timestamp = signature::parts(header, "t").first().copied().unwrap_or_default();
        let signatures = signature::parts(header, "v1");
        signature::verify(access.credential("webhook_secret"), timestamp, &signatures, webhook.body, now)
    }

    fn read(&self, body: &[u8]) -> Option<Notice> {
        let event: Event = serde_json::from_slice(body).ok()?;
        let object = event.data.object;
        let ours = |name: &str| object.metadata.get(name).cloned().unwrap_or_default();
        let subject = match object.object.as_str() {
            "payment_intent" => {
                Subject::Charge { attempt: ours("attempt_id").parse().ok(), reference: object.id.clone() }
            }
            "refund" => Subject::Refund {
                refund: ours("refund_id").parse().ok(),
                reference: object.id.clone(),
                charge: object.payment_intent.clone().unwrap_or_default(),
            },
            _ => Subject::Nothing,
        };
        Some(Notice { event_id: Some(event.id), kind: event.r#type, subject })
    }
}

fn post(access: &Access, path: &str, key: &str, fields: &[(&str, &str)]) -> Request {
    let request = Request::post(access.url(path)).header("Idempotency-Key", key);
    request.form(fields).within(EFFECT_DEADLINE)
}

fn code_of(currency: Currency) -> String {
    currency.code().to_ascii_lowercase()
}

/// How many digits Stripe counts a currency with.
fn digits(currency: Currency) -> u32 {
    match currency.code() {
        code if WHOLE_UNITS.contains(&code) => 0,
        code if HUNDREDTHS_OF_WHOLE.contains(&code) => 2,
        _ => currency.digits(),
    }
}

/// An amount as Stripe counts it.
///
/// # Errors
/// It is finer than Stripe takes it.
pub fn units(amount: Money) -> Answer<i64> {
    let refused = || Trouble::Refused { code: "amount_too_fine".to_owned() };
    let currency = amount.currency();
    if TENTHS_ONLY.contains(&currency.code()) && amount.minor() % 10 != 0 {
        return Err(refused());
    }
    let (theirs, ours) = (digits(currency), currency.digits());
    match theirs.checked_sub(ours) {
        Some(more) => amount.minor().checked_mul(10_i64.pow(more)).ok_or_else(refused),
        None => {
            let scale = 10_i64.pow(ours - theirs);
            if amount.minor() % scale == 0 { Ok(amount.minor() / scale) } else { Err(refused()) }
        }
    }
}

/// The amount that Stripe counts as `units`.
pub fn amount_of(units: i64, currency: Currency) -> Option<Money> {
    let (theirs, ours) = (digits(currency), currency.digits());
    let minor = match ours.checked_sub(theirs) {
        Some(more) => units.checked_mul(10_i64.pow(more))?,
        None => (units % 10_i64.pow(theirs - ours) == 0).then(|| units / 10_i64.pow(theirs - ours))?,
    };
    Some(Money::new(currency, minor))
}

/// What an intent says, when it is the one that was asked for.
fn report(intent: Intent, order: &ChargeOrder) -> Answer<Report> {
    let currency = order.amount.currency();
    let ours = intent.metadata.get("attempt_id").map(String::as_str)
        == Some(order.attempt.to_string().as_str())
        && intent.currency == code_of(currency)
        && amount_of(intent.amount, currency) == Some(order.amount);
    if !ours {
        return Err(Trouble::unknown("the answer tells of another intent"));
    }
    let redirect_url =
        intent.next_action.and_then(|action| action.redirect_to_url).map(|redirect| redirect.url);
    let taken = amount_of(intent.amount_received, currency);
    let status = match (intent.status.as_str(), redirect_url, taken) {
        ("requires_action", Some(redirect_url), _) => ChargeStatus::RequiresAction { redirect_url },
        ("requires_confirmation" | "requires_action" | "processing", _, _) => ChargeStatus::Processing,
        ("requires_capture", _, _) => ChargeStatus::Authorized,
        ("succeeded", _, Some(taken)) => ChargeStatus::Captured(taken),
        ("requires_payment_method", _, _) => {
            let word = intent.last_payment_error.map(|problem| problem.word());
            ChargeStatus::Failed { code: word.unwrap_or_else(|| "requires_payment_method".to_owned()) }
        }
        ("canceled", _, _) => ChargeStatus::Released,
        (other, _, _) => return Err(Trouble::unknown(format!("the intent is {other:?}"))),
    };
    Ok(Report { reference: intent.id, status })
}

fn refund_report(refund: Refund, order: &RefundOrder) -> Answer<RefundReport> {
    let other_charge = refund.payment_intent.is_some_and(|intent| intent != order.charge);
    let other_try = refund.metadata.get("refund_key") != Some(&order.key);
    if other_charge || other_try || amount_of(refund.amount, order.amount.currency()) != Some(order.amount) {
        return Err(Trouble::unknown("the answer tells of another refund"));
    }
    let status = match refund.status.as_str() {
        "pending" | "requires_action" => RefundStatus::Pending,
        "succeeded" => RefundStatus::Succeeded,
        "failed" | "canceled" => {
            RefundStatus::Failed { code: refund.failure_reason.unwrap_or_else(|| refund.status.clone()) }
        }
        other => return Err(Trouble::unknown(format!("the refund is {other:?}"))),
    };
    Ok(RefundReport { reference: refund.id, status })
}
