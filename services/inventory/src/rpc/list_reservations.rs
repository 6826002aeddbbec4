//! Lists reservations, newest first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::Sku;
use uuid::Uuid;

use crate::error::Result;
use crate::model::{Owner, Reservation, State};
use crate::schema::{reservation_lines, reservation_shipments, reservations, shortages};
use crate::{Inventory, wire};

/// One page of what the caller's shops hold. Tombstones are nobody's and are left out.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ListReservationsRequest,
) -> Result<pb::ListReservationsResponse> {
    let Filter { state, owner, sku, page } = Filter::parse(inventory, &request)?;

    let mut connection = inventory.store.connection().await?;
    let mut query = reservations::table
        .filter(reservations::owner.is_not_null())
        .order((reservations::create_time.desc(), reservations::reservation_id.desc()))
        .limit(page.limit())
        .into_boxed();
    if let Some(shops) = call.caller.shops.filter() {
        query = query.filter(reservations::shop_id.eq_any(shops));
    }
    if let Some(state) = state {
        query = query.filter(reservations::state.eq(state.text()));
    }
    if let Some(owner) = owner {
        query = query.filter(reservations::owner.eq(owner.to_string()));
    }
    if let Some(sku) = sku {
        let held = reservation_lines::table
            .filter(reservation_lines::sku.eq(sku.to_string()))
            .select(reservation_lines::reservation_id);
        let short =
            shortages::table.filter(shortages::sku.eq(sku.to_string())).select(shortages::reservation_id);
        let shipped = reservation_shipments::table
            .filter(reservation_shipments::sku.eq(sku.to_string()))
            .select(reservation_shipments::reservation_id);
        let id = reservations::reservation_id;
        query = query.filter(id.eq_any(held).or(id.eq_any(short)).or(id.eq_any(shipped)));
    }
    if let Some((time, id)) = page.after {
        let same_time = reservations::create_time.eq(time).and(reservations::reservation_id.lt(id));
        query = query.filter(reservations::create_time.lt(time).or(same_time));
    }
    let rows = query.load(&mut *connection).await?;
    let found = Reservation::assemble(&mut connection, rows).await?;

    let (found, next_page_token) = page.cut(&inventory.store, found, |one| (one.create_time, one.id.uuid()));
    Ok(pb::ListReservationsResponse {
        reservations: found.iter().map(wire::reservation).collect(),
        next_page_token,
    })
}

struct Filter {
    state: Option<State>,
    owner: Option<Owner>,
    sku: Option<Sku>,
    page: Page<(DateTime<Utc>, Uuid)>,
}

impl Filter {
    fn parse(inventory: &Inventory, request: &pb::ListReservationsRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let state = state(&mut fields, request.state);
        let owner = fields.parse_optional("owner", &request.owner);
        let sku = fields.parse_optional("sku", &request.sku);
        fields.finish()?;
        let filter =
            pb::ListReservationsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
        let page =
            Page::parse(&inventory.store, request.page_size, &request.page_token, &filter.encode_to_vec())?;
        Ok(Self { state, owner, sku, page })
    }
}

fn state(fields: &mut Fields, state: i32) -> Option<State> {
    match pb::ReservationState::try_from(state) {
        Ok(pb::ReservationState::Unspecified) => None,
        Ok(pb::ReservationState::Held) => Some(State::Held),
        Ok(pb::ReservationState::Shipped) => Some(State::Shipped),
        Ok(pb::ReservationState::Released) => Some(State::Released),
        Ok(pb::ReservationState::Expired) => Some(State::Expired),
        Err(_) => {
            fields.refuse("state", "UNKNOWN", "not a state of reservations");
            None
        }
    }
}
