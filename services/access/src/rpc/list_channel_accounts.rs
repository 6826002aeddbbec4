//! Lists channel accounts, of one shop or of all the caller may see, oldest first.

use ::rpc::{Call, Fields};
use proto::access::v1 as pb;
use store::Page;
use types::ShopId;

use crate::error::Result;
use crate::model::ChannelAccount;
use crate::{Access, wire};

pub(crate) async fn handle(
    access: &Access,
    call: &Call,
    request: pb::ListChannelAccountsRequest,
) -> Result<pb::ListChannelAccountsResponse> {
    let mut fields = Fields::new();
    let shop: Option<ShopId> = fields.parse_optional("shop_id", &request.shop_id);
    fields.finish()?;
    let page =
        Page::parse(&access.store, request.page_size, &request.page_token, request.shop_id.as_bytes())?;
    let only = match shop {
        Some(shop) if call.caller.shops.allow(shop) => Some(vec![shop.uuid()]),
        Some(_foreign) => Some(Vec::new()),
        None => call.caller.shops.filter(),
    };

    let mut connection = access.store.connection().await?;
    let accounts = ChannelAccount::list(&mut connection, only, page.after, page.limit()).await?;

    let (accounts, next_page_token) = page.cut(&access.store, accounts, |account| account.id.uuid());
    let channel_accounts = accounts.iter().map(wire::channel_account).collect();
    Ok(pb::ListChannelAccountsResponse { channel_accounts, next_page_token })
}
