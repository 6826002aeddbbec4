//! Returns one shop; asked for every order, so it is one cached statement.

use ::rpc::{Call, Fields};
use proto::access::v1 as pb;
use types::ShopId;

use crate::error::{Error, Result};
use crate::model::Shop;
use crate::{Access, wire};

pub(crate) async fn handle(access: &Access, call: &Call, request: pb::GetShopRequest) -> Result<pb::Shop> {
    let mut fields = Fields::new();
    let id: Option<ShopId> = fields.parse("shop_id", &request.shop_id);
    let id = fields.finish_with(id)?;
    if !call.caller.shops.allow(id) {
        return Err(Error::ShopNotFound(id));
    }

    let mut connection = access.store.connection().await?;
    let shop = Shop::find(&mut connection, id).await?.ok_or(Error::ShopNotFound(id))?;

    Ok(wire::shop(&shop))
}
