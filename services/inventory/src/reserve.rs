//! Holds units for many requests at once, each exactly as if it had come alone.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use futures_util::future::join;
use proto::inventory::v1::StockReserved;
use rpc::Call;
use store::{Audit, Tx};
use types::{ReservationId, Sku};

use crate::error::{Result, answer};
use crate::model::{Occasion, Reservation, ShortageChange, Stock, Wanted, Warehouses};
use crate::{tell_shortages, wire};

/// One request to hold units.
pub struct Reserve {
    /// The call that asks for it.
    pub call: Call,
    /// The operation, for history.
    pub action: &'static str,
    /// What is wanted.
    pub wanted: Wanted,
    /// From the opening of a shortage to its due time.
    pub shortage_time: TimeDelta,
}

/// Answers each request, in order. One request takes as many statements as a hundred.
pub async fn all(tx: &mut Tx, requests: &[Reserve]) -> Result<Vec<Result<Reservation>>> {
    let ids: Vec<ReservationId> = requests.iter().map(|request| request.wanted.reservation_id).collect();
    let skus: BTreeSet<&str> =
        requests.iter().flat_map(|request| request.wanted.units.keys()).map(Sku::as_str).collect();

    let skus: Vec<&str> = skus.into_iter().collect();
    let (warehouses, stock) = join(Warehouses::load(tx.shared()), Stock::lock(tx, &skus)).await;
    let (warehouses, mut stock) = (warehouses?, stock?);
    // What others held before they let the levels go is seen now.
    let mut known = Reservation::load(tx.conn(), &ids).await?;

    let now = tx.now();
    let mut answers = Vec::with_capacity(requests.len());
    let mut new = Vec::with_capacity(requests.len());
    for request in requests {
        let wanted = &request.wanted;
        if let Some(earlier) = known.get(&wanted.reservation_id) {
            answers.push(earlier.again(wanted));
            continue;
        }
        let (actor, due_time) = (request.call.caller.who(), now + request.shortage_time);
        let occasion = Occasion { actor, now, due_time };
        let warehouses = warehouses.candidates(&wanted.terms.warehouse_ids);
        let held = warehouses.and_then(|from| Reservation::hold(wanted, &mut stock, &from, &occasion));
        let mut held = answer(held)?;
        if let Ok(reservation) = &mut held {
            let changes = reservation.shortage_changes();
            known.insert(reservation.id, reservation.clone());
            new.push((request, reservation.clone(), changes));
        }
        answers.push(held);
    }

    let reserved: Vec<&Reservation> = new.iter().map(|(_, reservation, _)| reservation).collect();
    let (posted, inserted) = join(stock.save(tx), Reservation::insert(tx, &reserved)).await;
    posted.and(inserted)?;

    for (request, reservation, changes) in &new {
        tell(tx, request, reservation, changes);
    }
    Ok(answers)
}

fn tell(tx: &mut Tx, request: &Reserve, reservation: &Reservation, changes: &[ShortageChange]) {
    let (call, shop_id) = (&request.call, request.wanted.holder.shop_id);
    let audit = Audit::new(request.action, reservation.id).shop(shop_id.uuid());
    tx.audit_for(call, audit.set("state", reservation.state.text()));
    let event = StockReserved { reservation: Some(wire::reservation(reservation)) };
    events::append_for(tx, call, reservation.id, reservation.version, Some(shop_id), &event);
    if !changes.is_empty() {
        tell_shortages::tell(tx, call, request.action, reservation, changes);
    }
}
