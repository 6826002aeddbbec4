//! `POST /v1/webhooks/payments/{providerAccountId}` and `/v1/webhooks/carriers/{carrierAccountId}`: hands over what a
//! provider or a carrier tells, as it was sent. The service knows the sender by the signature; it keeps what is genuine,
//! and a job applies it later, so that the sender has its answer at once. No body is logged here, whatever becomes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use proto::delivery::v1::ReceiveCarrierWebhookRequest;
use proto::delivery::v1::delivery_service_client::DeliveryServiceClient;
use proto::payments::v1::ReceiveProviderWebhookRequest;
use proto::payments::v1::payment_service_client::PaymentServiceClient;
use rpc::Caller;
use tokio::time::timeout_at;
use tonic::Status;

use super::{Result, call_as};
use crate::operation::WebhookSender;
use crate::problem::Problem;
use crate::state::Gateway;
use crate::{body, peer};

/// The longest name of an account; ids are shorter.
const ACCOUNT_LENGTH_MAX: usize = 64;

/// Headers that tell of the connection, of proxies and of our own affairs, and nothing of the sender.
const NOT_THE_SENDERS: [&str; 21] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authorization",
    "request-timeout",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-real-ip",
    "x-request-id",
];

pub(super) async fn answer(
    gateway: &Gateway,
    sender: WebhookSender,
    account_id: &str,
    patience: Duration,
    request: Request,
) -> Result<Response> {
    let limits = &gateway.settings.limits;
    if !is_id(account_id) {
        return Err(Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", "there is no such account"));
    }
    let peer_address = peer::address(&request, &gateway.settings.trusted_proxies);
    let peer_address = peer_address.map(|address| address.to_canonical().to_string()).unwrap_or_default();
    // Counted by sender, too: who floods an account must not silence the provider.
    let name = format!("{account_id}@{peer_address}");
    gateway.webhook_rates.take(&name, limits.webhooks_per_second_max).map_err(too_many)?;
    let _place = gateway.webhooks.try_acquire().map_err(|_| overloaded())?;
    let call = call_as(Caller::service(crate::NAME), &request, patience);
    let (parts, content) = request.into_parts();
    let body = body::read_up_to(content, &parts.headers, limits.webhook_bytes_max, limits).await?.to_vec();
    let headers = of_sender(&parts.headers);

    let handed_over = async {
        match sender {
            WebhookSender::PaymentProvider => {
                let mut client = PaymentServiceClient::new(gateway.channel("payments").bind(&call));
                let provider_account_id = account_id.to_owned();
                let told = ReceiveProviderWebhookRequest { provider_account_id, headers, body, peer_address };
                client.receive_provider_webhook(told).await.map(drop)
            }
            WebhookSender::Carrier => {
                let mut client = DeliveryServiceClient::new(gateway.channel("delivery").bind(&call));
                let carrier_account_id = account_id.to_owned();
                let told = ReceiveCarrierWebhookRequest { carrier_account_id, headers, body, peer_address };
                client.receive_carrier_webhook(told).await.map(drop)
            }
        }
    };
    let late = || Err(Status::deadline_exceeded("the service did not answer in time"));
    let kept = timeout_at(call.deadline, handed_over).await.unwrap_or_else(|_| late());
    kept.map(|()| StatusCode::OK.into_response()).map_err(|status| Problem::from(&status))
}

/// Whether the text can be an id at all; anything else must not be counted under a name of its own.
fn is_id(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    plain && text.len() <= ACCOUNT_LENGTH_MAX
}

/// The headers that the sender has written, by their lower-case names.
fn of_sender(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let name = name.as_str();
        let ours = NOT_THE_SENDERS.contains(&name) || name.starts_with("x-forwarded-");
        let Some(value) = value.to_str().ok().filter(|_| !ours) else { continue };
        told.entry(name.to_owned())
            .and_modify(|there| {
                there.push_str(", ");
                there.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }
    told
}

fn overloaded() -> Problem {
    let detail = "too many others are being told at once; send it again later";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED", detail).retry_after(Duration::from_secs(1))
}

fn too_many(wait: Duration) -> Problem {
    let detail = "too much is sent for this account; send it again later";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", detail).retry_after(wait)
}
