//! Lists returns that are fetched, the earliest slot first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::{DeliveryMethodId, ShopId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::return_pickup_rows::ReturnPickupRow;
use crate::schema::return_pickups as rows;
use crate::{Delivery, wire};

struct Wanted {
    shop_id: Option<ShopId>,
    method_id: Option<DeliveryMethodId>,
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    include_cancelled: bool,
    page: Page<(DateTime<Utc>, Uuid)>,
}

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::ListReturnPickupsRequest,
) -> Result<pb::ListReturnPickupsResponse> {
    let Wanted { shop_id, method_id, from, until, include_cancelled, page } = parse(delivery, request)?;

    let mut query = rows::table.select(ReturnPickupRow::as_select()).into_boxed();
    if let Some(shops) = call.caller.shops.filter() {
        query = query.filter(rows::shop_id.eq_any(shops));
    }
    if let Some(shop) = shop_id {
        query = query.filter(rows::shop_id.eq(shop.uuid()));
    }
    if let Some(method) = method_id {
        query = query.filter(rows::delivery_method_id.eq(method.uuid()));
    }
    if let Some(from) = from {
        query = query.filter(rows::start_time.ge(from));
    }
    if let Some(until) = until {
        query = query.filter(rows::start_time.lt(until));
    }
    if !include_cancelled {
        query = query.filter(rows::cancelled.eq(false));
    }
    if let Some((time, id)) = page.after {
        let later = rows::start_time.gt(time).or(rows::start_time.eq(time).and(rows::return_id.gt(id)));
        query = query.filter(later);
    }
    let mut connection = delivery.store.connection().await?;
    let earliest_first = query.order((rows::start_time, rows::return_id)).limit(page.limit());
    let found: Vec<ReturnPickupRow> = earliest_first.load(&mut connection).await?;

    let (found, next_page_token) = page.cut(&delivery.store, found, ReturnPickupRow::key);
    let pickups =
        found.into_iter().map(|row| Ok(wire::return_pickup(&row.read()?))).collect::<Result<_>>()?;
    Ok(pb::ListReturnPickupsResponse { return_pickups: pickups, next_page_token })
}

fn parse(delivery: &Delivery, request: pb::ListReturnPickupsRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let shop_id = fields.parse_optional("shop_id", &request.shop_id);
    let method_id = fields.parse_optional("delivery_method_id", &request.delivery_method_id);
    let from = fields.time_optional("from_time", request.from_time);
    let until = fields.time_optional("until_time", request.until_time);
    fields.finish()?;
    let filters = pb::ListReturnPickupsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page =
        Page::parse(&delivery.store, request.page_size, &request.page_token, &filters.encode_to_vec())?;
    Ok(Wanted { shop_id, method_id, from, until, include_cancelled: request.include_cancelled, page })
}
