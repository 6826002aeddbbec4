//! Adds what was asked of the carrier, or what it answered, to an incident.

use proto::delivery::v1 as pb;
use rpc::{Call, Fields, TEXT_LENGTH_MAX};
use store::{Audit, Once, Tx};
use types::IncidentId;

use super::list_incidents::cases;
use super::update_incident::lock_visible;
use crate::Delivery;
use crate::error::{Error, Result};
use crate::model::incident_rows;

const METHOD: &str = "delivery.add_incident_note";

pub async fn handle(
    delivery: &Delivery,
    call: &Call,
    request: pb::AddIncidentNoteRequest,
) -> Result<pb::IncidentCase> {
    let (id, text, key) = parse(&request)?;

    let scope = id.to_string();
    let once = Once { scope: &scope, method: METHOD, key: &key };
    delivery.store.once(call, once, &request, async |tx: &mut Tx| add(tx, id, &text).await).await
}

fn parse(request: &pb::AddIncidentNoteRequest) -> Result<(IncidentId, String, String)> {
    let mut fields = Fields::new();
    let id = fields.parse("incident_id", &request.incident_id);
    let key = fields.idempotency_key(&request.idempotency_key);
    let text = fields.required_text("text", &request.text, TEXT_LENGTH_MAX);
    Ok((fields.finish_with(id)?, text, key))
}

/// The text stays with the incident: people write about people.
async fn add(tx: &mut Tx, id: IncidentId, text: &str) -> Result<pb::IncidentCase> {
    let incident = lock_visible(tx, id).await?;
    let author = tx.call().caller.who();

    incident_rows::add_note(tx, id, &author, text).await?;

    tx.audit(Audit::new(METHOD, id).shop(incident.shop_id.uuid()).set("note", true));
    cases(tx.conn(), vec![incident]).await?.pop().ok_or(Error::IncidentNotFound)
}
