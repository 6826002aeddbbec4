//! Sends what is queued: signed, in the order of each resource, until it is taken or given up.
//!
//! Each endpoint has a worker of its own as long as something is due, so a slow one holds up nobody else. What a worker takes
//! it claims for a minute; if its process dies after the endpoint has answered, the event is sent again: at least once.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::StreamExt;
use futures_util::stream;
use store::{Audit, Tx};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::WebhookEndpointId;

use super::busy::Busy;
use super::call;
use super::queue_events::disable;
use crate::Webhooks;
use crate::error::{Error, Result};
use crate::model::delivery::Outcome;
use crate::model::delivery_rows::{self, Due, Tried};
use crate::model::endpoint::{Cause, Endpoint, Health};
use crate::model::schedule::{self, DOWN_AFTER_ROUNDS, GIVE_UP_AFTER};
use crate::model::signature::signatures;
use crate::model::{endpoint_rows, schedule::Next};
use crate::public;

/// At least so often it is looked whether something is due.
const PERIOD: Duration = Duration::from_millis(500);
/// Endpoints that are sent to at once.
const ENDPOINTS_MAX: usize = 32;
/// Events on their way to one endpoint at once, each of another resource.
const IN_FLIGHT_MAX: usize = 8;
/// Events of one round.
const ROUND_LENGTH: i64 = 64;
/// How long an endpoint may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// What is read of an answer, which says nothing.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Longer than a round can take, so that nobody sends what is being sent.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// The longest failure that is kept, in characters.
const FAILURE_LENGTH_MAX: usize = 300;
const ACTION: &str = "webhooks.send_webhooks";

