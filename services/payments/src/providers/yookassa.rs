//! YooKassa's API v3. Webhooks are unsigned: they are taken from its networks only, and nothing they say is believed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use outbound::{Client, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use types::{Currency, Money};

use super::{
    ANSWER_BYTES_MAX, Answer, Asked, ChargeOrder, EFFECT_DEADLINE, Lateness, Notice, Provider,
    QUESTION_DEADLINE, RefundOrder, Subject, Trouble, Untrusted, Webhook, peer,
};
use crate::model::account::Access;
use crate::model::attempt::{ChargeStatus, Report};
use crate::model::refund::{RefundReport, RefundStatus};

/// Where its webhooks come from, unless the account's setting `webhook_networks` says otherwise: networks move.
const NETWORKS: &str = "185.71.76.0/27, 185.71.77.0/27, 77.75.153.0/25, 77.75.154.128/25, 77.75.156.11, 77.75.156.35, \
                        2a02:5180::/32";

/// The adapter.
pub struct Yookassa(Client);

#[derive(Deserialize)]
struct Payment {
    id: String,
    status: String,
    amount: Amount,
    confirmation: Option<Confirmation>,
    cancellation_details: Option<Cancellation>,
    #[serde(default)]
    metadata: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Amount {
    value: String,
    currency: String,
}

#[derive(Deserialize)]
struct Confirmation {
    confirmation_url: Option<String>,
}

#[derive(Deserialize)]
struct Cancellation {
    reason: String,
}

#[derive(Deserialize)]
struct Refund {
    id: String,
    status: String,
    payment_id: String,
    amount: Amount,
    #[serde(default)]
    description: String,
    cancellation_details: Option<Cancellation>,
}

#[derive(Deserialize)]
struct Failed {
    r#type: String,
    #[serde(default)]
    code: String,
}

#[derive(Deserialize)]
struct Notification {
    event: String,
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    id: String,
    payment_id: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, Value>,
}

impl Yookassa {
    /// Over `client`.
    pub const fn new(client: Client) -> Self {
        Self(client)
    }

    async fn call<T: DeserializeOwned>(&self, access: &Access, request: Request) -> Answer<T> {
        let request = request
            .basic(access.credential("shop_id"), access.credential("secret_key"))
            .answer_bytes_max(ANSWER_BYTES_MAX);
        let answer = self.0.send(request).await.map_err(|failure| Trouble::of(&failure))?;
        if let Some(failed) = answer.json::<Failed>().ok().filter(|failed| failed.r#type == "error") {
            return Err(meaning(answer.status.as_u16(), failed.code));
        }
        // 202 means that it is being worked on and is to be asked for again with the same key.
        if answer.status.as_u16() != 200 {
            return Err(match answer.status.as_u16() {
                429 => Trouble::NotDone { code: "too_many_requests".to_owned() },
                status => Trouble::unknown(format!("status {status}")),
            });
        }
        answer.json().map_err(|error| Trouble::unknown(format!("not readable: {error}")))
    }

    async fn post<T: DeserializeOwned>(
        &self,
        access: &Access,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Answer<T> {
        let request = Request::post(access.url(path)).header("Idempotence-Key", key).json(body);
        self.call(access, request.within(EFFECT_DEADLINE)).await
    }

    async fn get<T: DeserializeOwned>(&self, access: &Access, path: &str) -> Answer<T> {
        self.call(access, Request::get(access.url(path)).within(QUESTION_DEADLINE)).await
    }

    async fn post_payment(&self, access: &Access, order: &ChargeOrder) -> Answer<Report> {
        let mut body = json!({
            "amount": amount(order.amount),
            "capture": order.automatic,
            "description": format!("Order {}", order.order),
            "metadata": {"attempt_id": order.attempt.to_string(), "payment_id": order.payment.to_string()},
        });
        if let Some(token) = &order.buyer.token {
            body["payment_token"] = json!(token);
        }
        if let Some(return_url) = &order.buyer.return_url {
            body["confirmation"] = json!({"type": "redirect", "return_url": return_url});
        }
        report(self.post(access, "/payments", &order.attempt.to_string(), &body).await?, order)
    }
}

impl Provider for Yookassa {
    fn charge<'a>(&'a self, access: &'a Access, order: &'a ChargeOrder) -> BoxFuture<'a, Answer<Report>> {
        self.post_payment(access, order).boxed()
    }

