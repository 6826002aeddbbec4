//! Changes who takes care of an incident and until when, or closes it.

use chrono::{DateTime, Utc};
use proto::delivery::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Tx};
use types::IncidentId;

use crate::error::{Error, Result};
use crate::model::incident::Incident;
use crate::model::incident_rows;
use crate::{Delivery, incidents, wire};

const METHOD: &str = "delivery.update_incident";
const PATHS: [&str; 4] = ["assignee", "due_time", "next_action_time", "closed"];
const ASSIGNEE_LENGTH_MAX: usize = 200;

enum Change {
    Assignee(String),
    DueTime(DateTime<Utc>),
    NextActionTime(Option<DateTime<Utc>>),
    Closed(bool),
}

struct Changes {
    id: IncidentId,
    etag: String,
    changes: Vec<Change>,
}

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::UpdateIncidentRequest,
) -> Result<pb::Incident> {
    let changes = parse(&request)?;

    delivery.store.transaction(call, async |tx: &mut Tx| update(tx, changes).await).await
}

fn parse(request: &pb::UpdateIncidentRequest) -> Result<Changes> {
    let mut fields = Fields::new();
    let mask = fields.update_mask(request.update_mask.as_ref(), &PATHS);
    let wanted = fields.present("incident", request.incident.as_ref());
    let changes = wanted.and_then(|wanted| {
        let id = fields.parse("incident.incident_id", &wanted.incident_id);
        let changes = mask.iter().filter_map(|path| change(&mut fields, path, wanted)).collect();
        Some(Changes { id: id?, etag: wanted.etag.clone(), changes })
    });
    Ok(fields.finish_with(changes)?)
}

fn change(fields: &mut Fields, path: &str, wanted: &pb::Incident) -> Option<Change> {
    match path {
        "assignee" => {
            let assignee = fields.text("incident.assignee", &wanted.assignee, ASSIGNEE_LENGTH_MAX);
            Some(Change::Assignee(assignee))
        }
        "due_time" => {
            let time = fields.present("incident.due_time", wanted.due_time);
            fields.time_optional("incident.due_time", time).map(Change::DueTime)
        }
        "next_action_time" => {
            let time = fields.time_optional("incident.next_action_time", wanted.next_action_time);
            Some(Change::NextActionTime(time))
        }
        _ => Some(Change::Closed(wanted.closed)),
    }
}

async fn update(tx: &mut Tx, wanted: Changes) -> Result<pb::Incident> {
    let before = lock_visible(tx, wanted.id).await?;
    if !wanted.etag.is_empty() && wanted.etag != before.version.to_string() {
        return Err(Error::EtagMismatch { current: before.version });
    }

    let mut incident = before.clone();
    let now = tx.now();
    wanted.changes.into_iter().for_each(|change| incident.apply(change, now));
    if incident == before {
        return Ok(wire::incident(&before));
    }
    incident.version = before.version + 1;

    incident_rows::update(tx, &incident).await?;

    tell(tx, &before, &incident);
    Ok(wire::incident(&incident))
}

/// The incident, locked, when the caller sees its shop.
pub async fn lock_visible(tx: &mut Tx, id: IncidentId) -> Result<Incident> {
    let found = incident_rows::lock(tx, id).await?;
    let shops = &tx.call().caller.shops;
    found.filter(|incident| shops.allow(incident.shop_id)).ok_or(Error::IncidentNotFound)
}

impl Incident {
    fn apply(&mut self, change: Change, now: DateTime<Utc>) {
        match change {
            Change::Assignee(assignee) => self.assignee = assignee,
            Change::DueTime(time) => self.due_time = time,
            Change::NextActionTime(time) => self.next_action_time = time,
            Change::Closed(true) => {
                self.close(now);
            }
            Change::Closed(false) => self.close_time = None,
        }
    }
}

fn tell(tx: &mut Tx, before: &Incident, incident: &Incident) {
    let audit = Audit::new(METHOD, incident.id)
        .shop(incident.shop_id.uuid())
        .change("assignee", &before.assignee, &incident.assignee)
        .change("due_time", before.due_time, incident.due_time)
        .change("next_action_time", before.next_action_time, incident.next_action_time)
        .change("closed", !before.is_open(), !incident.is_open());
    tx.audit(audit);
    if before.is_open() && !incident.is_open() {
        incidents::announce_closed(tx, incident);
    } else if !before.is_open() && incident.is_open() {
        incidents::announce_opened(tx, incident);
    }
}
