//! The card contract of `korob_card.md`, for providers without a dialect of their own.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use outbound::{Client, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use types::Money;

use super::{
    ANSWER_BYTES_MAX, Answer, Asked, ChargeOrder, EFFECT_DEADLINE, Lateness, Notice, Provider,
    QUESTION_DEADLINE, RefundOrder, Subject, Trouble, Untrusted, Webhook, signature,
};
use crate::model::account::Access;
use crate::model::attempt::{ChargeStatus, Report};
use crate::model::refund::{RefundReport, RefundStatus};

/// For how long a charge request may arrive and be carried out.
const VALID_TIME: Duration = Duration::from_secs(120);
/// How much the provider's clock may differ from ours.
const CLOCK_DIFFERENCE_MAX: Duration = Duration::from_secs(60);

/// The adapter.
pub struct KorobCard(Client);

#[derive(Deserialize)]
struct Charge {
    charge_id: String,
    reference: String,
    status: String,
    amount_minor: i64,
    #[serde(default)]
    captured_minor: i64,
    currency: String,
    redirect_url: Option<String>,
    decline: Option<Problem>,
}

#[derive(Deserialize)]
struct Charges {
    charges: Vec<Charge>,
}

#[derive(Deserialize)]
struct Refund {
    refund_id: String,
    reference: String,
    #[serde(default)]
    charge_id: String,
    status: String,
    amount_minor: i64,
    currency: String,
    decline: Option<Problem>,
}

#[derive(Deserialize)]
struct Failed {
    error: Problem,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
}

#[derive(Deserialize)]
struct Event {
    event_id: String,
    r#type: String,
    charge: Option<Charge>,
    refund: Option<Refund>,
}

impl KorobCard {
    /// Over `client`.
    pub const fn new(client: Client) -> Self {
        Self(client)
    }

    async fn call<T: DeserializeOwned>(&self, access: &Access, request: Request) -> Answer<T> {
        let request = request.bearer(access.credential("api_key")).answer_bytes_max(ANSWER_BYTES_MAX);
        let answer = self.0.send(request).await.map_err(|failure| Trouble::of(&failure))?;
        // The body decides: an answer of 200 may hold an error, too.
        if let Ok(Failed { error }) = answer.json::<Failed>() {
            return Err(meaning(error.code));
        }
        if !answer.status.is_success() {
            return Err(Trouble::unknown(format!("status {}", answer.status.as_u16())));
        }
        answer.json().map_err(|error| Trouble::unknown(format!("not readable: {error}")))
    }

    async fn post_charge(&self, access: &Access, order: &ChargeOrder) -> Answer<Report> {
        let valid_until = (order.begin_time + VALID_TIME).to_rfc3339_opts(SecondsFormat::Micros, true);
        let body = json!({
            "reference": order.attempt.to_string(),
            "amount_minor": order.amount.minor(),
            "currency": order.amount.currency().code(),
            "capture": order.automatic,
            "payment_token": order.buyer.token,
            "return_url": order.buyer.return_url,
            "description": format!("Order {}", order.order),
            "valid_until_time": valid_until,
            "metadata": {"payment_id": order.payment.to_string(), "order_id": order.order.to_string()},
        });
        let request = Request::post(access.url("/v1/charges"))
            .header("Idempotency-Key", &order.attempt.to_string())
            .json(&body)
            .within(EFFECT_DEADLINE);
        report(self.call(access, request).await?, order)
    }

    async fn find(&self, access: &Access, order: &ChargeOrder) -> Answer<Asked> {
        let request = Request::get(access.url("/v1/charges"))
            .query("reference", &order.attempt.to_string())
            .within(QUESTION_DEADLINE);
        let found: Charges = self.call(access, request).await?;
        if let Some(charge) = found.charges.into_iter().next() {
            return Ok(Asked::Found(report(charge, order)?));
        }
        if order.now > order.begin_time + VALID_TIME + CLOCK_DIFFERENCE_MAX {
            return Ok(Asked::Never);
        }
        match order.lateness {
            Lateness::TooLate => Ok(Asked::NotYet),
            Lateness::StillWanted => match self.post_charge(access, order).await {
                Ok(report) => Ok(Asked::Found(report)),
                Err(Trouble::Refused { code }) if code == "expired" => Ok(Asked::Never),
                Err(trouble) => Err(trouble),
            },
        }
    }

    async fn post(
        &self,
        access: &Access,
        order: &ChargeOrder,
        path: String,
        key: String,
        body: serde_json::Value,
    ) -> Answer<Report> {
        let request = Request::post(access.url(&path)).header("Idempotency-Key", &key).json(&body);
        report(self.call(access, request.within(EFFECT_DEADLINE)).await?, order)
    }

    async fn post_refund(&self, access: &Access, order: &RefundOrder) -> Answer<RefundReport> {
        let body = json!({
            "reference": order.key,
            "charge_id": order.charge,
            "amount_minor": order.amount.minor(),
            "currency": order.amount.currency().code(),
            "reason": order.reason,
        });
        let request = Request::post(access.url("/v1/refunds"))
            .header("Idempotency-Key", &order.key)
            .json(&body)
            .within(EFFECT_DEADLINE);
        refund_report(self.call(access, request).await?, order)
    }
}

