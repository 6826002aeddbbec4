//! Incidents and what was said about them, in their tables.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use store::Tx;
use types::{IncidentId, OrderId, ShipmentId, ShopId};
use uuid::Uuid;

use crate::error::Result;
use crate::model::incident::Incident;
use crate::schema::{incident_notes as notes, incidents as rows};

/// A row of `incidents`.
#[derive(Queryable, Selectable)]
#[diesel(table_name = rows)]
pub struct IncidentRow {
    incident_id: Uuid,
    shipment_id: Uuid,
    order_id: Uuid,
    shop_id: Uuid,
    reason: String,
    field: String,
    carrier_words: String,
    assignee: String,
    due_time: DateTime<Utc>,
    next_action_time: Option<DateTime<Utc>>,
    open_time: DateTime<Utc>,
    close_time: Option<DateTime<Utc>>,
    occurrences: i32,
    version: i64,
}

/// Something that was said about an incident.
#[derive(Queryable, Selectable)]
#[diesel(table_name = notes)]
pub struct Note {
    pub incident_id: Uuid,
    pub author: String,
    pub text: String,
    pub create_time: DateTime<Utc>,
}

impl IncidentRow {
    /// What the keyset of a list is made of.
    pub fn key(&self) -> (DateTime<Utc>, Uuid) {
        (self.due_time, self.incident_id)
    }

    /// The incident.
    pub fn read(self) -> Incident {
        Incident {
            id: IncidentId::from_uuid(self.incident_id),
            shipment_id: ShipmentId::from_uuid(self.shipment_id),
            order_id: OrderId::from_uuid(self.order_id),
            shop_id: ShopId::from_uuid(self.shop_id),
            reason: self.reason,
            field: self.field,
            carrier_words: self.carrier_words,
            assignee: self.assignee,
            due_time: self.due_time,
            next_action_time: self.next_action_time,
            open_time: self.open_time,
            close_time: self.close_time,
            occurrences: self.occurrences,
            version: self.version,
        }
    }
}

/// The incidents of parcels: open ones first, then the latest.
pub async fn of_shipments(
    conn: &mut AsyncPgConnection,
    shipments: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Incident>>> {
    let found: Vec<IncidentRow> = rows::table
        .filter(rows::shipment_id.eq_any(shipments))
        .order((rows::closed, rows::open_time.desc(), rows::incident_id))
        .select(IncidentRow::as_select())
        .load(conn)
        .await?;
    let mut of: HashMap<Uuid, Vec<Incident>> = HashMap::new();
    for row in found {
        of.entry(row.shipment_id).or_default().push(row.read());
    }
    Ok(of)
}

/// The incident with this id, which nobody else changes until the transaction ends.
pub async fn lock(tx: &mut Tx, id: IncidentId) -> Result<Option<Incident>> {
    let found = rows::table.find(id.uuid()).select(IncidentRow::as_select()).for_update();
    let found: Option<IncidentRow> = found.first(tx.conn()).await.optional()?;
    Ok(found.map(IncidentRow::read))
}

/// Adds an incident.
pub async fn insert(tx: &mut Tx, incident: &Incident) -> Result<()> {
    diesel::insert_into(rows::table)
        .values((
            rows::incident_id.eq(incident.id.uuid()),
            rows::shipment_id.eq(incident.shipment_id.uuid()),
            rows::order_id.eq(incident.order_id.uuid()),
            rows::shop_id.eq(incident.shop_id.uuid()),
            rows::reason.eq(&incident.reason),
            rows::field.eq(&incident.field),
            rows::carrier_words.eq(&incident.carrier_words),
            rows::due_time.eq(incident.due_time),
            rows::open_time.eq(incident.open_time),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Saves what may change.
pub async fn update(tx: &mut Tx, incident: &Incident) -> Result<()> {
    diesel::update(rows::table.find(incident.id.uuid()))
        .set((
            rows::field.eq(&incident.field),
            rows::carrier_words.eq(&incident.carrier_words),
            rows::closed.eq(incident.close_time.is_some()),
            rows::assignee.eq(&incident.assignee),
            rows::due_time.eq(incident.due_time),
            rows::next_action_time.eq(incident.next_action_time),
            rows::close_time.eq(incident.close_time),
            rows::occurrences.eq(incident.occurrences),
            rows::version.eq(incident.version),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Adds what somebody said.
pub async fn add_note(tx: &mut Tx, incident: IncidentId, author: &str, text: &str) -> Result<()> {
    let now = tx.now();
    diesel::insert_into(notes::table)
        .values((
            notes::incident_id.eq(incident.uuid()),
            notes::author.eq(author),
            notes::text.eq(text),
            notes::create_time.eq(now),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// What was said about incidents, in order.
pub async fn notes_of(conn: &mut AsyncPgConnection, incidents: &[Uuid]) -> Result<HashMap<Uuid, Vec<Note>>> {
    let found: Vec<Note> = notes::table
        .filter(notes::incident_id.eq_any(incidents))
        .order((notes::incident_id, notes::sequence))
        .select(Note::as_select())
        .load(conn)
        .await?;
    let mut of: HashMap<Uuid, Vec<Note>> = HashMap::new();
    for note in found {
        of.entry(note.incident_id).or_default().push(note);
    }
    Ok(of)
}
