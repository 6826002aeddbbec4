//! Lists what went wrong with parcels, by due time.

use chrono::{DateTime, Utc};
use diesel::dsl::not;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use prost::Message;
use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::Page;
use types::{ShipmentId, ShopId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::incident::Incident;
use crate::model::incident_reason::is_incident_reason;
use crate::model::incident_rows::{self, IncidentRow};
use crate::schema::incidents as rows;
use crate::{Delivery, wire};

const ASSIGNEE_LENGTH_MAX: usize = 200;

struct Wanted {
    shop_id: Option<ShopId>,
    shipment_id: Option<ShipmentId>,
    reason: String,
    assignee: String,
    include_closed: bool,
    page: Page<(DateTime<Utc>, Uuid)>,
}

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::ListIncidentsRequest,
) -> Result<pb::ListIncidentsResponse> {
    let wanted = parse(delivery, request)?;

    let mut query = rows::table.select(IncidentRow::as_select()).into_boxed();
    if let Some(shops) = call.caller.shops.filter() {
        query = query.filter(rows::shop_id.eq_any(shops));
    }
    if let Some(shop_id) = wanted.shop_id {
        query = query.filter(rows::shop_id.eq(shop_id.uuid()));
    }
    if let Some(shipment_id) = wanted.shipment_id {
        query = query.filter(rows::shipment_id.eq(shipment_id.uuid()));
    }
    if !wanted.reason.is_empty() {
        query = query.filter(rows::reason.eq(&wanted.reason));
    }
    if !wanted.assignee.is_empty() {
        query = query.filter(rows::assignee.eq(&wanted.assignee));
    }
    if !wanted.include_closed {
        query = query.filter(not(rows::closed));
    }
    if let Some((time, id)) = wanted.page.after {
        let same = rows::due_time.eq(time).and(rows::incident_id.gt(id));
        query = query.filter(rows::due_time.gt(time).or(same));
    }
    let mut connection = delivery.store.connection().await?;
    let in_order = query.order((rows::due_time, rows::incident_id)).limit(wanted.page.limit());
    let found: Vec<IncidentRow> = in_order.load(&mut connection).await?;

    let (found, next_page_token) = wanted.page.cut(&delivery.store, found, IncidentRow::key);
    let incidents = cases(&mut connection, found.into_iter().map(IncidentRow::read).collect()).await?;
    Ok(pb::ListIncidentsResponse { incidents, next_page_token })
}

/// Incidents with what was said about them.
pub async fn cases(conn: &mut AsyncPgConnection, incidents: Vec<Incident>) -> Result<Vec<pb::IncidentCase>> {
    let ids: Vec<Uuid> = incidents.iter().map(|incident| incident.id.uuid()).collect();
    let mut notes = incident_rows::notes_of(conn, &ids).await?;
    let case = |incident: &Incident| {
        let notes = notes.remove(&incident.id.uuid()).unwrap_or_default();
        wire::incident_case(incident, &notes)
    };
    Ok(incidents.iter().map(case).collect())
}

fn parse(delivery: &Delivery, request: pb::ListIncidentsRequest) -> Result<Wanted> {
    let mut fields = Fields::new();
    let shop_id = fields.parse_optional("shop_id", &request.shop_id);
    let shipment_id = fields.parse_optional("shipment_id", &request.shipment_id);
    let known = request.reason.is_empty() || is_incident_reason(&request.reason);
    fields.check(known, "reason", "UNKNOWN_VALUE", "is not a canonical incident reason");
    let assignee = fields.text("assignee", &request.assignee, ASSIGNEE_LENGTH_MAX);
    fields.finish()?;
    let filters = pb::ListIncidentsRequest { page_size: 0, page_token: String::new(), ..request.clone() };
    let page =
        Page::parse(&delivery.store, request.page_size, &request.page_token, &filters.encode_to_vec())?;
    let (reason, include_closed) = (request.reason, request.include_closed);
    Ok(Wanted { shop_id, shipment_id, reason, assignee, include_closed, page })
}
