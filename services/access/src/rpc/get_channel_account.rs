//! Returns one channel account; asked for every order, so it is one cached statement.

use ::rpc::{Call, Fields};
use proto::access::v1 as pb;
use types::SourceId;

use crate::error::{Error, Result};
use crate::model::ChannelAccount;
use crate::{Access, wire};

pub(crate) async fn handle(
    access: &Access,
    call: &Call,
    request: pb::GetChannelAccountRequest,
) -> Result<pb::ChannelAccount> {
    let mut fields = Fields::new();
    let id: Option<SourceId> = fields.parse("source_id", &request.source_id);
    let id = fields.finish_with(id)?;

    let mut connection = access.store.connection().await?;
    let account = ChannelAccount::find(&mut connection, id).await?;
    let visible = account.filter(|account| call.caller.shops.allow(account.shop));

    let account = visible.ok_or(Error::ChannelAccountNotFound(id))?;
    Ok(wire::channel_account(&account))
}