/// Sends until `stop`, then lets rounds under way end.
pub(crate) async fn run(webhooks: Webhooks, stop: CancellationToken) {
    let (workers, slots) = (TaskTracker::new(), Arc::new(Semaphore::new(ENDPOINTS_MAX)));
    let busy = Busy::default();
    while !stop.is_cancelled() {
        match due(&webhooks).await {
            Ok(endpoints) => {
                for endpoint in endpoints {
                    let Ok(slot) = slots.clone().try_acquire_owned() else { break };
                    let Some(taken) = busy.take(endpoint) else { continue };
                    let (webhooks, stop) = (webhooks.clone(), stop.clone());
                    workers.spawn(async move {
                        let _held = (taken, slot);
                        if let Err(error) = serve(&webhooks, endpoint, &stop).await {
                            tracing::warn!(error = error.to_string(), endpoint_id = %endpoint, "webhooks wait");
                        }
                    });
                }
            }
            Err(error) => tracing::warn!(error = error.to_string(), "webhooks wait"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = webhooks.due.notified() => {}
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
    workers.close();
    workers.wait().await;
}

async fn due(webhooks: &Webhooks) -> Result<Vec<WebhookEndpointId>> {
    let now = webhooks.store.clock().now();
    let mut connection = webhooks.store.connection().await?;
    delivery_rows::endpoints_due(&mut connection, now).await
}

/// Sends round by round until nothing is due for the endpoint.
async fn serve(webhooks: &Webhooks, id: WebhookEndpointId, stop: &CancellationToken) -> Result<()> {
    while !stop.is_cancelled() {
        let mut connection = webhooks.store.connection().await?;
        let endpoint = endpoint_rows::find(&webhooks.store, &mut connection, id).await?;
        drop(connection);
        let Some(endpoint) = endpoint.filter(|endpoint| endpoint.disabled.is_none()) else { return Ok(()) };
        let now = webhooks.store.clock().now();
        if endpoint.health.retry_time.is_some_and(|retry| retry > now) {
            return Ok(());
        }
        // One that is down is asked with one event whether it is back.
        let is_down = endpoint.health.failed_rounds >= DOWN_AFTER_ROUNDS;
        let limit = if is_down { 1 } else { ROUND_LENGTH };
        let call = call();
        let claimed = webhooks.store.transaction(&call, async |tx: &mut Tx| {
            let lease = tx.now() + LEASE;
            delivery_rows::claim(tx, id, lease, limit).await
        });
        let claimed: Vec<Due> = claimed.await?;
        if claimed.is_empty() {
            return Ok(());
        }
        let tried: Vec<Tried> = stream::iter(claimed)
            .map(|due| attempt(webhooks, &endpoint, due))
            .buffer_unordered(IN_FLIGHT_MAX)
            .collect()
            .await;
        settle(webhooks, &endpoint, &tried).await?;
    }
    Ok(())
}

async fn attempt(webhooks: &Webhooks, endpoint: &Endpoint, due: Due) -> Tried {
    let start_time = webhooks.store.clock().now();
    let outcome = send(webhooks, endpoint, &due).await;
    let now = webhooks.store.clock().now();
    metrics::counter!("korob_webhook_attempts_total", "outcome" => outcome_label(&outcome)).increment(1);
    metrics::histogram!("korob_webhook_attempt_duration_seconds")
        .record(f64::from(outcome.duration_ms) / 1e3);
    let next = (!outcome.is_taken()).then(|| {
        let spread = i64::from(due.id.as_bytes()[15]) % 100;
        let retry_after = outcome.retry_after_seconds;
        schedule::after_failure(due.attempt, due.first_attempt_time, now, retry_after, spread)
    });
    Tried { due, start_time, outcome, next }
}

/// Posts one event.
async fn send(webhooks: &Webhooks, endpoint: &Endpoint, due: &Due) -> Outcome {
    let begun = Instant::now();
    let Some(body) = public::json(&due.body) else {
        return failed(0, "the event cannot be written", begun);
    };
    let (id, now) = (due.event.to_string(), webhooks.store.clock().now());
    let timestamp = now.timestamp();
    let signature = signatures(&endpoint.secrets(now), &id, timestamp, &body);
    let request = outbound::Request::post(endpoint.details.url.as_str())
        .bytes("application/json", body)
        .header("webhook-id", &id)
        .header("webhook-timestamp", &timestamp.to_string())
        .header("webhook-signature", &signature)
        .within(ANSWER_WITHIN)
        .answer_bytes_max(ANSWER_BYTES_MAX);
    match webhooks.client.send(request).await {
        Ok(answer) if answer.status.is_success() => Outcome {
            status_code: i32::from(answer.status.as_u16()),
            failure: String::new(),
            retry_after_seconds: 0,
            duration_ms: duration_ms(begun),
        },
        Ok(answer) => {
            let status = answer.status.as_u16();
            let retry_after = answer.header("retry-after").and_then(|seconds| seconds.parse().ok());
            let failure = format!("it answered {status}");
            Outcome {
                retry_after_seconds: retry_after.filter(|seconds| *seconds > 0).unwrap_or(0),
                ..failed(i32::from(status), &failure, begun)
            }
        }
        Err(failure) => failed(0, &failure.to_string(), begun),
    }
}

fn failed(status_code: i32, failure: &str, begun: Instant) -> Outcome {
    Outcome {
        status_code,
        failure: failure.chars().take(FAILURE_LENGTH_MAX).collect(),
        retry_after_seconds: 0,
        duration_ms: duration_ms(begun),
    }
}

fn duration_ms(begun: Instant) -> i32 {
    i32::try_from(begun.elapsed().as_millis()).unwrap_or(i32::MAX)
}

fn outcome_label(outcome: &Outcome) -> &'static str {
    match outcome.status_code {
        _ if outcome.is_taken() => "taken",
        0 => "no_answer",
        _ => "refused",
    }
}

/// Notes what became of a round, and how the endpoint fares.
async fn settle(webhooks: &Webhooks, endpoint: &Endpoint, tried: &[Tried]) -> Result<()> {
    let store = &webhooks.store;
    let call = call();
    let noted = store.transaction(&call, async |tx: &mut Tx| {
        delivery_rows::settle(tx, tried).await?;
        let Some(current) = endpoint_rows::lock(store, tx, endpoint.id).await? else { return Ok(None) };
        let health = health_after(&current.health, tried, tx.now());
        let is_back = current.health.failed_rounds >= DOWN_AFTER_ROUNDS && health.failed_rounds == 0;
        if health != current.health {
            endpoint_rows::note_health(tx, endpoint.id, &health).await?;
        }
        if is_back {
            delivery_rows::release(tx, endpoint.id).await?;
        }
        let dead = tried.iter().filter(|one| one.next == Some(Next::GiveUp)).count();
        if dead > 0 {
            tx.audit(Audit::new(ACTION, endpoint.id).set("given_up", dead));
        }
        let hopeless = health.failing_since.is_some_and(|since| tx.now() - since >= GIVE_UP_AFTER);
        Ok::<_, Error>(match tried.iter().any(|one| one.outcome.is_gone()) {
            true => Some(Cause::Gone),
            false => hopeless.then_some(Cause::Failing),
        })
    });
    match noted.await? {
        Some(cause) => disable(webhooks, endpoint.id, cause).await,
        None => Ok(()),
    }
}

/// How an endpoint fares after a round. What one event alone does not survive says nothing about the others: only rounds in
/// which a new event failed, too, count against the endpoint.
fn health_after(before: &Health, tried: &[Tried], now: chrono::DateTime<chrono::Utc>) -> Health {
    let mut health = before.clone();
    let failure = tried.iter().rev().map(|one| &one.outcome).find(|outcome| !outcome.is_taken());
    if let Some(failure) = failure {
        health.last_failure.clone_from(&failure.failure);
    }
    if tried.iter().any(|one| one.outcome.is_taken()) {
        health.last_success_time = Some(now);
        (health.failing_since, health.failed_rounds, health.retry_time) = (None, 0, None);
        return health;
    }
    health.failing_since.get_or_insert(now);
    if tried.iter().any(|one| one.due.attempt == 1) || health.failed_rounds >= DOWN_AFTER_ROUNDS {
        health.failed_rounds += 1;
    }
    let retry_after = tried.iter().map(|one| one.outcome.retry_after_seconds).max().unwrap_or(0);
    health.retry_time = schedule::probe_pause(health.failed_rounds, retry_after).map(|pause| now + pause);
    health
}
