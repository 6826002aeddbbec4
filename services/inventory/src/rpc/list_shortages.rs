//! Lists shortages, the most urgent first.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::{ReservationId, ShopId, Sku};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{Outlook, Reservation, Shortage, ShortageRow, ShortageState};
use crate::rpc::assign_shortage::ASSIGNEE_LENGTH_MAX;
use crate::schema::shortages;
use crate::{Inventory, wire};

/// One page of what the caller's shops miss.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::ListShortagesRequest,
) -> Result<pb::ListShortagesResponse> {
    let Filter { state, sku, shop_id, assignee, page } = Filter::parse(inventory, &request)?;

    let mut connection = inventory.store.connection().await?;
    let mut query = shortages::table
        .order((shortages::due_time, shortages::shortage_id))
        .limit(page.limit())
        .into_boxed();
    if let Some(shops) = call.caller.shops.filter() {
        query = query.filter(shortages::shop_id.eq_any(shops));
    }
    if let Some(state) = state {
        query = query.filter(shortages::state.eq(state.text()));
    }
    if let Some(sku) = sku {
        query = query.filter(shortages::sku.eq(sku.to_string()));
    }
    if let Some(shop_id) = shop_id {
        query = query.filter(shortages::shop_id.eq(shop_id.uuid()));
    }
    if request.overdue {
        let is_open = shortages::state.eq(ShortageState::Open.text());
        query = query.filter(is_open).filter(shortages::due_time.lt(inventory.store.clock().now()));
    }
    if let Some(assignee) = assignee {
        query = query.filter(shortages::assignee.eq(assignee));
    }
    if let Some((time, id)) = page.after {
        let same_time = shortages::due_time.eq(time).and(shortages::shortage_id.gt(id));
        query = query.filter(shortages::due_time.gt(time).or(same_time));
    }
    let rows: Vec<ShortageRow> = query.load(&mut *connection).await?;
    let found: Vec<(ReservationId, Shortage)> =
        rows.into_iter().map(Shortage::stored).collect::<Result<_>>()?;
    let (found, next_page_token) =
        page.cut(&inventory.store, found, |(_, shortage)| (shortage.due_time, shortage.id.uuid()));
    let ids: BTreeSet<ReservationId> = found.iter().map(|(id, _)| *id).collect();
    let skus: BTreeSet<&str> = found.iter().map(|(_, shortage)| shortage.sku.as_str()).collect();
    let reservations = Reservation::load(&mut connection, &ids.into_iter().collect::<Vec<_>>()).await?;
    let outlook = Outlook::load(&mut connection, &skus.into_iter().collect::<Vec<_>>()).await?;

    let mut shortages = Vec::with_capacity(found.len());
    for (id, shortage) in &found {
        let reservation = reservations.get(id).ok_or_else(|| Error::corrupt("a shortage of", id))?;
        let proposals = outlook.proposals(reservation, shortage);
        shortages.push(wire::shortage_with(shortage, reservation, &proposals));
    }
    Ok(pb::ListShortagesResponse { shortages, next_page_token })
}

struct Filter {
    state: Option<ShortageState>,
    sku: Option<Sku>,
    shop_id: Option<ShopId>,
    /// Empty: only those that nobody takes care of.
    assignee: Option<String>,
    page: Page<(DateTime<Utc>, Uuid)>,
}

impl Filter {
    fn parse(inventory: &Inventory, request: &pb::ListShortagesRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let state = match pb::ShortageState::try_from(request.state) {
            Ok(pb::ShortageState::Unspecified) => None,
            Ok(pb::ShortageState::Open) => Some(ShortageState::Open),
            Ok(pb::ShortageState::Covered) => Some(ShortageState::Covered),
            Ok(pb::ShortageState::Closed) => Some(ShortageState::Closed),
            Err(_) => {
                fields.refuse("state", "UNKNOWN", "not a state of shortages");
                None
            }
        };
        let sku = fields.parse_optional("sku", &request.sku);
        let shop_id = fields.parse_optional("shop_id", &request.shop_id);
        let assignee = fields.text("assignee", &request.assignee, ASSIGNEE_LENGTH_MAX);
        let is_one = assignee.is_empty() || !request.unassigned;
        fields.check(is_one, "unassigned", "CONFLICT", "either somebody or nobody");
        fields.finish()?;
        let assignee = (request.unassigned || !assignee.is_empty()).then_some(assignee);
        let filter = pb::ListShortagesRequest { page_size: 0, page_token: String::new(), ..request.clone() };
        let page =
            Page::parse(&inventory.store, request.page_size, &request.page_token, &filter.encode_to_vec())?;
        Ok(Self { state, sku, shop_id, assignee, page })
    }
}
