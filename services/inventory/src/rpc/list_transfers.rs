//! Lists transfers, newest first.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use prost::Message;
use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::WarehouseId;
use uuid::Uuid;

use crate::error::Result;
use crate::model::{Transfer, TransferState};
use crate::schema::transfers;
use crate::{Inventory, wire};

/// One page.
pub async fn handle(
    inventory: &Inventory,
    _: &Call,
    request: pb::ListTransfersRequest,
) -> Result<pb::ListTransfersResponse> {
    let Filter { state, warehouse_id, page } = Filter::parse(inventory, &request)?;

    let mut connection = inventory.store.connection().await?;
    let mut query = transfers::table
        .order((transfers::create_time.desc(), transfers::transfer_id.desc()))
        .limit(page.limit())
        .into_boxed();
    if let Some(state) = state {
        query = query.filter(transfers::state.eq(state.text()));
    }
    if let Some(id) = warehouse_id {
        let from = transfers::from_warehouse_id.eq(id.uuid());
        query = query.filter(from.or(transfers::to_warehouse_id.eq(id.uuid())));
    }
    if let Some((time, id)) = page.after {
        let same_time = transfers::create_time.eq(time).and(transfers::transfer_id.lt(id));
        query = query.filter(transfers::create_time.lt(time).or(same_time));
    }
    let rows = query.load(&mut *connection).await?;
    let found = Transfer::assemble(&mut connection, rows).await?;

    let (found, next_page_token) = page.cut(&inventory.store, found, |one| (one.create_time, one.id.uuid()));
    Ok(pb::ListTransfersResponse { transfers: found.iter().map(wire::transfer).collect(), next_page_token })
}

struct Filter {
    state: Option<TransferState>,
    warehouse_id: Option<WarehouseId>,
    page: Page<(DateTime<Utc>, Uuid)>,
}

impl Filter {
    fn parse(inventory: &Inventory, request: &pb::ListTransfersRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let state = match pb::TransferState::try_from(request.state) {
            Ok(pb::TransferState::Unspecified) => None,
            Ok(pb::TransferState::Dispatched) => Some(TransferState::Dispatched),
            Ok(pb::TransferState::Received) => Some(TransferState::Received),
            Ok(pb::TransferState::Cancelled) => Some(TransferState::Cancelled),
            Err(_) => {
                fields.refuse("state", "UNKNOWN", "not a state of transfers");
                None
            }
        };
        let warehouse_id = fields.parse_optional("warehouse_id", &request.warehouse_id);
        fields.finish()?;
        let filter = pb::ListTransfersRequest { page_size: 0, page_token: String::new(), ..request.clone() };
        let page =
            Page::parse(&inventory.store, request.page_size, &request.page_token, &filter.encode_to_vec())?;
        Ok(Self { state, warehouse_id, page })
    }
}
