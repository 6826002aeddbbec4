//! Changes what held reservations want. What one gives back goes to those who have waited longest.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proto::inventory::v1::ReservationChanged;
use rpc::Call;
use store::{Audit, Tx};
use types::{ReservationId, Sku};

use crate::error::{Error, Result, answer};
use crate::model::{Change, Occasion, Outcome, Reservation, ShortageChange, Stock, Warehouses, cover_oldest};
use crate::{tell_shortages, wire};

/// One request to change a reservation.
pub struct Rewrite {
    /// The call that asks for it.
    pub call: Call,
    /// What is wanted from now on.
    pub change: Change,
    /// From the opening of a shortage to its due time.
    pub shortage_time: TimeDelta,
}

const ACTION: &str = "inventory.change_reservation";

/// Answers each request, in order.
pub async fn all(tx: &mut Tx, requests: &[Rewrite]) -> Result<Vec<Result<Reservation>>> {
    let mut answers = Vec::with_capacity(requests.len());
    for request in requests {
        answers.push(answer(one(tx, request).await)?);
    }
    Ok(answers)
}

async fn one(tx: &mut Tx, request: &Rewrite) -> Result<Reservation> {
    let (id, change) = (request.change.reservation_id, &request.change);
    let before = Reservation::skus(tx.conn(), &[id]).await?;
    let skus: BTreeSet<&str> =
        before.iter().map(String::as_str).chain(change.units.keys().map(Sku::as_str)).collect();
    let skus: Vec<&str> = skus.into_iter().collect();
    let mut stock = Stock::lock(tx, &skus).await?;
    let freed: Vec<&str> = before.iter().map(String::as_str).collect();
    let mut known = Reservation::lock(tx, &[id], &freed).await?;
    let warehouses = Warehouses::load(tx.conn()).await?;

    let now = tx.now();
    let due_time = now + request.shortage_time;
    let occasion = Occasion { actor: request.call.caller.who(), now, due_time };
    let reservation = known.get_mut(&id).ok_or(Error::ReservationNotFound { id })?;
    let earlier = reservation.clone();
    if reservation.change(change, &mut stock, &warehouses, &occasion)? == Outcome::Unchanged {
        return Ok(earlier);
    }
    let mut touched: BTreeSet<ReservationId> = cover_oldest(&mut known, &mut stock, &warehouses, &occasion)?;
    touched.insert(id);
    let mut told: Vec<(&Reservation, Vec<ShortageChange>)> = Vec::with_capacity(touched.len());
    for (_, reservation) in known.iter_mut().filter(|(id, _)| touched.contains(id)) {
        let changes = reservation.shortage_changes();
        told.push((&*reservation, changes));
    }

    stock.save(tx).await?;
    Reservation::save(tx, &told.iter().map(|(reservation, _)| *reservation).collect::<Vec<_>>()).await?;

    for (reservation, changes) in &told {
        if reservation.id == id {
            tell(tx, &request.call, &earlier, reservation);
        }
        tell_shortages::tell(tx, &request.call, ACTION, reservation, changes);
    }
    known.remove(&id).ok_or(Error::ReservationNotFound { id })
}

fn tell(tx: &mut Tx, call: &Call, before: &Reservation, after: &Reservation) {
    let shop_id = after.holder.as_ref().map(|holder| holder.shop_id);
    let wanted = |reservation: &Reservation| -> Vec<(String, i64)> {
        reservation.wanted().into_iter().map(|(sku, units)| (sku.to_string(), units)).collect()
    };
    let audit = Audit::new(ACTION, after.id)
        .change("revision", before.revision, after.revision)
        .change("wanted", wanted(before), wanted(after))
        .change("state", before.state.text(), after.state.text());
    tx.audit_for(call, shop_id.into_iter().fold(audit, |audit, shop_id| audit.shop(shop_id.uuid())));

    let changed = [
        ("lines", before.lines != after.lines),
        ("shortages", !before.open_shortages().eq(after.open_shortages())),
        ("state", before.state != after.state),
    ];
    let changed_fields =
        changed.into_iter().filter(|(_, is_changed)| *is_changed).map(|(name, _)| name.to_owned());
    let event = ReservationChanged {
        reservation: Some(wire::reservation(after)),
        changed_fields: std::iter::once("revision".to_owned()).chain(changed_fields).collect(),
    };
    events::append_for(tx, call, after.id, after.version, shop_id, &event);
}