impl Provider for KorobCard {
    fn charge<'a>(&'a self, access: &'a Access, order: &'a ChargeOrder) -> BoxFuture<'a, Answer<Report>> {
        self.post_charge(access, order).boxed()
    }

    fn ask<'a>(&'a self, access: &'a Access, order: &'a ChargeOrder) -> BoxFuture<'a, Answer<Asked>> {
        self.find(access, order).boxed()
    }

    fn look<'a>(
        &'a self,
        access: &'a Access,
        order: &'a ChargeOrder,
        reference: &'a str,
    ) -> BoxFuture<'a, Answer<Report>> {
        let request = Request::get(access.url(&format!("/v1/charges/{reference}"))).within(QUESTION_DEADLINE);
        async move { report(self.call(access, request).await?, order) }.boxed()
    }

    fn capture<'a>(
        &'a self,
        access: &'a Access,
        order: &'a ChargeOrder,
        reference: &'a str,
        amount: Money,
    ) -> BoxFuture<'a, Answer<Report>> {
        let body = json!({"amount_minor": amount.minor(), "currency": amount.currency().code()});
        let path = format!("/v1/charges/{reference}/capture");
        self.post(access, order, path, format!("{}/capture/{}", order.attempt, amount.minor()), body).boxed()
    }

    fn release<'a>(
        &'a self,
        access: &'a Access,
        order: &'a ChargeOrder,
        reference: &'a str,
    ) -> BoxFuture<'a, Answer<Report>> {
        let path = format!("/v1/charges/{reference}/void");
        self.post(access, order, path, format!("{}/void", order.attempt), json!({})).boxed()
    }

    fn refund<'a>(
        &'a self,
        access: &'a Access,
        order: &'a RefundOrder,
    ) -> BoxFuture<'a, Answer<RefundReport>> {
        self.post_refund(access, order).boxed()
    }

    fn look_refund<'a>(
        &'a self,
        access: &'a Access,
        order: &'a RefundOrder,
        reference: &'a str,
    ) -> BoxFuture<'a, Answer<RefundReport>> {
        let request = Request::get(access.url(&format!("/v1/refunds/{reference}"))).within(QUESTION_DEADLINE);
        async move { refund_report(self.call(access, request).await?, order) }.boxed()
    }

    fn may_go_elsewhere(&self, code: &str) -> bool {
        code == "acquirer_unavailable"
    }

    fn verify(&self, access: &Access, webhook: &Webhook<'_>, now: DateTime<Utc>) -> Result<(), Untrusted> {
        let header = |name: &str| webhook.headers.get(name).map(String::as_str).unwrap_or_default();
        let signatures = signature::parts(header("card-signature"), "v1");
        let secret = access.credential("webhook_secret");
        signature::verify(secret, header("card-timestamp"), &signatures, webhook.body, now)
    }

    fn read(&self, body: &[u8]) -> Option<Notice> {
        let event: Event = serde_json::from_slice(body).ok()?;
        let subject = match (event.charge, event.refund) {
            (Some(charge), _) => {
                Subject::Charge { attempt: charge.reference.parse().ok(), reference: charge.charge_id }
            }
            (None, Some(refund)) => Subject::Refund {
                // A repeated try has the number of the try behind the id.
                refund: refund.reference.split('-').next().and_then(|id| id.parse().ok()),
                reference: refund.refund_id,
                charge: refund.charge_id,
            },
            (None, None) => Subject::Nothing,
        };
        Some(Notice { event_id: Some(event.event_id), kind: event.r#type, subject })
    }
}

fn meaning(code: String) -> Trouble {
    match code.as_str() {
        "unauthorized" | "limit_exceeded" | "unavailable" | "currency_not_supported" => {
            Trouble::NotDone { code }
        }
        "invalid_request"
        | "not_found"
        | "already_captured"
        | "not_authorized"
        | "not_captured"
        | "amount_too_large"
        | "refund_exceeds_captured"
        | "expired" => Trouble::Refused { code },
        _ => Trouble::unknown(code),
    }
}

/// What a charge says, when it is the one that was asked for.
fn report(charge: Charge, order: &ChargeOrder) -> Answer<Report> {
    let (amount, currency) = (order.amount, order.amount.currency());
    let ours = charge.reference == order.attempt.to_string()
        && charge.amount_minor == amount.minor()
        && charge.currency == currency.code();
    if !ours {
        return Err(Trouble::unknown("the answer tells of another charge"));
    }
    let code = charge.decline.map_or_else(|| "declined".to_owned(), |decline| decline.code);
    let status = match (charge.status.as_str(), charge.redirect_url) {
        ("pending", _) => ChargeStatus::Processing,
        ("requires_action", Some(redirect_url)) => ChargeStatus::RequiresAction { redirect_url },
        ("authorized", _) => ChargeStatus::Authorized,
        ("captured", _) => ChargeStatus::Captured(Money::new(currency, charge.captured_minor)),
        ("failed", _) => ChargeStatus::Failed { code },
        ("voided", _) => ChargeStatus::Released,
        (other, _) => return Err(Trouble::unknown(format!("the charge is {other:?}"))),
    };
    Ok(Report { reference: charge.charge_id, status })
}

fn refund_report(refund: Refund, order: &RefundOrder) -> Answer<RefundReport> {
    let ours = refund.reference == order.key
        && refund.amount_minor == order.amount.minor()
        && refund.currency == order.amount.currency().code();
    if !ours {
        return Err(Trouble::unknown("the answer tells of another refund"));
    }
    let code = refund.decline.map_or_else(|| "refused".to_owned(), |decline| decline.code);
    let status = match refund.status.as_str() {
        "pending" => RefundStatus::Pending,
        "succeeded" => RefundStatus::Succeeded,
        "failed" => RefundStatus::Failed { code },
        other => return Err(Trouble::unknown(format!("the refund is {other:?}"))),
    };
    Ok(RefundReport { reference: refund.refund_id, status })
}