    fn ask<'a>(&'a self, access: &'a Access, order: &'a ChargeOrder) -> BoxFuture<'a, Answer<Asked>> {
        async move {
            // There is no looking up by our id: the same key is how one asks, as long as the key is known there.
            match (order.key_lives(), order.lateness) {
                (true, Lateness::StillWanted | Lateness::TooLate) => {
                    Ok(Asked::Found(self.post_payment(access, order).await?))
                }
                (false, _) => Ok(Asked::NotYet),
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
        async move { report(self.get(access, &format!("/payments/{reference}")).await?, order) }.boxed()
    }

    fn capture<'a>(
        &'a self,
        access: &'a Access,
        order: &'a ChargeOrder,
        reference: &'a str,
        taken: Money,
    ) -> BoxFuture<'a, Answer<Report>> {
        async move {
            let (path, key) = (
                format!("/payments/{reference}/capture"),
                format!("{}-capture-{}", order.attempt, taken.minor()),
            );
            report(self.post(access, &path, &key, &json!({"amount": amount(taken)})).await?, order)
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
            let (path, key) = (format!("/payments/{reference}/cancel"), format!("{}-cancel", order.attempt));
            report(self.post(access, &path, &key, &json!({})).await?, order)
        }
        .boxed()
    }

    fn refund<'a>(
        &'a self,
        access: &'a Access,
        order: &'a RefundOrder,
    ) -> BoxFuture<'a, Answer<RefundReport>> {
        async move {
            let body = json!({
                "payment_id": order.charge,
                "amount": amount(order.amount),
                // Comes back with the refund: how one of several of the same sum is told from the others.
                "description": order.key,
            });
            refund_report(self.post(access, "/refunds", &order.key, &body).await?, order)
        }
        .boxed()
    }

    fn look_refund<'a>(
        &'a self,
        access: &'a Access,
        order: &'a RefundOrder,
        reference: &'a str,
    ) -> BoxFuture<'a, Answer<RefundReport>> {
        async move { refund_report(self.get(access, &format!("/refunds/{reference}")).await?, order) }.boxed()
    }

    fn may_go_elsewhere(&self, _: &str) -> bool {
        false
    }

    fn verify(&self, access: &Access, webhook: &Webhook<'_>, _: DateTime<Utc>) -> Result<(), Untrusted> {
        let networks = access.setting("webhook_networks").unwrap_or(NETWORKS);
        match webhook.peer {
            Some(peer) if peer::is_within(peer, networks) => Ok(()),
            Some(_) | None => Err(Untrusted),
        }
    }

    fn read(&self, body: &[u8]) -> Option<Notice> {
        let told: Notification = serde_json::from_slice(body).ok()?;
        let ours = told.object.metadata.get("attempt_id").and_then(Value::as_str);
        let subject = match told.event.split('.').next() {
            Some("payment") => {
                Subject::Charge { attempt: ours.and_then(|id| id.parse().ok()), reference: told.object.id }
            }
            Some("refund") => Subject::Refund {
                refund: None,
                reference: told.object.id,
                charge: told.object.payment_id.unwrap_or_default(),
            },
            _ => Subject::Nothing,
        };
        Some(Notice { event_id: None, kind: told.event, subject })
    }
}

fn amount(amount: Money) -> Value {
    json!({"value": amount.amount(), "currency": amount.currency().code()})
}

fn read_amount(amount: &Amount) -> Answer<Money> {
    let currency: Currency = amount.currency.parse().map_err(Trouble::unknown)?;
    Money::parse(&amount.value, currency).map_err(Trouble::unknown)
}

fn meaning(status: u16, code: String) -> Trouble {
    match status {
        401 | 403 | 429 => Trouble::NotDone { code },
        // A key that is in use or was used otherwise tells nothing of the first request.
        400 if code.contains("idempotence") => Trouble::unknown(code),
        400 | 404 | 405 | 410 | 415 => Trouble::Refused { code },
        _ => Trouble::unknown(format!("status {status}: {code}")),
    }
}

/// What a payment says, when it is the one that was asked for. After a capture its amount is what was taken.
fn report(payment: Payment, order: &ChargeOrder) -> Answer<Report> {
    let told = read_amount(&payment.amount)?;
    let ours = payment.metadata.get("attempt_id").and_then(Value::as_str);
    let is_ours = ours == Some(order.attempt.to_string().as_str())
        && told.currency() == order.amount.currency()
        && told.minor() <= order.amount.minor();
    if !is_ours {
        return Err(Trouble::unknown("the answer tells of another payment"));
    }
    let redirect_url = payment.confirmation.and_then(|confirmation| confirmation.confirmation_url);
    let reason = payment.cancellation_details.map(|details| details.reason).unwrap_or_default();
    let status = match (payment.status.as_str(), redirect_url) {
        ("pending", Some(redirect_url)) => ChargeStatus::RequiresAction { redirect_url },
        ("pending", None) => ChargeStatus::Processing,
        ("waiting_for_capture", _) => ChargeStatus::Authorized,
        ("succeeded", _) => ChargeStatus::Captured(told),
        ("canceled", _) if reason == "canceled_by_merchant" || reason == "expired_on_capture" => {
            ChargeStatus::Released
        }
        ("canceled", _) => ChargeStatus::Failed { code: reason },
        (other, _) => return Err(Trouble::unknown(format!("the payment is {other:?}"))),
    };
    Ok(Report { reference: payment.id, status })
}

fn refund_report(refund: Refund, order: &RefundOrder) -> Answer<RefundReport> {
    let ours = refund.payment_id == order.charge && refund.description == order.key;
    if !ours || read_amount(&refund.amount)? != order.amount {
        return Err(Trouble::unknown("the answer tells of another refund"));
    }
    let status = match refund.status.as_str() {
        "pending" => RefundStatus::Pending,
        "succeeded" => RefundStatus::Succeeded,
        "canceled" => RefundStatus::Failed {
            code: refund.cancellation_details.map_or_else(|| "canceled".to_owned(), |details| details.reason),
        },
        other => return Err(Trouble::unknown(format!("the refund is {other:?}"))),
    };
    Ok(RefundReport { reference: refund.id, status })
}
