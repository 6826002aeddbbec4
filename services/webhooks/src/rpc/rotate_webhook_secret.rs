//! Gives an endpoint a new secret; for a while the old one signs, too.
//!
//! Like that of a new endpoint, the secret never enters the transaction's answer.

use ::rpc::{Call, Fields, Invalid};
use chrono::TimeDelta;
use proto::webhooks::v1 as pb;
use store::{Audit, Once, Tx};
use types::WebhookEndpointId;

use crate::error::{Error, Result};
use crate::model::endpoint_rows;
use crate::model::signature::Secret;
use crate::{Webhooks, request, wire};

const METHOD: &str = "webhooks.rotate_webhook_secret";
/// A week.
const GRACE_MINUTES_MAX: i32 = 7 * 24 * 60;

pub(crate) async fn handle(
    webhooks: &Webhooks,
    call: &Call,
    request: pb::RotateWebhookSecretRequest,
) -> Result<pb::RotateWebhookSecretResponse> {
    let (id, grace) = parse(&request)?;
    let secret = Secret::mint();
    let mut rotated = false;

    let scope = call.caller.actor.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &request.idempotency_key };
    let store = &webhooks.store;
    let answer = store.once(call, once, &request, async |tx: &mut Tx| {
        let mut endpoint = request::lock(webhooks, tx, id).await?;
        let until = tx.now() + grace;
        let old = std::mem::replace(&mut endpoint.secret, secret.clone());
        endpoint.previous = (!grace.is_zero()).then_some((old, until));
        endpoint.version += 1;

        endpoint_rows::update(store, tx, &endpoint).await?;

        let audit = Audit::new(METHOD, id).change("secret", "", "changed");
        tx.audit(audit.change("grace_expire_time", None, Some(until)));
        rotated = true;
        let webhook_endpoint = Some(wire::endpoint(&endpoint));
        Ok::<_, Error>(pb::RotateWebhookSecretResponse { webhook_endpoint, secret: String::new() })
    });
    let mut answer = answer.await?;
    if rotated {
        answer.secret = secret.reveal();
    }
    Ok(answer)
}

fn parse(request: &pb::RotateWebhookSecretRequest) -> Result<(WebhookEndpointId, TimeDelta), Invalid> {
    let mut fields = Fields::new();
    fields.idempotency_key(&request.idempotency_key);
    let id = request::endpoint_id(&mut fields, &request.endpoint_id);
    let in_range = (0..=GRACE_MINUTES_MAX).contains(&request.grace_minutes);
    fields.check(in_range, "grace_minutes", "OUT_OF_RANGE", "0 to 10080");
    let id = fields.finish_with(id)?;
    Ok((id, TimeDelta::minutes(request.grace_minutes.into())))
}
