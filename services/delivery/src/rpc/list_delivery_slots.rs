//! Lists the slots of a way to deliver that can be chosen now, the earliest first.

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use prost::Message;
use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::DeliveryMethodId;

use crate::error::{Error, Result};
use crate::model::delivery_method::DeliveryMethod;
use crate::model::delivery_method_rows;
use crate::model::slot_rows::{self, Place};
use crate::{Delivery, wire};

struct Wanted {
    method_id: DeliveryMethodId,
    include_full: bool,
    page: Page<DateTime<Utc>>,
}

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::ListDeliverySlotsRequest,
) -> Result<pb::ListDeliverySlotsResponse> {
    let Wanted { method_id, include_full, page } = parse(delivery, request)?;

    let mut connection = delivery.store.connection().await?;
    let method = offered(&mut connection, call, method_id).await?;
    let now = delivery.store.clock().now();
    let slots = method.schedule.as_ref().map(|schedule| schedule.slots(now)).unwrap_or_default();
    let taken = slot_rows::taken(&mut connection, &[method.id], now).await?;

    let after = page.after.unwrap_or(DateTime::<Utc>::MIN_UTC);
    let taken = |start| taken.get(&Place { method_id: method.id, start }).copied().unwrap_or(0);
    let fitting = slots.into_iter().filter(|slot| slot.time.start > after);
    let fitting = fitting.filter(|slot| include_full || taken(slot.time.start) < slot.capacity);
    let limit = usize::try_from(page.limit()).unwrap_or(1);
    let (found, next_page_token) =
        page.cut(&delivery.store, fitting.take(limit).collect(), |slot| slot.time.start);
    let slots = found.iter().map(|slot| wire::delivery_slot(slot, taken(slot.time.start))).collect();
    Ok(pb::ListDeliverySlotsResponse { slots, next_page_token })
}

fn parse(delivery: &Delivery, request: pb::ListDeliverySlotsRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let method_id = fields.parse("delivery_method_id", &request.delivery_method_id);
    let method_id = fields.finish_with(method_id)?;
    let filters = pb::ListDeliverySlotsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page =
        Page::parse(&delivery.store, request.page_size, &request.page_token, &filters.encode_to_vec())?;
    Ok(Wanted { method_id, include_full: request.include_full, page })
}

/// A method that is not archived and that the caller sees.
async fn offered(conn: &mut AsyncPgConnection, call: &Call, id: DeliveryMethodId) -> Result<DeliveryMethod> {
    let found = delivery_method_rows::find_all(conn, &[id]).await?.pop();
    let shops = &call.caller.shops;
    let visible = |method: &DeliveryMethod| method.shop_id.is_none_or(|shop| shops.allow(shop));
    found.filter(|method| !method.archived && visible(method)).ok_or(Error::DeliveryMethodNotFound)
}
