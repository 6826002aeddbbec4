//! Lists accounts with carriers, oldest first; credentials are never shown.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::ShopId;
use uuid::Uuid;

use super::list_delivery_methods::visible_shops;
use crate::error::Result;
use crate::model::carrier_account_rows::AccountRow;
use crate::schema::carrier_accounts as rows;
use crate::{Delivery, wire};

struct Wanted {
    shop_id: Option<ShopId>,
    page: Page<(DateTime<Utc>, Uuid)>,
}

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::ListCarrierAccountsRequest,
) -> Result<pb::ListCarrierAccountsResponse> {
    let Wanted { shop_id, page } = parse(delivery, request)?;

    let mut query = rows::table.select(AccountRow::as_select()).into_boxed();
    if let Some(shops) = visible_shops(call, shop_id) {
        query = query.filter(rows::shop_id.is_null().or(rows::shop_id.eq_any(shops.into_iter().map(Some))));
    }
    if let Some((time, id)) = page.after {
        let same = rows::create_time.eq(time).and(rows::carrier_account_id.gt(id));
        query = query.filter(rows::create_time.gt(time).or(same));
    }
    let mut connection = delivery.store.connection().await?;
    let in_order = query.order((rows::create_time, rows::carrier_account_id)).limit(page.limit());
    let found: Vec<AccountRow> = in_order.load(&mut connection).await?;

    let (found, next_page_token) = page.cut(&delivery.store, found, AccountRow::key);
    let accounts = found.into_iter().map(|row| Ok(wire::carrier_account(&row.read(&delivery.store)?)));
    Ok(pb::ListCarrierAccountsResponse {
        carrier_accounts: accounts.collect::<Result<_>>()?,
        next_page_token,
    })
}

fn parse(delivery: &Delivery, request: pb::ListCarrierAccountsRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let shop_id = fields.parse_optional("shop_id", &request.shop_id);
    fields.finish()?;
    let filters =
        pb::ListCarrierAccountsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page =
        Page::parse(&delivery.store, request.page_size, &request.page_token, &filters.encode_to_vec())?;
    Ok(Wanted { shop_id, page })
}
