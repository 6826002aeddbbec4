//! Finds the valid key with a digest; unknown and revoked ones are refused alike.

use ::rpc::Fields;
use proto::access::v1 as pb;

use crate::error::{Error, Result};
use crate::model::ApiKey;
use crate::{Access, wire};

const DIGEST_BYTES: usize = 32;

pub(crate) async fn handle(access: &Access, request: pb::AuthenticateKeyRequest) -> Result<pb::ApiKey> {
    let mut fields = Fields::new();
    let whole = request.secret_sha256.len() == DIGEST_BYTES;
    fields.check(whole, "secret_sha256", "MALFORMED", "the 32 bytes of a SHA-256 digest");
    fields.finish()?;

    let mut connection = access.store.connection().await?;
    let mut key = ApiKey::find_valid(&mut connection, &request.secret_sha256).await?;
    if key.is_none() {
        let now = access.store.clock().now();
        key = ApiKey::find_valid_by_retired(&mut connection, &request.secret_sha256, now).await?;
    }

    Ok(wire::api_key(&key.ok_or(Error::KeyInvalid)?))
}
