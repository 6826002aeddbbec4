//! Raises and closes what went wrong with a parcel, and tells of it: one incident per parcel and cause.

use proto::delivery::v1 as pb;
use store::{Audit, Tx};

use crate::error::Result;
use crate::model::incident::{Cause, Incident};
use crate::model::incident_rows;
use crate::model::shipment::Shipment;
use crate::model::watch;
use crate::wire;

/// The longest words of a carrier that are kept.
const WORDS_LENGTH_MAX: usize = 1000;

/// Something is wrong with `parcel`: a new incident, or the old one again.
pub async fn raise(tx: &mut Tx, parcel: &mut Shipment, mut cause: Cause) -> Result<Incident> {
    let now = tx.now();
    cause.words = cause.words.chars().take(WORDS_LENGTH_MAX).collect();
    let known = parcel.incidents.iter_mut().find(|incident| incident.reason == cause.reason);

    let (incident, opened) = match known {
        Some(incident) => {
            let opened = !incident.is_open();
            incident.recur(cause, now);
            incident_rows::update(tx, incident).await?;
            (incident.clone(), opened)
        }
        None => {
            let incident = Incident::open((parcel.id, parcel.order_id, parcel.shop_id), cause, now);
            incident_rows::insert(tx, &incident).await?;
            parcel.incidents.insert(0, incident.clone());
            (incident, true)
        }
    };

    if opened {
        let audit = Audit::new("delivery.open_incident", incident.id)
            .shop(parcel.shop_id.uuid())
            .set("shipment_id", parcel.id.to_string())
            .set("reason", &incident.reason)
            .set("field", &incident.field)
            .set("due_time", incident.due_time);
        tx.audit(audit);
        announce_opened(tx, &incident);
    }
    Ok(incident)
}

/// Closes what is over now.
pub async fn close_those_over(tx: &mut Tx, parcel: &mut Shipment) -> Result<()> {
    let now = tx.now();
    let over: Vec<usize> = (0..parcel.incidents.len())
        .filter(|at| parcel.incidents[*at].is_open() && watch::is_over(&parcel.incidents[*at].reason, parcel))
        .collect();
    for at in over {
        let incident = &mut parcel.incidents[at];
        incident.close(now);
        incident_rows::update(tx, incident).await?;
        let audit = Audit::new("delivery.close_incident", incident.id)
            .shop(incident.shop_id.uuid())
            .change("closed", false, true);
        tx.audit(audit);
        announce_closed(tx, incident);
    }
    Ok(())
}

/// Tells the other services that somebody must take care of it.
pub fn announce_opened(tx: &mut Tx, incident: &Incident) {
    let event = pb::IncidentOpened {
        incident: Some(wire::incident_without_words(incident)),
        order_id: incident.order_id.to_string(),
    };
    events::append(tx, incident.id, incident.version, Some(incident.shop_id), &event);
}

/// Tells the other services that it is over.
pub fn announce_closed(tx: &mut Tx, incident: &Incident) {
    let event = pb::IncidentClosed {
        incident: Some(wire::incident_without_words(incident)),
        order_id: incident.order_id.to_string(),
    };
    events::append(tx, incident.id, incident.version, Some(incident.shop_id), &event);
}
