//! Makes a key invalid, with all its secrets.

use ::rpc::{Call, Fields};
use proto::access::v1 as pb;
use store::{Audit, Tx};
use types::KeyId;

use crate::error::{Error, Result};
use crate::model::{ApiKey, retired_secret};
use crate::{Access, wire};

const METHOD: &str = "access.revoke_api_key";

pub(crate) async fn handle(
    access: &Access,
    call: &Call,
    request: pb::RevokeApiKeyRequest,
) -> Result<pb::ApiKey> {
    let mut fields = Fields::new();
    let id: Option<KeyId> = fields.parse("key_id", &request.key_id);
    let id = fields.finish_with(id)?;

    let key = access.store.transaction(call, async |tx: &mut Tx| {
        let key = ApiKey::lock(tx.conn(), id).await?.filter(|key| key.could_be_made_by(&call.caller));
        let mut key = key.ok_or(Error::ApiKeyNotFound(id))?;
        if key.revoke_time.is_some() {
            return Ok(key);
        }

        let now = tx.now();
        key.revoke(tx.conn(), now).await?;
        retired_secret::end_all(tx.conn(), id).await?;

        events::append(tx, id, key.version, None, &pb::ApiKeyRevoked { key_id: id.to_string() });
        tx.audit(Audit::new(METHOD, id).change("revoke_time", None, Some(now)));
        Ok::<_, Error>(key)
    });
    Ok(wire::api_key(&key.await?))
}
