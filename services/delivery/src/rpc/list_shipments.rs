//! Lists shipments, newest first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::{OrderId, ShopId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::shipment_rows::{self, ShipmentRow};
use crate::model::shipment_state::ShipmentState;
use crate::model::tracking_status::TrackingStatus;
use crate::schema::shipments as rows;
use crate::{Delivery, wire};

const NUMBER_LENGTH_MAX: usize = 100;

struct Wanted {
    order_id: Option<OrderId>,
    shop_id: Option<ShopId>,
    status: Option<TrackingStatus>,
    state: Option<ShipmentState>,
    tracking_number: String,
    page: Page<(DateTime<Utc>, Uuid)>,
}

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::ListShipmentsRequest,
) -> Result<pb::ListShipmentsResponse> {
    let Wanted { order_id, shop_id, status, state, tracking_number, page } = parse(delivery, request)?;

    let mut query = rows::table.select(ShipmentRow::as_select()).into_boxed();
    if let Some(shops) = call.caller.shops.filter() {
        query = query.filter(rows::shop_id.eq_any(shops));
    }
    if let Some(order_id) = order_id {
        query = query.filter(rows::order_id.eq(order_id.uuid()));
    }
    if let Some(shop_id) = shop_id {
        query = query.filter(rows::shop_id.eq(shop_id.uuid()));
    }
    if let Some(status) = status {
        query = query.filter(rows::status.eq(status.as_str()));
    }
    if let Some(state) = state {
        query = query.filter(rows::state.eq(state.as_str()));
    }
    if !tracking_number.is_empty() {
        query = query.filter(rows::tracking_number.eq(tracking_number));
    }
    if let Some((time, id)) = page.after {
        query = query
            .filter(rows::create_time.lt(time).or(rows::create_time.eq(time).and(rows::shipment_id.lt(id))));
    }
    let mut connection = delivery.store.connection().await?;
    let newest_first = query.order((rows::create_time.desc(), rows::shipment_id.desc())).limit(page.limit());
    let mut moment = connection.build_transaction().read_only().repeatable_read();
    let listed = moment.run(async |conn| {
        let found: Vec<ShipmentRow> = newest_first.load(conn).await?;
        let (found, next_page_token) = page.cut(&delivery.store, found, ShipmentRow::key);
        Ok::<_, Error>((shipment_rows::whole(conn, found).await?, next_page_token))
    });
    let (found, next_page_token) = listed.await?;
    Ok(pb::ListShipmentsResponse { shipments: found.iter().map(wire::shipment).collect(), next_page_token })
}

fn parse(delivery: &Delivery, request: pb::ListShipmentsRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let order_id = fields.parse_optional("order_id", &request.order_id);
    let shop_id = fields.parse_optional("shop_id", &request.shop_id);
    let status = match pb::TrackingStatus::try_from(request.status) {
        Ok(status) => wire::read_tracking_status(status),
        Err(_) => {
            fields.refuse("status", "UNKNOWN_VALUE", "is not a tracking status");
            None
        }
    };
    let state = match pb::ShipmentState::try_from(request.state) {
        Ok(state) => wire::read_shipment_state(state),
        Err(_) => {
            fields.refuse("state", "UNKNOWN_VALUE", "is not a state of a shipment");
            None
        }
    };
    let tracking_number = fields.text("tracking_number", &request.tracking_number, NUMBER_LENGTH_MAX);
    fields.finish()?;
    let filters = pb::ListShipmentsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page =
        Page::parse(&delivery.store, request.page_size, &request.page_token, &filters.encode_to_vec())?;
    Ok(Wanted { order_id, shop_id, status, state, tracking_number, page })
}
