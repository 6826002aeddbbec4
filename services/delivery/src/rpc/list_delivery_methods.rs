//! Lists ways to deliver in their order.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::ShopId;
use uuid::Uuid;

use crate::error::Result;
use crate::model::delivery_method_rows::DeliveryMethodRow;
use crate::schema::delivery_methods as rows;
use crate::{Delivery, wire};

struct Wanted {
    shop_id: Option<ShopId>,
    include_archived: bool,
    page: Page<(i32, Uuid)>,
}

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::ListDeliveryMethodsRequest,
) -> Result<pb::ListDeliveryMethodsResponse> {
    let Wanted { shop_id, include_archived, page } = parse(delivery, request)?;

    let mut query = rows::table.select(DeliveryMethodRow::as_select()).into_boxed();
    if let Some(shops) = visible_shops(call, shop_id) {
        query = query.filter(rows::shop_id.is_null().or(rows::shop_id.eq_any(shops.into_iter().map(Some))));
    }
    if !include_archived {
        query = query.filter(rows::archived.eq(false));
    }
    if let Some((sort_order, id)) = page.after {
        let same = rows::sort_order.eq(sort_order).and(rows::delivery_method_id.gt(id));
        query = query.filter(rows::sort_order.gt(sort_order).or(same));
    }
    let mut connection = delivery.store.connection().await?;
    let in_order = query.order((rows::sort_order, rows::delivery_method_id)).limit(page.limit());
    let found: Vec<DeliveryMethodRow> = in_order.load(&mut connection).await?;

    let key = |row: &DeliveryMethodRow| (row.sort_order, row.delivery_method_id);
    let (found, next_page_token) = page.cut(&delivery.store, found, key);
    let methods =
        found.into_iter().map(|row| Ok(wire::delivery_method(&row.read()?))).collect::<Result<_>>()?;
    Ok(pb::ListDeliveryMethodsResponse { delivery_methods: methods, next_page_token })
}

/// The shops whose own methods are shown, beside those of every shop; `None` is all. A shop the caller does not see
/// answers like one that has none.
pub fn visible_shops(call: &Call, wanted: Option<ShopId>) -> Option<Vec<Uuid>> {
    let shops = &call.caller.shops;
    match wanted {
        Some(shop) => Some(if shops.allow(shop) { vec![shop.uuid()] } else { Vec::new() }),
        None => shops.filter(),
    }
}

fn parse(delivery: &Delivery, request: pb::ListDeliveryMethodsRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let shop_id = fields.parse_optional("shop_id", &request.shop_id);
    fields.finish()?;
    let filters =
        pb::ListDeliveryMethodsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page =
        Page::parse(&delivery.store, request.page_size, &request.page_token, &filters.encode_to_vec())?;
    Ok(Wanted { shop_id, include_archived: request.include_archived, page })
}
