//! Says who takes care of an open shortage, and until when.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use proto::inventory::v1 as pb;
use rpc::{Call, Fields};
use store::{Audit, Tx};
use types::ShortageId;

use crate::error::{Error, Result};
use crate::model::{Reservation, Shortage};
use crate::schema::shortages;
use crate::{Inventory, wire};

/// Characters of an assignee.
pub const ASSIGNEE_LENGTH_MAX: usize = 128;

/// The shortage; nothing happens when it was so before.
pub async fn handle(
    inventory: &Inventory,
    call: &Call,
    request: pb::AssignShortageRequest,
) -> Result<pb::Shortage> {
    let Assignment { id, assignee, due_time } = Assignment::parse(&request)?;

    let assign = async |tx: &mut Tx| {
        let found = Shortage::find(tx.conn(), id).await?;
        let (reservation_id, _) = found.ok_or(Error::ShortageNotFound { id })?;
        // Whoever covers or closes it holds the reservation.
        let mut locked = Reservation::lock(tx, &[reservation_id], &[]).await?;
        let visible = locked.remove(&reservation_id).filter(|one| one.is_visible_to(&call.caller.shops));
        let mut reservation = visible.ok_or(Error::ShortageNotFound { id })?;
        let shortage = reservation.shortages.iter_mut().find(|shortage| shortage.id == id);
        let shortage = shortage.ok_or(Error::ShortageEnded { id })?;

        let before = shortage.clone();
        shortage.assignee = assignee;
        shortage.due_time = due_time.unwrap_or(before.due_time);
        let mut after = shortage.clone();
        if after == before {
            return Ok::<_, Error>(wire::shortage(&after, &reservation));
        }
        after.version += 1;

        diesel::update(shortages::table.find(id.uuid()))
            .set((
                shortages::assignee.eq(&after.assignee),
                shortages::due_time.eq(after.due_time),
                shortages::version.eq(after.version),
            ))
            .execute(tx.conn())
            .await?;

        tell(tx, &reservation, &before, &after);
        Ok(wire::shortage(&after, &reservation))
    };
    inventory.store.transaction(call, assign).await
}

fn tell(tx: &mut Tx, reservation: &Reservation, before: &Shortage, after: &Shortage) {
    let shop_id = reservation.holder.as_ref().map(|holder| holder.shop_id);
    let audit = Audit::new("inventory.assign_shortage", after.id)
        .change("assignee", &before.assignee, &after.assignee)
        .change("due_time", before.due_time, after.due_time);
    tx.audit(shop_id.into_iter().fold(audit, |audit, shop_id| audit.shop(shop_id.uuid())));
    let event = pb::ShortageAssigned { shortage: Some(wire::shortage(after, reservation)) };
    events::append(tx, after.id, after.version, shop_id, &event);
}

struct Assignment {
    id: ShortageId,
    assignee: String,
    due_time: Option<DateTime<Utc>>,
}

impl Assignment {
    fn parse(request: &pb::AssignShortageRequest) -> Result<Self> {
        let mut fields = Fields::new();
        let id = fields.parse("shortage_id", &request.shortage_id);
        let assignee = fields.text("assignee", request.assignee.trim(), ASSIGNEE_LENGTH_MAX);
        let due_time = fields.time_optional("due_time", request.due_time);
        Ok(Self { id: fields.finish_with(id)?, assignee, due_time })
    }
}
