//! Gives a key a new secret; the old one works for a while longer.
//!
//! Like that of a new key, the secret never enters the transaction's answer: a repeat finds the key without it. Who lost
//! the answer rotates again, and the secret that they still hold works on.

use ::rpc::{Call, Fields, Invalid};
use chrono::TimeDelta;
use proto::access::v1 as pb;
use store::{Audit, Once, Tx};
use types::KeyId;

use crate::error::{Error, Result};
use crate::model::{ApiKey, RETIRED_SECRETS_MAX, Secret, retired_secret};
use crate::{Access, wire};

const METHOD: &str = "access.rotate_api_key";
/// A week.
const GRACE_MINUTES_MAX: i32 = 7 * 24 * 60;

pub(crate) async fn handle(
    access: &Access,
    call: &Call,
    request: pb::RotateApiKeyRequest,
) -> Result<pb::RotateApiKeyResponse> {
    let (id, grace) = parse(&request)?;
    let secret = Secret::mint();
    let mut rotated = false;

    // Partners choose the keys of their requests without knowing of each other.
    let rotator = call.caller.actor.to_string();
    let once = Once { scope: &rotator, method: METHOD, key: &request.idempotency_key };
    let mut answer = access
        .store
        .once(call, once, &request, async |tx: &mut Tx| {
            let key = ApiKey::lock(tx.conn(), id).await?.filter(|key| key.could_be_made_by(&call.caller));
            let mut key = key.ok_or(Error::ApiKeyNotFound(id))?;
            if key.revoke_time.is_some() {
                return Err(Error::ApiKeyRevoked(id));
            }
            let now = tx.now();
            let working = retired_secret::count_working(tx.conn(), id, now).await?;

            let expire_time = now + grace;
            if !grace.is_zero() {
                if working >= RETIRED_SECRETS_MAX {
                    return Err(Error::TooManySecrets(id));
                }
                retired_secret::retire(tx.conn(), id, expire_time).await?;
            }
            let old_hint = key.replace_secret(tx.conn(), &secret).await?;

            let audit = Audit::new(METHOD, id).change("hint", Some(old_hint), Some(key.hint.clone()));
            tx.audit(audit.change("grace_expire_time", None, Some(expire_time)));
            rotated = true;
            Ok(pb::RotateApiKeyResponse {
                api_key: Some(wire::api_key(&key)),
                secret: String::new(),
                grace_expire_time: Some(::rpc::wire::time(expire_time)),
            })
        })
        .await?;
    if rotated {
        answer.secret = secret.reveal();
    }
    Ok(answer)
}

fn parse(request: &pb::RotateApiKeyRequest) -> Result<(KeyId, TimeDelta), Invalid> {
    let mut fields = Fields::new();
    fields.idempotency_key(&request.idempotency_key);
    let id = fields.parse("key_id", &request.key_id);
    fields.check(
        (0..=GRACE_MINUTES_MAX).contains(&request.grace_minutes),
        "grace_minutes",
        "OUT_OF_RANGE",
        "0 to 10080",
    );
    let id = fields.finish_with(id)?;
    Ok((id, TimeDelta::minutes(request.grace_minutes.into())))
}
