//! Lists the keys that the caller could have made, newest first, revoked ones included.

use ::rpc::Call;
use proto::access::v1 as pb;
use store::Page;

use crate::error::Result;
use crate::model::ApiKey;
use crate::{Access, wire};

pub(crate) async fn handle(
    access: &Access,
    call: &Call,
    request: pb::ListApiKeysRequest,
) -> Result<pb::ListApiKeysResponse> {
    let page = Page::parse(&access.store, request.page_size, &request.page_token, b"api keys")?;

    let mut connection = access.store.connection().await?;
    let keys = ApiKey::list(&mut connection, &call.caller, page.after, page.limit()).await?;

    let (keys, next_page_token) = page.cut(&access.store, keys, |key| key.id().uuid());
    Ok(pb::ListApiKeysResponse { api_keys: keys.iter().map(wire::api_key).collect(), next_page_token })
}
