//! Lists the shops the caller may see, oldest first.

use ::rpc::Call;
use proto::access::v1 as pb;
use store::Page;

use crate::error::Result;
use crate::model::Shop;
use crate::{Access, wire};

pub(crate) async fn handle(
    access: &Access,
    call: &Call,
    request: pb::ListShopsRequest,
) -> Result<pb::ListShopsResponse> {
    let page = Page::parse(&access.store, request.page_size, &request.page_token, b"shops")?;

    let mut connection = access.store.connection().await?;
    let shops = Shop::list(&mut connection, call.caller.shops.filter(), page.after, page.limit()).await?;

    let (shops, next_page_token) = page.cut(&access.store, shops, |shop| shop.id.uuid());
    Ok(pb::ListShopsResponse { shops: shops.iter().map(wire::shop).collect(), next_page_token })
}
