//! Writes endpoints, deliveries and attempts as the contract has them.

use ::rpc::wire::time;
use chrono::{DateTime, Utc};
use proto::webhooks::v1 as pb;
use types::{KeyId, ShopId, WebhookReplayId};

use crate::kinds::EventKind;
use crate::model::delivery::{Delivery, State};
use crate::model::delivery_rows::Attempt;
use crate::model::endpoint::{Cause, Endpoint};

pub(crate) fn endpoint(endpoint: &Endpoint) -> pb::WebhookEndpoint {
    let (details, health) = (&endpoint.details, &endpoint.health);
    let disabled = endpoint.disabled.as_ref();
    let state = match disabled {
        None => pb::WebhookEndpointState::Enabled,
        Some(_) => pb::WebhookEndpointState::Disabled,
    };
    pb::WebhookEndpoint {
        endpoint_id: endpoint.id.into(),
        url: details.url.clone(),
        title: details.title.clone(),
        shop_ids: details.audience.shops.iter().map(ShopId::to_string).collect(),
        event_types: details.event_types.clone(),
        except_key_ids: details.audience.except_keys.iter().map(KeyId::to_string).collect(),
        state: state.into(),
        disable_cause: disabled
            .map_or(pb::DisableCause::Unspecified, |disabled| cause(disabled.cause))
            .into(),
        disable_time: disabled.map(|disabled| time(disabled.time)),
        failing_since_time: health.failing_since.map(time),
        last_failure: health.last_failure.clone(),
        last_success_time: health.last_success_time.map(time),
        retry_time: health.retry_time.map(time),
        etag: endpoint.version.to_string(),
        create_time: Some(time(endpoint.create_time)),
        grace_expire_time: endpoint.previous.as_ref().map(|(_, until)| time(*until)),
    }
}

pub(crate) fn delivery(delivery: &Delivery, event: Option<pb::PublicEvent>) -> pb::WebhookDelivery {
    pb::WebhookDelivery {
        delivery_id: delivery.id.into(),
        endpoint_id: delivery.endpoint.into(),
        event_id: delivery.event.into(),
        r#type: delivery.kind.clone(),
        shop_id: delivery.shop.map(String::from).unwrap_or_default(),
        resource_id: delivery.resource.clone(),
        state: state(delivery.state).into(),
        attempts: delivery.attempts,
        next_attempt_time: delivery.next_attempt_time.map(time),
        last_status_code: delivery.last_status_code,
        last_failure: delivery.last_failure.clone(),
        create_time: Some(time(delivery.create_time)),
        finish_time: delivery.finish_time.map(time),
        replayed: delivery.replayed,
        event,
    }
}

pub(crate) fn attempt(attempt: &Attempt) -> pb::WebhookAttempt {
    pb::WebhookAttempt {
        attempt: attempt.attempt,
        start_time: Some(time(attempt.start_time)),
        duration_ms: attempt.duration_ms,
        status_code: attempt.status_code,
        failure: attempt.failure.clone(),
    }
}

pub(crate) fn replay(
    id: WebhookReplayId,
    endpoint: &Endpoint,
    (start, end): (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> pb::WebhookReplay {
    pb::WebhookReplay {
        replay_id: id.into(),
        endpoint_id: endpoint.id.into(),
        start_time: Some(time(start)),
        end_time: Some(time(end)),
        create_time: Some(time(now)),
    }
}

pub(crate) fn event_type(kind: &EventKind) -> pb::EventType {
    pb::EventType {
        r#type: kind.name.to_owned(),
        stream: kind.stream.to_owned(),
        scope: kind.scope().to_owned(),
        of_shop: kind.of_shop,
    }
}

fn cause(cause: Cause) -> pb::DisableCause {
    match cause {
        Cause::Asked => pb::DisableCause::Asked,
        Cause::Failing => pb::DisableCause::Failing,
        Cause::Gone => pb::DisableCause::Gone,
        Cause::KeyRevoked => pb::DisableCause::KeyRevoked,
        Cause::PlaceLost => pb::DisableCause::PlaceLost,
    }
}

fn state(state: State) -> pb::WebhookDeliveryState {
    match state {
        State::Pending => pb::WebhookDeliveryState::Pending,
        State::Delivered => pb::WebhookDeliveryState::Delivered,
        State::Dead => pb::WebhookDeliveryState::Dead,
    }
}
